import type { Parameter, Script_Language, Script_Type, ScriptVersion_State } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { OptionalTime, PlatformTables, Time } from '@lethe/db/platform';
import type { ColumnType, Generated, Selectable, Transaction } from 'kysely';

type Json<T> = ColumnType<T, string, string>;

/** The tables of schema lethe_script. */
export type Tables = PlatformTables & {
  scripts: {
    id: string;
    groupId: string;
    displayName: string;
    description: string;
    namespace: string;
    type: Script_Type;
    language: Script_Language;
    headVersion: number;
    releasedVersion: number;
    version: Generated<number>;
    createTime: Time;
    updateTime: Time;
    deleteTime: OptionalTime;
  };
  scriptVersions: {
    scriptId: string;
    number: number;
    state: ScriptVersion_State;
    content: string;
    contentHash: string;
    readKind: string;
    properties: Json<Record<string, unknown>>;
    parameters: Json<Parameter[]>;
    createTime: Time;
    releaseTime: OptionalTime;
  };
};

export type ScriptRow = Selectable<Tables['scripts']>;
export type VersionRow = Selectable<Tables['scriptVersions']>;

/** A transaction on these tables. */
export type Tx = Transaction<Tables>;
