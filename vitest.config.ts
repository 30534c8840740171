import { defineConfig } from 'vitest/config';

const pure = ['libs/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'deploy/local/src/**/*.test.ts'];
const withServers = ['libs/*/test/**/*.test.ts', 'services/*/test/**/*.test.ts'];

// A given NATS server serves one suite at a time.
const maxWorkers = process.env['TEST_NATS_URL'] === undefined ? 2 : 1;

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: pure, testTimeout: 30_000 } },
      {
        test: {
          name: 'service',
          include: withServers,
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
