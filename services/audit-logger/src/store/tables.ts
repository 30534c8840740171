import type { Outcome } from '@lethe/contracts/gen/lethe/event/v1/event';
import type { PlatformTables } from '@lethe/db/platform';
import type { ColumnType, Selectable } from 'kysely';

/** The tables of schema lethe_audit. A log row is never changed; `bytes` are what was hashed; the other columns serve the filters. */
export type Tables = PlatformTables & {
  auditLogs: {
    id: string;
    source: string;
    sourceSeq: bigint;
    bytes: Buffer;
    leafHash: Buffer;
    time: Date;
    actorId: string;
    onBehalfOf: string;
    action: string;
    resource: string;
    groupId: string | null;
    runId: string | null;
    outcome: Outcome;
    searchText: string;
    storeTime: ColumnType<Date, never, never>;
  };
};

export type AuditLogRow = Selectable<Tables['auditLogs']>;
