// DataManager's own disk is full: the run waits and says whose disk it is, and goes on when there is room.
import { runJob, type JobListener, type JobResult } from '@lethe/local/job';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { expectAuditOnce, expectSameEnd, inTime, SILENT } from '../support/faults.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

const PORT_BASE = 18_800;
const SIZE_MB = 64;

const folder = mkdtempSync(join(tmpdir(), 'lethe-disk-'));
// Only root may mount.
const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m`, 'tmpfs', folder]).status === 0;

let stack: TestStack;
let undisturbed: JobResult;
beforeAll(async () => {
  if (!isMounted) return;
  stack = await startTestStack(PORT_BASE, { LETHE_DATA_FOLDER: folder });
  undisturbed = await runJob(stack.census.people, stack.census.setup, SILENT);
});
afterAll(async () => {
  if (isMounted) {
    await stack.stop();
    spawnSync('umount', [folder]);
  }
  rmSync(folder, { recursive: true, force: true });
});

const fill = (): void => {
  const filler = join(folder, 'filler');
  for (const bytes of [1 << 20, 1 << 12])
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOSPC') throw error;
    }
};

test.skipIf(!isMounted)(
  'the run is tried again until there is room, says that the disk is DataManager’s, and has the same content',
  async () => {
    fill();
    const told = new Set<string>();
    const listener: JobListener = {
      ...SILENT,
      run: ({ waitingFor, errorInfo }) => {
        if (waitingFor === '') return;
        told.add(`${errorInfo?.reason}: ${waitingFor}`);
        rmSync(join(folder, 'filler'), { force: true });
      },
    };
    const result = await inTime(() => runJob(stack.census.people, stack.census.setup, listener));
    expect([...told].join('\n')).toMatch(/^DISK_FULL: .*DataManager/m);
    await expectSameEnd(stack, undisturbed, result);
  },
);

test.skipIf(!isMounted)('every audit record is there once', () => expectAuditOnce(stack));
