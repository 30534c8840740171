import { createReadStream } from 'node:fs';

const LINE_FEED = 10;

/** The lines of a file, each ended by a line feed. */
export const readLineCount = async (path: string): Promise<number> => {
  let count = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    const bytes = chunk as Buffer;
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) count += 1;
  }
  return count;
};
