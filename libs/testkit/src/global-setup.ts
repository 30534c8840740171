// One Postgres and one NATS for all files of the project `service`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { ROOT } from './paths.ts';
import { startTestServers } from './servers.ts';
import { makeTemplate } from './template.ts';

/** Starts the servers and tells the tests where they are. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-servers-'));
  const servers = await startTestServers(ROOT, folder);
  const passwords = await makeTemplate(servers.postgresUrl);
  project.provide('postgresUrl', servers.postgresUrl);
  project.provide('natsUrl', servers.natsUrl);
  project.provide('passwords', passwords);
  return async () => {
    await servers.stop();
    rmSync(folder, { recursive: true, force: true });
  };
};
