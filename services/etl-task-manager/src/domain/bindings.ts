// The bindings of a task: ranks and parameters.
import type { ScriptBinding } from '@lethe/contracts/gen/lethe/module/v1/protocol';

/** Where the rank of a binding is its own: among the bindings of its table, or among all of the task. */
export type RankScope = 'table' | 'task';

/** The index of the first binding whose rank an earlier one has, or undefined. */
export const repeatedRank = (bindings: readonly ScriptBinding[], scope: RankScope): number | undefined => {
  const seen = new Set<string>();
  for (const [index, { table, rank }] of bindings.entries()) {
    const key = scope === 'task' ? String(rank) : JSON.stringify([table, rank]);
    if (seen.has(key)) return index;
    seen.add(key);
  }
  return undefined;
};

/** Puts a run's parameters over those of the bindings; returns the names that no binding has. */
export const overrideParameters = (bindings: readonly ScriptBinding[], given: Record<string, string>): string[] => {
  const unknown = Object.keys(given).filter((name) => !bindings.some(({ parameters }) => name in parameters));
  for (const binding of bindings)
    for (const [name, value] of Object.entries(given)) if (name in binding.parameters) binding.parameters[name] = value;
  return unknown;
};
