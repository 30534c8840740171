// The document that a run would publish, judged before the run: what CreateDataModule would refuse is known at Release.
import { SuppressScope } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { BaseType, DataType, Role, type Column, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { checkModule } from './check-module.ts';
import { parseDocument, writeDocument } from './document.ts';
import { publishedModule } from './published-document.ts';
import type { Violation } from './violation.ts';

const NO_ID = '00000000-0000-4000-8000-000000000000';
const TEXT = DataType.fromPartial({ base: BaseType.STRING });

/** The columns of a table of the result as they are stored, by what the steps do to them. */
export const storedColumns = (plan: EffectivePlan, table: Table): Column[] => {
  let { columns } = table;
  for (const { operation } of plan.steps.filter((step) => step.table === table.name)) {
    if (operation?.$case === 'generalize') {
      const names = new Set(operation.value.columns.map(({ column }) => column));
      columns = columns.map((column) => (names.has(column.name) ? { ...column, type: TEXT, range: undefined } : column));
    }
    if (operation?.$case === 'pseudonymize') {
      const names = new Set(operation.value.columns);
      columns = columns.map((column) =>
        names.has(column.name) ? { ...column, type: TEXT, role: Role.PSEUDONYM, range: undefined } : column,
      );
    }
    if (operation?.$case === 'suppress' && operation.value.scope === SuppressScope.COLUMN) {
      const names = new Set(operation.value.columns);
      columns = columns.filter(({ name }) => !names.has(name));
    }
  }
  return columns;
};

/** Builds the document that a run of the plan would publish, and checks it as CreateDataModule does. Pointers are into that document. */
export const checkPublished = async (plan: EffectivePlan, isFile: (connectionId: string) => boolean): Promise<Violation[]> => {
  const tables = plan.results
    .filter(({ unpublished }) => !unpublished)
    .map((table) => ({ table: table.name, columns: storedColumns(plan, table), contentHash: '0', levels: {} }));
  const module = publishedModule(plan, { version: '1.0.0', previousVersion: '', runId: NO_ID, moduleId: NO_ID, isFile, tables });
  const parsed = await parseDocument(writeDocument(module));
  return 'violations' in parsed ? parsed.violations : checkModule(parsed.module);
};
