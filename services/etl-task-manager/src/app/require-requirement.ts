import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { isAtLeast } from '@lethe/module/check-anonymization';
import { parseDocument } from '@lethe/module/document';
import type { Deps } from './deps.ts';
import { fetchModule } from './fetch-module.ts';

const NOTHING = { models: [], suppressionLimit: 1, noneReason: '' };

/** Refuses an upload where the document of the module asks for more by now than the run's plan does. */
export const requireRequirement = async (deps: Deps, ctx: CallContext, moduleId: string, plan: EffectivePlan): Promise<void> => {
  const { document } = await fetchModule(deps, ctx, moduleId);
  const parsed = await parseDocument(document ?? {});
  if ('violations' in parsed) return;
  for (const { name, privacy } of parsed.module.tables) {
    const result = plan.results.find((table) => table.name === name && !table.unpublished);
    if (!result || !privacy || privacy.models.length === 0) continue;
    if (!isAtLeast(result.privacy?.models.length ? result.privacy : NOTHING, privacy)) throw fail('REQUIREMENT_RAISED', { table: name });
  }
};
