// Runs a command in a process group of its own and ends the group when standard input ends: the lifeline of `guard.ts`.
// Arguments: the signal to end it with, the command, its arguments.
import { spawn } from 'node:child_process';

const [signal, command, ...args] = process.argv.slice(2);
const KILL_AFTER_MS = 12_000;
// The child holds a pipe from us as well: a service ends by itself even when this watcher is killed.
const child = spawn(command, args, { stdio: ['pipe', 'inherit', 'inherit'], detached: true });
const send = (which) => {
  try {
    process.kill(-child.pid, which);
  } catch {
    // The group is gone already.
  }
};
const end = () => {
  send(signal);
  setTimeout(() => send('SIGKILL'), KILL_AFTER_MS).unref();
};
child.on('error', () => process.exit(127));
child.on('exit', (code) => {
  send('SIGKILL');
  process.exit(code ?? 1);
});
child.stdin.on('error', () => {});
process.stdin.on('end', end);
process.stdin.on('error', end);
process.stdin.resume();
process.on('SIGTERM', end);
