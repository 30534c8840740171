// Keyed tokens in place of values: HMAC-SHA-256 (RFC 2104), composed in SQL.
const BLOCK_BYTES = 64;
const DEFAULT_LENGTH = 32;

const pad = (key: Uint8Array, byte: number): string => {
  const block = Buffer.alloc(BLOCK_BYTES);
  Buffer.from(key).copy(block);
  return Buffer.from(block.map((value) => value ^ byte)).toString('hex');
};

/** SQL of a text's token: `length` hex digits, 32 when 0. NULL stays NULL. The key is at most 64 bytes. */
export const tokenSql = (text: string, key: Uint8Array, length: number): string => {
  if (key.length > BLOCK_BYTES) throw new RangeError('a pseudonym key has at most 64 bytes');
  const inner = `sha256(from_hex('${pad(key, 0x36)}') || encode(${text}))`;
  return `substr(sha256(from_hex('${pad(key, 0x5c)}') || from_hex(${inner})), 1, ${length === 0 ? DEFAULT_LENGTH : length})`;
};
