import { fail } from './errors.ts';

/** The etag of a resource's version. */
export const etagOf = (version: number): string => `"${version.toString(36)}"`;

/** Refuses a change that was not made on the present version; `*` stands for whatever is there. */
export const checkEtag = (sent: string, version: number): void => {
  if (sent === '') throw fail('ETAG_REQUIRED');
  if (sent !== '*' && sent !== etagOf(version)) throw fail('ETAG_MISMATCH', { etag: etagOf(version) });
};
