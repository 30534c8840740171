// Bytes → text, chunk by chunk: strict, without a byte order mark at the beginning.
import { isUtf8 } from 'node:buffer';

/** Text as it is decoded. `invalid`: what follows the text is none of the encoding; there is no more. */
export type Decoded = { text: string; invalid: boolean };

/** Decodes one input. `end` tells that no more bytes come. */
export type Decoder = { decode: (bytes: Buffer, end: boolean) => Decoded };

const BOM = '\uFEFF';

/** The length of the bytes before a character whose end is missing: at most three bytes are left out. */
const wholeLength = (bytes: Buffer): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
};

/** How many of the bytes are valid: the longest prefix, by halves. */
const validLength = (bytes: Buffer): number => {
  let [low, high] = [0, bytes.length];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const part = bytes.subarray(0, middle);
    if (isUtf8(part.subarray(0, wholeLength(part)))) low = middle;
    else high = middle - 1;
  }
  const part = bytes.subarray(0, low);
  return wholeLength(part);
};

const utf8Decoder = (): Decoder => {
  let rest = Buffer.alloc(0);
  return {
    decode: (bytes, end) => {
      const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      const length = end ? all.length : wholeLength(all);
      const whole = all.subarray(0, length);
      rest = Buffer.from(all.subarray(length));
      if (isUtf8(whole)) return { text: whole.toString('utf8'), invalid: false };
      return { text: whole.subarray(0, validLength(whole)).toString('utf8'), invalid: true };
    },
  };
};

const STEP_BYTES = 4096;
const REPLACEMENT = '\uFFFD';

const otherDecoder = (label: string): Decoder => {
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  return {
    decode: (bytes, end) => {
      let text = '';
      for (let at = 0; at === 0 || at < bytes.length; at += STEP_BYTES) {
        const step = bytes.subarray(at, at + STEP_BYTES);
        const last = at + STEP_BYTES >= bytes.length;
        try {
          text += decoder.decode(step, { stream: !(end && last) });
        } catch {
          // What comes before the invalid byte says in which line it is.
          return { text: text + (new TextDecoder(label).decode(step).split(REPLACEMENT)[0] ?? ''), invalid: true };
        }
      }
      return { text, invalid: false };
    },
  };
};

/** The name of an encoding by a label of the WHATWG Encoding Standard; undefined for a label that it does not have. */
export const encodingOf = (label: string): string | undefined => {
  try {
    return new TextDecoder(label === '' ? 'utf-8' : label).encoding;
  } catch {
    return undefined;
  }
};

/** A decoder of an encoding by its name. */
export const openDecoder = (encoding: string): Decoder => {
  const decoder = encoding === 'utf-8' ? utf8Decoder() : otherDecoder(encoding);
  let isFirst = true;
  return {
    decode: (bytes, end) => {
      const decoded = decoder.decode(bytes, end);
      if (!isFirst || decoded.text === '') return decoded;
      isFirst = false;
      return decoded.text.startsWith(BOM) ? { ...decoded, text: decoded.text.slice(1) } : decoded;
    },
  };
};
