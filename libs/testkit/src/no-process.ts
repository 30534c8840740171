// Loaded before the tests of the project `pure`: they start no process, so that the project stays quick and can run anywhere.
import { ChildProcess } from 'node:child_process';

// `spawn` of the prototype is not in the published types; every way to start a process leads to it.
const prototype = ChildProcess.prototype as unknown as { spawn: () => never };
prototype.spawn = () => {
  throw new Error('a test of the project `pure` started a process; its room belongs to the project `engine` of vitest.config.ts');
};
