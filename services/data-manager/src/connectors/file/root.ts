import { realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { type ConnectorLimits, type ResolvedConnection } from '../connector.ts';
import { stageError } from '../../domain/run-error.ts';
import { codeOf } from '../../domain/error-code.ts';
import { fileError } from './failure.ts';

const inside = (root: string, path: string): boolean => {
  const way = relative(root, path);
  return way === '' || (!way.startsWith('..') && !isAbsolute(way));
};

/** The folder of a file connection. Links that lead out of the file root are refused. */
export const folderOf = async ({ settings }: ResolvedConnection, { fileRoot }: ConnectorLimits): Promise<string> => {
  const wanted = resolve(fileRoot, typeof settings['path'] === 'string' ? settings['path'] : '');
  return checked(fileRoot, wanted, relative(fileRoot, wanted));
};

/** A file below a folder, which must exist. */
export const fileIn = (folder: string, path: string): Promise<string> => checked(folder, join(folder, path), path);

const checked = async (root: string, path: string, name: string): Promise<string> => {
  if (!inside(resolve(root), resolve(path))) throw stageError('PATH_OUTSIDE', { object: 'its folder' });
  try {
    const [realRoot, real] = await Promise.all([realpath(root), realpath(path)]);
    if (!inside(realRoot, real)) throw stageError('PATH_OUTSIDE', { object: 'its folder' });
    return real;
  } catch (error) {
    const code = codeOf(error);
    throw code === 'ENOENT' || code === 'ENOTDIR' ? stageError('FILE_MISSING', { path: name }, error) : fileError(error, `Opening ${name}`);
  }
};
