// The names of the error catalogues, as types: a mistyped reason does not compile.
import type { CommonErrorReason } from '../gen/lethe/options/v1/error_reason.ts';
import type { ErrorReason as AuditReason } from '../gen/lethe/audit/v1/error_reason.ts';
import type { ErrorReason as DataReason } from '../gen/lethe/data/v1/error_reason.ts';
import type { ErrorReason as ExtDatamoduleReason } from '../gen/lethe/extdatamodule/v1/error_reason.ts';
import type { ErrorReason as ScriptReason } from '../gen/lethe/script/v1/error_reason.ts';
import type { ErrorReason as TaskReason } from '../gen/lethe/task/v1/error_reason.ts';
import type { ErrorReason as UserReason } from '../gen/lethe/user/v1/error_reason.ts';

type NamesOf<Enum> = Exclude<keyof Enum & string, 'UNSPECIFIED'>;

/** A reason that every service may fail with. */
export type CommonReason = NamesOf<typeof CommonErrorReason>;

/** A reason of any catalogue. */
export type Reason =
  | CommonReason
  | NamesOf<typeof AuditReason>
  | NamesOf<typeof DataReason>
  | NamesOf<typeof ExtDatamoduleReason>
  | NamesOf<typeof ScriptReason>
  | NamesOf<typeof TaskReason>
  | NamesOf<typeof UserReason>;
