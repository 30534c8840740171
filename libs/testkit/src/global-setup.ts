// One Postgres for all files of a project; each suite starts its own NATS.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startTestPostgres, testNatsProgram } from './servers.ts';
import { makeTemplate } from './template.ts';

/** Starts the server and tells the tests where it is. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-servers-'));
  testNatsProgram();
  const postgres = await startTestPostgres(folder);
  project.provide('postgresUrl', postgres.url);
  project.provide('passwords', await makeTemplate(postgres.url));
  return async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  };
};
