// Slots that groups share: who has much at work waits for who has little.

/** A waiting request for a slot. */
type Waiting = { group: string; give: () => void };

/** Slots for work that a process can only do so much of at once. */
export type FairSlots = {
  /** Waits for a slot, and returns what gives it back. Rejects with the signal's reason when that aborts first. */
  take: (group: string, signal?: AbortSignal) => Promise<() => void>;
};

/**
 * So many slots. A group holds all but one at most, so that one is always left for another; a free slot goes to the group that holds the fewest, among
 * these to the one that has waited longest.
 */
export const fairSlots = (count: number): FairSlots => {
  const mostOfGroup = Math.max(1, count - 1);
  const held = new Map<string, number>();
  const waiting: Waiting[] = [];
  let free = count;
  const heldBy = (group: string): number => held.get(group) ?? 0;
  const next = (): number => {
    let found = -1;
    for (const [index, { group }] of waiting.entries()) {
      const least = found < 0 ? mostOfGroup : heldBy(waiting[found]?.group ?? '');
      if (heldBy(group) < least) found = index;
    }
    return found;
  };
  const hand = (): void => {
    for (let index = next(); free > 0 && index >= 0; index = next()) {
      const [chosen] = waiting.splice(index, 1);
      if (!chosen) return;
      free -= 1;
      held.set(chosen.group, heldBy(chosen.group) + 1);
      chosen.give();
    }
  };
  const giveBack = (group: string): void => {
    free += 1;
    const left = heldBy(group) - 1;
    if (left > 0) held.set(group, left);
    else held.delete(group);
    hand();
  };
  const take = (group: string, signal?: AbortSignal): Promise<() => void> =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const leave = (): void => {
        waiting.splice(waiting.indexOf(entry), 1);
        reject(signal?.reason as Error);
      };
      const give = (): void => {
        signal?.removeEventListener('abort', leave);
        let isBack = false;
        resolve(() => {
          if (!isBack) giveBack(group);
          isBack = true;
        });
      };
      const entry: Waiting = { group, give };
      signal?.addEventListener('abort', leave, { once: true });
      waiting.push(entry);
      hand();
    });
  return { take };
};
