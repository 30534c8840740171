// The states of an entry of the Outbox.
import { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';

/** The states in which rows may be edited, and from which an upload takes an entry. */
export const EDITABLE_STATES: readonly Entry_State[] = [Entry_State.READY, Entry_State.STALE];

/** The states in which the rows have been deleted. */
export const DELETED_STATES: readonly Entry_State[] = [Entry_State.DELETED, Entry_State.EXPIRED];

/** The states in which the rows are kept. */
export const KEPT_STATES: readonly Entry_State[] = [...EDITABLE_STATES, Entry_State.UPLOADING, Entry_State.UPLOADED];
