// A table of an upload, as it is measured, and as a target takes it.
import type { PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Column, Module } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { UploadMode, type TableUpload } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { mayBeEmpty } from '@lethe/module/check-column';
import { versionedName } from '@lethe/module/published-document';
import type { UploadTable } from '../connectors/connector.ts';
import type { EntryRow } from '../store/tables.ts';

/** One table of the upload, measured with its edits. */
export type Ready = {
  entry: EntryRow;
  upload: TableUpload;
  columns: Column[];
  /** A query of its rows. */
  rows: string;
  rowCount: number;
  contentHash: string;
  schemaHash: string;
  privacy: PrivacyResult;
  csvPath: string;
  digestPath: string;
};

/** A table as the target takes it; the version's own name comes when the version is known. */
export type Loading = Omit<UploadTable, 'versioned'>;

/** What makes the tables of an upload, with the keys and descriptions of the document that is published with them. */
export const uploadTableOf =
  (module: Module, plan: EffectivePlan) =>
  ({ entry, upload, columns, rowCount }: Ready): Loading => {
    const published = module.tables.find(({ name }) => name === entry.table);
    const source = plan.results.find(({ name }) => name === entry.table);
    const described = new Map(published?.columns.map(({ name, description }) => [name, description]));
    const required = (source?.columns ?? []).filter(
      (column) => source !== undefined && columns.some(({ name }) => name === column.name) && !mayBeEmpty(source, column),
    );
    return {
      table: entry.table,
      schema: upload.schema,
      target: upload.target || entry.table,
      replace: upload.mode === UploadMode.REPLACE,
      columns: columns.map((column) => ({ ...column, description: described.get(column.name) ?? '' })),
      description: published?.description ?? '',
      rowCount,
      primaryKey: published?.primaryKey?.columns ?? [],
      required: required.map(({ name }) => name),
      foreignKeys: (published?.foreignKeys ?? []).map(({ columns: own, referencedTable, referencedColumns }) => ({
        columns: own,
        referencedTable,
        referencedColumns,
      })),
    };
  };

/** A table with the name of its version. */
export const withVersion = (table: Loading, version: string): UploadTable => ({
  ...table,
  versioned: table.replace ? table.target : versionedName(table.target, version),
});
