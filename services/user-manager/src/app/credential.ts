import { fail } from '@lethe/grpc/errors';
import type { UserRow } from '../store/tables.ts';

/** What a valid bearer token stands for. */
export type Credential = { user: UserRow; scopes: string[]; tokenId: string; expireTime: Date };

/** The one error for every token that is not valid: which check failed is not said. */
export const unauthenticated = (cause?: unknown): Error => fail('UNAUTHENTICATED', {}, { message: 'the credential is not valid', cause });
