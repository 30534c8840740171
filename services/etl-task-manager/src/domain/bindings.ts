// The bindings of a task: ranks and parameters.
import type { PinnedScript } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { ScriptBinding } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { Parameter_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { isOfType } from '@lethe/module/parameters';

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

/** What is wrong with the parameters of a run: names that no binding has, and names whose value is not of the type that a script declares. */
export type Wrong = { unknown: string[]; ofOtherType: string[] };

const isRight = (name: string, value: string, bindings: readonly ScriptBinding[], scripts: readonly PinnedScript[]): boolean =>
  bindings
    .filter(({ parameters }) => Object.hasOwn(parameters, name))
    .every(({ script }) => {
      const pinned = scripts.find(({ scriptId, version }) => scriptId === script?.scriptId && version === script.version);
      return isOfType(pinned?.parameterTypes[name] ?? Parameter_Type.STRING, value);
    });

/** Puts a run's parameters over those of the bindings; returns those that cannot be put there. */
export const overrideParameters = (
  { bindings, scripts }: { bindings: readonly ScriptBinding[]; scripts: readonly PinnedScript[] },
  given: Record<string, string>,
): Wrong => {
  const unknown = Object.keys(given).filter((name) => !bindings.some(({ parameters }) => Object.hasOwn(parameters, name)));
  const ofOtherType = Object.keys(given).filter((name) => !isRight(name, given[name] ?? '', bindings, scripts));
  for (const binding of bindings)
    for (const [name, value] of Object.entries(given)) if (Object.hasOwn(binding.parameters, name)) binding.parameters[name] = value;
  return { unknown, ofOtherType };
};
