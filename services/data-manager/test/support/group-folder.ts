// For tests of file connections: a file root with the folder of one group.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { ConnectorLimits, ResolvedConnection } from '../../src/connectors/connector.ts';

const groupId = '0192f0c0-0000-7000-8000-00000000000a';

/** What a test has of its group: `root` is the group's folder. */
export type GroupFolder = { readonly root: string; connection: (path: string) => ResolvedConnection; limits: () => ConnectorLimits };

/** Makes a file root anew for each test, and removes it after. */
export const useGroupFolder = (): GroupFolder => {
  let fileRoot = '';
  const rootOf = (): string => join(fileRoot, groupId);
  beforeEach(async () => {
    fileRoot = await mkdtemp(join(tmpdir(), 'lethe-files-'));
    await mkdir(rootOf());
  });
  afterEach(() => rm(fileRoot, { recursive: true }));
  return {
    get root() {
      return rootOf();
    },
    connection: (path) => ({ id: 'c', groupId, name: 'reports', type: 'file', settings: { path }, secret: {} }),
    limits: () => ({ privateTargets: () => false, fileRoot, sourceTimeoutMs: 60_000 }),
  };
};
