// Errors of the file system as those of the catalogue. Their texts name paths of the machine.
import { RunError, stageError } from '../../domain/run-error.ts';
import { codeOf } from '../../domain/error-code.ts';
import { isSystemCode } from '../system-error.ts';

const KINDS: Record<string, string> = {
  ENOENT: 'a file or folder is not there',
  ENOTDIR: 'a file is where a folder should be',
  EISDIR: 'a folder is where a file should be',
  EEXIST: 'something of that name is there already',
  ENOTEMPTY: 'a folder is not empty',
  ELOOP: 'links lead to each other',
  ENAMETOOLONG: 'a name is longer than the file system takes',
  EILSEQ: 'a name has characters that the file system does not take',
  EFBIG: 'a file is larger than the file system takes',
  EXDEV: 'the folder is spread over several file systems',
};

/** An error of the file system in the folder of a connection as one of the catalogue; anything else comes back as it is. */
export const fileError = (error: unknown, activity: string): unknown => {
  const code = codeOf(error);
  if (error instanceof RunError || !isSystemCode(code)) return error;
  if (code === 'EACCES' || code === 'EPERM') return stageError('FILE_RIGHTS', { activity }, error);
  if (code === 'EROFS') return stageError('FILE_READ_ONLY', { activity }, error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return stageError('FILE_DISK_FULL', { activity }, error);
  const problem = KINDS[code];
  return problem === undefined
    ? stageError('FILE_SYSTEM', { activity, code }, error)
    : stageError('FILE_KIND', { activity, problem }, error);
};

/** An error of something else than the folder, on its way out of work there. */
class NotOfFolder extends Error {
  constructor(cause: unknown) {
    super('an error of something else than the folder', { cause });
    this.name = 'NotOfFolder';
  }
}

/** A step in the midst of work in a folder that does nothing there: its errors, of a database for one, come out as they are. */
export const besideFolder = (step: () => Promise<void>) => async (): Promise<void> => {
  try {
    await step();
  } catch (error) {
    throw new NotOfFolder(error);
  }
};

/** Runs work in the folder of a connection. */
export const inFolder = async <R>(activity: string, work: () => Promise<R>): Promise<R> => {
  try {
    return await work();
  } catch (error) {
    throw error instanceof NotOfFolder ? error.cause : fileError(error, activity);
  }
};
