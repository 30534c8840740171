// A stack of the bench's own: fresh state in a temporary folder, ports beside those of `npm start`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACCOUNTS, SUPERUSERS, type Person } from '@lethe/local/accounts';
import { openPeople, type Worker } from '@lethe/local/people';
import { ROOT } from '@lethe/servers/repository';
import { startStack, type Stack } from '@lethe/local/stack';

const DEFAULT_PORT_BASE = 15_700;

/** The example's data. */
export const EXAMPLE = join(ROOT, 'examples/census');

/** The base of the bench's ports: `LETHE_PORT_BASE`, else 15700. */
export const benchPortBase = (): number => Number(process.env['LETHE_PORT_BASE'] ?? DEFAULT_PORT_BASE);

/** A new folder under the system's own, and its removal. */
export const temporaryFolder = (): { folder: string; remove: () => void } => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
};

/** A running stack and the people of the local sign-in. */
export type OwnStack = { stack: Stack; people: Record<Person, Worker>; folder: string };

/** Runs `work` on a stack that is gone afterwards. */
export const withStack = async <R>(settings: Record<string, string>, work: (own: OwnStack) => Promise<R>): Promise<R> => {
  const { folder, remove } = temporaryFolder();
  const portBase = benchPortBase();
  let stack: Stack | undefined;
  try {
    stack = await startStack({ state: join(folder, 'state'), portBase, accounts: ACCOUNTS, superusers: SUPERUSERS, settings });
    const people = await openPeople({
      folder: join(folder, 'tokens'),
      addresses: stack.addresses,
      provider: stack.oidc,
      redirectUri: stack.redirectUri,
    });
    return await work({ stack, people, folder });
  } finally {
    await stack?.stop();
    remove();
  }
};
