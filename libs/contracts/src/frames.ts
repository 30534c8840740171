/** Where an error came from: the frames of its stack, without the message before them, which may have any lines. */
export const framesOf = (error: unknown): string[] => {
  const { stack, message = '' } = (error ?? {}) as { stack?: unknown; message?: unknown };
  if (typeof stack !== 'string' || typeof message !== 'string' || !(error instanceof Error || error instanceof Place)) return [];
  // The stack begins with the name and the message as they were when the error was made.
  const at = message === '' ? 0 : stack.indexOf(message);
  const frames = at < 0 ? [] : stack.slice(at + message.length).split('\n');
  return frames.filter((line) => /^ {4}at \S/.test(line));
};

/** The place where it was made, for the frames of an error that comes from elsewhere. */
export class Place {
  readonly stack: string = '';
  readonly message: string = '';

  constructor() {
    Error.captureStackTrace(this, Place);
  }
}
