import { fail } from '@lethe/grpc/errors';
import type { UserRow } from '../store/tables.ts';

/** The user of a valid bearer token, and what the token is limited to. */
export type Credential = { user: UserRow; scopes: string[]; tokenId: string; expireTime: Date };

/** The one error for every token that is not valid: it does not say which check failed. */
export const unauthenticated = (cause?: unknown): Error => fail('UNAUTHENTICATED', {}, { message: 'the credential is not valid', cause });
