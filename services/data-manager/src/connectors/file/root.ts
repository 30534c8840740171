import { mkdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { type ConnectorLimits, type ResolvedConnection } from '../connector.ts';
import { invariant } from '../../domain/defect.ts';
import { stageError } from '../../domain/run-error.ts';
import { codeOf } from '../../domain/error-code.ts';
import { fileError } from './failure.ts';
import { HIDDEN } from './ledger.ts';

const inside = (root: string, path: string): boolean => {
  const way = relative(root, path);
  return way === '' || (!way.startsWith('..') && !isAbsolute(way));
};

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The folder of a group below the file root, made where it is not there. */
const groupFolder = async (fileRoot: string, groupId: string): Promise<string> => {
  invariant(UUID.test(groupId), 'a connection of no group');
  const folder = join(fileRoot, groupId);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
};

/** The folder of a file connection, below that of its group. Links that lead out of the group's folder are refused. */
export const folderOf = async ({ groupId, settings }: ResolvedConnection, { fileRoot }: ConnectorLimits): Promise<string> => {
  const root = await groupFolder(fileRoot, groupId);
  const wanted = resolve(root, typeof settings['path'] === 'string' ? settings['path'] : '');
  return checked(root, wanted, relative(root, wanted));
};

/** A regular file below a folder, which must exist: a pipe or a device would be waited for without end. */
export const fileIn = async (folder: string, path: string): Promise<string> => {
  const real = await checked(folder, join(folder, path), path);
  if (!(await stat(real)).isFile()) throw stageError('FILE_KIND', { activity: `Opening ${path}`, problem: 'it is no regular file' });
  return real;
};

const checked = async (root: string, path: string, name: string): Promise<string> => {
  const way = relative(resolve(root), resolve(path));
  // What uploads stage and remember is nobody's source.
  if (!inside(resolve(root), resolve(path)) || way.split(sep).includes(HIDDEN)) throw stageError('PATH_OUTSIDE', { object: 'its folder' });
  try {
    const [realRoot, real] = await Promise.all([realpath(root), realpath(path)]);
    if (!inside(realRoot, real)) throw stageError('PATH_OUTSIDE', { object: 'its folder' });
    return real;
  } catch (error) {
    const code = codeOf(error);
    throw code === 'ENOENT' || code === 'ENOTDIR' ? stageError('FILE_MISSING', { path: name }, error) : fileError(error, `Opening ${name}`);
  }
};
