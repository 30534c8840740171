// Processes of Node that share nothing with the process that starts them but messages, and end with it, even where they are busy.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

const SETPRIV = ['/usr/bin/setpriv', '/bin/setpriv'].find(
  (path) => spawnSync(path, ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0,
);

/** Whether the system itself ends a child with its parent (Linux, `setpriv` of util-linux 2.33 or later). */
export const endsWithParent = SETPRIV !== undefined;

/** A command that the system kills when its parent dies. Without `setpriv` it is the command itself, which ends at its next look at its channel. */
export const boundToParent = (command: string, args: readonly string[]): [command: string, args: string[]] =>
  SETPRIV === undefined ? [command, [...args]] : [SETPRIV, ['--pdeathsig', 'KILL', '--', command, ...args]];

/** How a child of Node is started: its program, its heap in MiB, and where it works. */
export type NodeChild = { program: string; heapMb: number; directory?: string; env?: Record<string, string> };

/**
 * Starts a program of Node that is spoken to by messages. It has nothing of our environment, so that it owns no secret, and its own output, which
 * could quote what it works on, is not kept.
 */
export const spawnNode = ({ program, heapMb, directory, env = {} }: NodeChild): ChildProcess => {
  const [command, args] = boundToParent(process.execPath, [
    `--max-old-space-size=${heapMb}`,
    '--disable-warning=ExperimentalWarning',
    program,
  ]);
  return spawn(command, args, {
    env,
    ...(directory === undefined ? {} : { cwd: directory }),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
};
