// A small module through the public API: visits of people to two cities, collected from a file and published as a file.
import type { Clients, Suite } from './suite.ts';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The module's ids; `folder` is where its sources lie and its versions are published. */
export type Visits = { groupId: string; connectionId: string; moduleId: string; taskId: string; folder: string };

/** The columns of the one table. */
export const VISIT_COLUMNS = [
  { name: 'id', datatype: { base: 'integer' }, role: 'identifying', emptyStrategy: 'DropRecord' },
  { name: 'city', datatype: { base: 'string' }, role: 'quasi-identifying', emptyStrategy: 'Ignore' },
  { name: 'amount', datatype: { base: 'integer' }, role: 'sensitive', emptyStrategy: 'Ignore' },
];

/** k of the module's requirement. */
export const VISITS_K = 5;

/** The module's document: ids become tokens, and each city must have 5 visits, or all become one. `http` is the connection of a slow source. */
export const visitsDocument = (connection: string, http?: string): Record<string, unknown> => ({
  '@context': 'urn:lethe:context:1',
  '@type': ['Dataset', 'DataModule'],
  name: 'visits',
  description: 'Visits of two cities',
  tables: [
    {
      name: 'visits',
      columns: VISIT_COLUMNS,
      primaryKey: ['id'],
      primaryKeyConflict: 'DropAllConflicting',
      requires: { k: VISITS_K, suppressionLimit: '0' },
    },
  ],
  protocol: [
    http === undefined
      ? { table: 'visits', rank: 1, connection, fileRead: { path: 'visits.csv', format: 'csv' } }
      : { table: 'visits', rank: 1, connection: http, httpRead: { path: '/visits', rowsPointer: '/rows' } },
  ],
  upload: [{ table: 'visits', connection, mode: 'versioned', target: 'published', format: 'csv' }],
  anonymization: {
    steps: [
      { table: 'visits', rank: 1, pseudonymize: { pseudonymized: ['id'] } },
      {
        table: 'visits',
        rank: 2,
        generalize: { generalized: [{ column: 'city', hierarchy: 'city' }], search: { metric: 'loss', aggregate: 'geometricMean' } },
      },
    ],
    hierarchies: [
      {
        name: 'city',
        rows: [
          ['Turin', '*'],
          ['Ghent', '*'],
        ],
      },
    ],
  },
});

/** So many visits, by turns to each city. */
export const visitRows = (rowCount: number): { id: number; city: string; amount: number }[] =>
  Array.from({ length: rowCount }, (_, index) => ({ id: index, city: index % 2 === 0 ? 'Turin' : 'Ghent', amount: index * 7 }));

/** Writes the source. */
export const writeVisits = (folder: string, rowCount = 40): void => {
  mkdirSync(folder, { recursive: true });
  const lines = visitRows(rowCount).map(({ id, city, amount }) => `${id},${city},${amount}`);
  writeFileSync(join(folder, 'visits.csv'), `id,city,amount\n${lines.join('\n')}\n`);
};

const makeHttp = async (editor: Clients, groupId: string, baseUrl: string): Promise<string> => {
  const made = await editor.extdatamodule.createConnection({
    groupId,
    displayName: `http ${baseUrl}`,
    type: 'http',
    settings: { baseUrl },
  });
  return made.connection?.id ?? '';
};

/** Makes the connection, the module and its released task, as somebody who edits tasks in the group. */
export const makeVisits = async (suite: Pick<Suite, 'folder'>, editor: Clients, groupId: string, httpUrl?: string): Promise<Visits> => {
  const path = `visits-${randomUUID()}`;
  const folder = join(suite.folder, groupId, path);
  writeVisits(folder);
  const { connection } = await editor.extdatamodule.createConnection({ groupId, displayName: path, type: 'file', settings: { path } });
  const connectionId = connection?.id ?? '';
  const document = visitsDocument(connectionId, httpUrl === undefined ? undefined : await makeHttp(editor, groupId, httpUrl));
  const { dataModule } = await editor.extdatamodule.createDataModule({ groupId, displayName: path, document });
  const moduleId = dataModule?.id ?? '';
  const { task } = await editor.task.createTask({ groupId, displayName: path, moduleId });
  const taskId = task?.id ?? '';
  await editor.task.release({ taskId });
  return { groupId, connectionId, moduleId, taskId, folder };
};
