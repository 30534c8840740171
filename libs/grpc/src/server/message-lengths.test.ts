import { expect, test } from 'vitest';
import { messageLengths } from './message-lengths.ts';

const message = (length: number, declared = length, flag = 0): Buffer => {
  const bytes = Buffer.alloc(5 + length, 7);
  bytes.writeUInt8(flag);
  bytes.writeUInt32BE(declared, 1);
  return bytes;
};

/** What is found when the bytes arrive in pieces of a size. */
const read = (bytes: Buffer, size: number, limits = { maxBytes: 100, maxMessages: 3 }): string => {
  const look = messageLengths(limits);
  let sum = 0;
  for (let at = 0; at < bytes.length; at += size) {
    const { refusal, declared } = look(bytes.subarray(at, at + size));
    sum += declared;
    if (refusal) return refusal.kind;
  }
  return String(sum);
};

test.each([1, 2, 3, 5, 7, 1_000])('reads the lengths of messages that arrive in pieces of %i bytes', (size) => {
  expect(read(Buffer.concat([message(10), message(0), message(100)]), size)).toBe('110');
  expect(read(message(10, 101), size)).toBe('LENGTH');
  expect(read(Buffer.concat([message(10), message(5, 4_294_967_295)]), size)).toBe('LENGTH');
  expect(read(Buffer.concat([message(0), message(20, 20, 1)]), size)).toBe('COMPRESSED');
  expect(read(Buffer.concat([message(1), message(1), message(1), message(1)]), size)).toBe('COUNT');
});
