import type { DataModuleVersion_State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { OptionalTime, PlatformTables, Time } from '@lethe/db/platform';
import type { ColumnType, Generated, Selectable, Transaction } from 'kysely';

type Json<T> = ColumnType<T, string, string>;

/** A table of a version as it is stored: JSON has no 64-bit integers. */
export type StoredTableVersion = { table: string; contentHash: string; schemaHash: string; rowCount: string };

/** The tables of schema lethe_extdatamodule. */
export type Tables = PlatformTables & {
  connections: {
    id: string;
    groupId: string;
    displayName: string;
    description: string;
    namespace: string;
    type: string;
    schemaVersion: number;
    settings: Json<Record<string, unknown>>;
    contract: string;
    ownerIds: string[];
    discoverable: boolean;
    requirePrivacy: Generated<boolean>;
    secretKeyId: string | null;
    secretWrappedKey: Buffer | null;
    secretCiphertext: Buffer | null;
    secretNumber: number;
    secretUpdateTime: OptionalTime;
    version: Generated<number>;
    createTime: Time;
    updateTime: Time;
    deleteTime: OptionalTime;
  };
  dataModules: {
    id: string;
    groupId: string;
    displayName: string;
    namespace: string;
    document: Json<Record<string, unknown>>;
    documentRevision: bigint;
    documentHash: string;
    headVersion: string;
    version: Generated<number>;
    createTime: Time;
    updateTime: Time;
    deleteTime: OptionalTime;
  };
  moduleVersions: {
    moduleId: string;
    version: string;
    /** Place in the order of versions, from 1. */
    place: number;
    state: DataModuleVersion_State;
    baseVersion: string;
    runId: string;
    uploadId: string;
    document: Json<Record<string, unknown>> | null;
    documentHash: string;
    tables: Json<StoredTableVersion[]>;
    createTime: Time;
    publishTime: OptionalTime;
  };
};

export type ConnectionRow = Selectable<Tables['connections']>;
export type ModuleRow = Selectable<Tables['dataModules']>;
export type ModuleVersionRow = Selectable<Tables['moduleVersions']>;

/** A transaction on these tables. */
export type Tx = Transaction<Tables>;
