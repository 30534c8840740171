import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MANIFEST } from './manifest.ts';
import { readKeys } from './references.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lethe-manifest-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('the manifest of an Outbox', () => {
  test('says what keys its tables have', async () => {
    await writeFile(join(folder, MANIFEST), JSON.stringify({ stage: 'store', keys: [], references: [] }));
    expect(await readKeys(folder)).toEqual({ keys: [], references: [] });
  });

  test('that is missing is told as missing', async () => {
    await expect(readKeys(folder)).rejects.toMatchObject({ reason: 'MANIFEST_MISSING' });
  });

  test.each([
    ['is of another stage', '{"stage":"rules","references":[]}'],
    ['says nothing of references', '{"stage":"store","keys":[]}'],
    ['is cut', '{"stage":"store","ke'],
    ['is nothing', 'null'],
  ])('that %s is told as no manifest of that stage', async (_, text) => {
    await writeFile(join(folder, MANIFEST), text);
    await expect(readKeys(folder)).rejects.toMatchObject({
      reason: 'MANIFEST_INVALID',
      message: 'The manifest of stage store is not one of that stage.',
    });
  });
});
