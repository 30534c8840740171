// Codes of errors of the system and of the runtime. What is not one of them may have been chosen by somebody else, and is not shown.
import { constants } from 'node:os';
import { codeOf } from '../domain/error-code.ts';

const SYSTEM = new Set([...Object.keys(constants.errno), 'EAI_AGAIN', 'EAI_FAIL', 'ENOTFOUND', 'ENODATA']);

/** Whether a code is one of the operating system's. */
export const isSystemCode = (code: string): boolean => SYSTEM.has(code);

const NETWORK = /^(?:ECONN\w+|ENET\w+|EHOST\w+|EAI_\w+|EPIPE|ETIMEDOUT|EADDRNOTAVAIL|ENOTFOUND|ENODATA|ENOTCONN|ENOBUFS)$/;

/** Whether an error is of a connection to another machine, and not of this one's files. */
export const isNetworkError = (error: unknown): boolean => {
  const code = codeOf(error);
  const call = (error as { syscall?: unknown } | undefined)?.syscall;
  return isSystemCode(code) && (NETWORK.test(code) || call === 'connect' || call === 'getaddrinfo');
};

const CERTIFICATES: Record<string, string> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  CERT_REVOKED: 'its certificate was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is signed by an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that is not trusted here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is of another host',
};

/** What is wrong with the TLS of a server, by the code of its error; undefined where nothing is. */
export const tlsProblem = (code: string): string | undefined =>
  (Object.hasOwn(CERTIFICATES, code) ? CERTIFICATES[code] : undefined) ??
  (/^(?:ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code) ? 'it and DataManager agree on no form of TLS' : undefined);
