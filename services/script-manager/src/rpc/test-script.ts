import { Script_Language as Language } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { TestScriptRequest, TestScriptResponse } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import type { CallContext } from '@lethe/grpc/context';
import { fail, notFound } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import { fillParameters } from '@lethe/module/parameters';
import { parseTransformProperties } from '@lethe/module/parse-script';
import type { Deps } from '../app/deps.ts';
import { isTestable } from '../domain/script.ts';
import { findScript, findVersion } from '../store/scripts.ts';

const DEADLINE_MS = 58_000;

/** Runs a script on given rows, through DataManager's sandbox. */
export const testScript =
  (deps: Deps) =>
  async (request: TestScriptRequest, ctx: CallContext): Promise<TestScriptResponse> => {
    const script = await loadVisible(ctx, 'script', findScript(deps.store.db, request.scriptId));
    if (!isTestable(script.type, script.language)) throw fail('NOT_TESTABLE');
    const version = await findVersion(deps.store.db, script.id, request.version || script.headVersion);
    if (!version) throw notFound('script version');
    const filled = fillParameters(version.parameters, request.parameters);
    if ('invalid' in filled) throw fail('PARAMETER_INVALID', { parameters: filled.invalid.join(', ') });
    const declared = parseTransformProperties(version.properties);
    const outputs = 'outputs' in declared ? declared.outputs : undefined;
    return deps.data.testRows(
      {
        language: script.language === Language.SQL ? 'SQL' : 'TYPESCRIPT',
        content: version.content,
        tables: request.tables.map(({ table, rows }) => ({ table, rows, columns: [] })),
        table: request.table || (request.tables[0]?.table ?? ''),
        parameters: filled.values,
        wholeTable: outputs?.wholeTable ?? false,
        outputs: outputs?.columns ?? [],
      },
      { parent: ctx, deadlineMs: DEADLINE_MS },
    );
  };
