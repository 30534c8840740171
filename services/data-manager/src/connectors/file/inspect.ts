// Looks at a folder before a run reads or writes there.
import { access, constants, stat } from 'node:fs/promises';
import { RunError, stageError } from '../../domain/run-error.ts';
import { kindOfRead, type ConnectorLimits, type Inspection, type ReadUse, type ResolvedConnection, type Use } from '../connector.ts';
import { inFolder } from './failure.ts';
import { fileIn, folderOf } from './root.ts';
import { claimFile, isNamedBy, readLedger } from './ledger.ts';

const may = async (path: string, mode: number): Promise<boolean> => {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
};

const asProblem = async (table: string, work: () => Promise<RunError | undefined>): Promise<RunError[]> => {
  try {
    const problem = await work();
    return problem ? [problem.locate({ table })] : [];
  } catch (error) {
    if (error instanceof RunError) return [error.locate({ table })];
    throw error;
  }
};

const inspectRead = async (folder: string, use: ReadUse): Promise<RunError | undefined> => {
  if (use.kind === 'query') return stageError('SCRIPT_CONNECTION_MISMATCH', { language: 'SQL', table: use.table });
  if (use.read.$case !== 'fileRead') return stageError('READ_MISMATCH', { type: 'file', read: kindOfRead(use.read) });
  const path = await fileIn(folder, use.read.value.path);
  const isFile = (await stat(path)).isFile() && (await may(path, constants.R_OK));
  return isFile ? undefined : stageError('SOURCE_RIGHTS', { object: `the file of table ${use.table}` });
};

const inspect = async (connection: ResolvedConnection, limits: ConnectorLimits, use: Use): Promise<Inspection> => {
  const folder = await folderOf(connection, limits);
  const unreadable: RunError[] = [];
  if (!(await may(folder, constants.R_OK | constants.X_OK))) unreadable.push(stageError('FOLDER_RIGHTS', { use: 'read' }));
  for (const read of use.reads) unreadable.push(...(await asProblem(read.table, () => inspectRead(folder, read))));
  const unwritable: RunError[] = [];
  if (use.writes.length > 0 || use.reads.length === 0) {
    if (!(await may(folder, constants.W_OK | constants.X_OK))) unwritable.push(stageError('FOLDER_RIGHTS', { use: 'written' }));
    const ledger = await readLedger(folder);
    const judged = use.writes.filter(({ target }) => !isNamedBy(ledger, use.collectedModuleId, target));
    for (const write of judged) unwritable.push(...(await asProblem(write.table, () => claimFile(folder, ledger, use.moduleId, write))));
  }
  return { unreadable, unwritable };
};

/** Looks at the folder, the files that are read, and the names that are written. */
export const inspectFolder = (connection: ResolvedConnection, limits: ConnectorLimits, use: Use): Promise<Inspection> =>
  inFolder('Looking at the folder', () => inspect(connection, limits, use));
