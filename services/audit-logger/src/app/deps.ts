import type { Store } from '@lethe/db/open';
import type { Tables } from '../store/tables.ts';

/** What the handlers of AuditLogger use. */
export type Deps = { store: Store<Tables> };
