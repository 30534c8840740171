// The verbs between the client and the engine process, over the process's IPC channel.
import type { CopyFormat } from './csv-dialect.ts';
import type { RunReason } from '../domain/run-error.ts';

/** The reasons of the catalogue that are the engine's. */
export type EngineErrorCode = Extract<RunReason, `ENGINE_${string}` | 'DISK_FULL'>;

export type OpenRequest = { verb: 'open'; directory: string; memoryMb: number; threads: number; temporaryMb: number };
export type SqlRequest = { verb: 'sql'; statement: string };
export type CopyInRequest = { verb: 'copyIn'; name: string; paths: string[]; columns: { name: string; type: string }[] };
export type CopyOutRequest = { verb: 'copyOut'; query: string; path: string; format: CopyFormat };
export type IntegersRequest = { verb: 'integers'; query: string; path: string };
export type InterruptRequest = { verb: 'interrupt' };
export type CloseRequest = { verb: 'close' };

export type EngineVerb = OpenRequest | SqlRequest | CopyInRequest | CopyOutRequest | IntegersRequest | InterruptRequest | CloseRequest;

export type EngineRequest = EngineVerb & { id: number };

/** `columns` and `rows` for sql; `rowCount` for copies; `columns` and `rowCount` for integers, whose values stand in the file. */
export type EngineResult = { columns: string[]; rows: (string | null)[][]; rowCount: number };

/** `line` is one of the statement; 0 = none. */
export type EngineFailure = { code: EngineErrorCode; message: string; line: number };

export type EngineResponse = { id: number; result: EngineResult } | { id: number; failure: EngineFailure };
