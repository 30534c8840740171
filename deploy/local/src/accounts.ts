// The people of the local stack.
import type { LocalAccount } from './oidc.ts';

/** A person and what the job uses them for. */
export const ACCOUNTS: LocalAccount[] = [
  { subject: 'admin', name: 'Ada Admin', email: 'admin@example.org' },
  { subject: 'editor', name: 'Edgar Editor', email: 'editor@example.org' },
  { subject: 'manager', name: 'Mara Manager', email: 'manager@example.org' },
  { subject: 'reviewer', name: 'Rosa Reviewer', email: 'reviewer@example.org' },
  { subject: 'owner', name: 'Otto Owner', email: 'owner@example.org' },
];

/** Superusers among them. */
export const SUPERUSERS = ['admin'];

/** Their names. */
export type Person = 'admin' | 'editor' | 'manager' | 'reviewer' | 'owner';
