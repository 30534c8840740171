import { expect, test } from 'vitest';
import { fairSlots } from './fair-slots.ts';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Asks for a slot for each of the groups; returns in which order they got theirs. */
const askAll = (slots: ReturnType<typeof fairSlots>, groups: string[]) => {
  const given: string[] = [];
  const backs: (() => void)[] = [];
  const ask = async (group: string): Promise<void> => {
    const back = await slots.take(group);
    given.push(group);
    backs.push(back);
  };
  for (const group of groups) void ask(group);
  return { given, backs };
};

test('a group with twenty requests leaves a slot for another, which does not wait', async () => {
  const slots = fairSlots(3);
  const { given } = askAll(slots, [...Array.from({ length: 20 }, () => 'many'), 'one']);
  await settled();
  expect(given).toEqual(['many', 'many', 'one']);
});

test('a free slot goes to the group that holds the fewest, whoever asked first', async () => {
  const slots = fairSlots(2);
  const { given, backs } = askAll(slots, ['a', 'b', 'a', 'a', 'c', 'b']);
  await settled();
  expect(given).toEqual(['a', 'b']);
  backs[0]?.();
  await settled();
  expect(given).toEqual(['a', 'b', 'a']);
  backs[1]?.();
  await settled();
  expect(given).toEqual(['a', 'b', 'a', 'c']);
});

test('a slot given back twice is given back once, and the only one of a process goes round', async () => {
  const slots = fairSlots(1);
  const { given, backs } = askAll(slots, ['a', 'a', 'a']);
  await settled();
  backs[0]?.();
  backs[0]?.();
  await settled();
  expect(given).toEqual(['a', 'a']);
});

test('who gives up waiting gets none, and takes none from others', async () => {
  const slots = fairSlots(1);
  const back = await slots.take('a');
  const gone = new AbortController();
  const left = slots.take('b', gone.signal);
  const { given } = askAll(slots, ['c']);
  gone.abort(new Error('gave up'));
  await expect(left).rejects.toThrow('gave up');
  back();
  await settled();
  expect(given).toEqual(['c']);
});
