// The states of an entry of the Outbox, by what may be done with its rows.
import { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';

/** What may be done with the rows: edited and taken by an upload, read, or nothing because they are gone. */
type Rows = 'editable' | 'readable' | 'deleted' | 'none';

// A new state does not compile until that is decided.
const ROWS: Record<Entry_State, Rows> = {
  [Entry_State.UNSPECIFIED]: 'none',
  [Entry_State.READY]: 'editable',
  [Entry_State.STALE]: 'editable',
  [Entry_State.UPLOADING]: 'readable',
  [Entry_State.UPLOADED]: 'readable',
  [Entry_State.DELETED]: 'deleted',
  [Entry_State.EXPIRED]: 'deleted',
};

const statesOf = (...rows: readonly Rows[]): readonly Entry_State[] =>
  Object.values(Entry_State).filter((state) => rows.includes(ROWS[state]));

/** The states in which rows may be edited, and from which an upload takes an entry. */
export const EDITABLE_STATES = statesOf('editable');

/** The states in which the rows have been deleted. */
export const DELETED_STATES = statesOf('deleted');

/** The states in which the rows are kept. */
export const KEPT_STATES = statesOf('editable', 'readable');
