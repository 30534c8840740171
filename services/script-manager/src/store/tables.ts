import type { OptionalTime, PlatformTables, Time } from '@lethe/db/platform';
import type { ColumnType, Generated, Selectable } from 'kysely';

type Json<T> = ColumnType<T, string, string>;

/** The tables of schema lethe_script. */
export type Tables = PlatformTables & {
  scripts: {
    id: string;
    groupId: string;
    displayName: string;
    description: string;
    namespace: string;
    type: number;
    language: number;
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
    state: number;
    content: string;
    contentHash: string;
    readKind: string;
    properties: Json<Record<string, unknown>>;
    parameters: Json<{ name: string; type: number; defaultValue: string; required: boolean }[]>;
    createTime: Time;
    releaseTime: OptionalTime;
  };
};

export type ScriptRow = Selectable<Tables['scripts']>;
export type VersionRow = Selectable<Tables['scriptVersions']>;
