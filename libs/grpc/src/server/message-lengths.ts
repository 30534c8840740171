// The messages of a gRPC stream by their prefixes: a byte that says whether it is compressed, and its length in four.

const PREFIX_BYTES = 5;

/** Why a stream is refused: a message that is too long, that is compressed, or one too many. */
export type Refusal = { kind: 'LENGTH' | 'COMPRESSED' | 'COUNT'; bytes: number };

/** What a stream's messages may be. */
export type MessageLimits = { maxBytes: number; maxMessages: number };

/** Reads on in a stream, and returns what the messages that begin in the bytes say of their length. After a refusal there is no more to read. */
export const messageLengths = ({ maxBytes, maxMessages }: MessageLimits) => {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  let filled = 0;
  let remaining = 0;
  let messages = 0;
  const begin = (): Refusal | undefined => {
    messages += 1;
    if (messages > maxMessages) return { kind: 'COUNT', bytes: maxBytes };
    // A few bytes may unpack to as much as a message may have, before anybody could look at it.
    if (prefix[0] !== 0) return { kind: 'COMPRESSED', bytes: maxBytes };
    remaining = prefix.readUInt32BE(1);
    return remaining > maxBytes ? { kind: 'LENGTH', bytes: maxBytes } : undefined;
  };
  return (chunk: Buffer): { refusal?: Refusal; declared: number } => {
    let declared = 0;
    for (let at = 0; at < chunk.length;) {
      if (remaining > 0) {
        const taken = Math.min(remaining, chunk.length - at);
        remaining -= taken;
        at += taken;
        continue;
      }
      const taken = Math.min(PREFIX_BYTES - filled, chunk.length - at);
      chunk.copy(prefix, filled, at, at + taken);
      filled += taken;
      at += taken;
      if (filled < PREFIX_BYTES) break;
      filled = 0;
      const refusal = begin();
      if (refusal) return { refusal, declared };
      declared += remaining;
    }
    return { declared };
  };
};
