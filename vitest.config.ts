import { defineConfig } from 'vitest/config';

// Rooms whose tests start the engine, the sandbox or the reader of text, which are processes.
const engine = ['services/data-manager/src/{engine,sandbox,stages,upload,vectors,connectors/file,connectors/http}/**/*.test.ts'];
const service = ['libs/{db,events,service}/test/**/*.test.ts', 'services/*/test/**/*.test.ts'];
const pure = ['libs/*/src/**/*.test.ts', 'libs/grpc/test/**/*.test.ts', 'services/*/src/**/*.test.ts', 'deploy/local/src/**/*.test.ts'];

// A given NATS server serves one suite at a time.
const maxWorkers = process.env['TEST_NATS_URL'] === undefined ? 2 : 1;

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'pure', include: pure, exclude: engine, setupFiles: ['libs/testkit/src/no-process.ts'], testTimeout: 10_000 } },
      { test: { name: 'engine', include: engine, testTimeout: 60_000 } },
      {
        test: {
          name: 'service',
          include: service,
          globalSetup: ['libs/testkit/src/global-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          globalSetup: ['libs/testkit/src/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
    ],
  },
});
