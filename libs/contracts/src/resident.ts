// The memory that a child has resident, and an end to those that have too much.
import { readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;

/** The resident memory of a process in MiB; 0 where it is gone, or where the system has no /proc. */
export const residentMb = (pid: number): number => {
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES) / 1_048_576;
  } catch {
    return 0;
  }
};

/** Looks at a process every so often and calls `onOver` once it has more resident than it may. Returns what ends the watch. */
export const watchResident = (
  { pid, limitMb, everyMs }: { pid: number; limitMb: number; everyMs: number },
  onOver: () => void,
): (() => void) => {
  const timer = setInterval(() => {
    if (residentMb(pid) <= limitMb) return;
    clearInterval(timer);
    onOver();
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
};
