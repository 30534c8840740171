// The leaf hash of a Merkle tree over the log.

/** SHA-256 of 0x00 and the stored bytes (RFC 9162, section 2.1.1). */
export const leafHash = (bytes: Uint8Array, sha256: (bytes: Uint8Array) => Buffer): Buffer => sha256(Buffer.concat([Buffer.of(0), bytes]));
