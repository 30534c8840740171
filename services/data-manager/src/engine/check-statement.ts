/** What a statement of a user may name. Names are compared without regard to case, as the engine does. */
export type StatementScope = {
  tables: readonly string[];
  columns: readonly string[];
  /** Functions without side effects, whose result depends on their arguments alone, as the engine lists them. */
  functions: ReadonlySet<string>;
};

/** Tables that come out of nothing. Every other table function reads files, settings or the engine's own state. */
const TABLE_FUNCTIONS = new Set(['range', 'generate_series', 'unnest']);

const TABLE_KINDS = new Set(['EMPTY', 'BASE_TABLE', 'SUBQUERY', 'JOIN', 'EXPRESSION_LIST', 'TABLE_FUNCTION', 'PIVOT']);

/** Pure by the engine's list, but they read its state or its clock, run a text as a statement, or draw samples. */
const REFUSED_FUNCTIONS = new Set([
  'ago',
  'alias',
  'col_description',
  'error',
  'get_block_size',
  'json_deserialize_sql',
  'json_serialize_plan',
  'json_serialize_sql',
  'obj_description',
  'parse_duckdb_log_message',
  'reservoir_quantile',
  'session_user',
  'shobj_description',
  'stats',
  'user',
  'vector_type',
  'version',
  'write_log',
]);

const REFUSED_PREFIXES = ['pg_', 'has_', 'current_', 'inet_', 'get_current_', 'txid_', 'read_', 'duckdb_'];

/** Words that are functions where no column has their name. */
const VALUE_WORDS = new Set([
  'current_catalog',
  'current_database',
  'current_date',
  'current_localtime',
  'current_localtimestamp',
  'current_role',
  'current_schema',
  'current_time',
  'current_timestamp',
  'current_user',
  'localtime',
  'localtimestamp',
  'session_user',
  'user',
]);

/** In the select list and in FROM; the engine lists it apart from its other functions. */
const EXTRA_FUNCTIONS = new Set(['unnest']);

/** What is repeated of a table that is not there: no path, no URL, no sentence. */
const TABLE_NAME = /^\w{1,63}(?:\.\w{1,63}){0,2}$/;

type Node = { [key: string]: unknown };

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);

const nameOf = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '');

const isSet = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

const functionProblem = (node: Node, scope: StatementScope, isTable: boolean): string | undefined => {
  const name = nameOf(node['function_name']);
  // The parser itself names a schema where it writes a function for brackets and the like.
  if ((isSet(node['schema']) && node['schema'] !== 'main') || isSet(node['catalog']))
    return `The function ${name} must be named without a schema.`;
  if (isTable) return TABLE_FUNCTIONS.has(name) ? undefined : `The table function ${name} is not allowed.`;
  const known = scope.functions.has(name) || EXTRA_FUNCTIONS.has(name);
  const refused = REFUSED_FUNCTIONS.has(name) || REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix));
  if (!known || refused) return `The function ${name} is not allowed.`;
  const children = Array.isArray(node['children']) ? node['children'].length : 0;
  return name === 'age' && children < 2 ? 'The function age needs two times; with one it reads the clock.' : undefined;
};

const columnProblem = (node: Node, scope: StatementScope): string | undefined => {
  const names = node['column_names'];
  if (!Array.isArray(names) || names.length !== 1) return undefined;
  const name = nameOf(names[0]);
  const isColumn = scope.columns.some((column) => column.toLowerCase() === name);
  return VALUE_WORDS.has(name) && !isColumn ? `The value ${name} is not allowed.` : undefined;
};

const tableProblem = (node: Node, visible: ReadonlySet<string>): string | undefined => {
  const kind = String(node['type']);
  if (!TABLE_KINDS.has(kind)) return `A statement may not read from ${kind.toLowerCase()}.`;
  if (isSet(node['at_clause'])) return 'A statement may not name a version of a table.';
  if (kind !== 'BASE_TABLE') return undefined;
  const places = [node['catalog_name'], node['schema_name']].filter(isSet).map(nameOf);
  const table = nameOf(node['table_name']);
  if (places.length === 0 && visible.has(table)) return undefined;
  const name = [...places, table].join('.');
  return TABLE_NAME.test(name)
    ? `The statement reads from ${name}, which is not one of the tables.`
    : 'The statement reads from something that is not one of the tables.';
};

/** Common table expressions are visible to those after them and to the rest of their query; to themselves only when recursive. */
const walkCommonTables = (
  node: Node,
  scope: StatementScope,
  visible: ReadonlySet<string>,
): { problem?: string; visible: ReadonlySet<string> } => {
  const container = node['cte_map'];
  const entries = isNode(container) && Array.isArray(container['map']) ? container['map'] : [];
  const inner = new Set(visible);
  for (const entry of entries) {
    if (!isNode(entry)) continue;
    const name = nameOf(entry['key']);
    const value = isNode(entry['value']) ? entry['value'] : {};
    const query = isNode(value['query']) ? value['query'] : {};
    const body = query['node'];
    const isRecursive = isNode(body) && body['type'] === 'RECURSIVE_CTE_NODE';
    const problem = walk(query, scope, isRecursive ? new Set([...inner, name]) : inner);
    if (problem !== undefined) return { problem, visible: inner };
    inner.add(name);
  }
  return { visible: inner };
};

const isTableReference = (node: Node): boolean => 'alias' in node && 'sample' in node && !('class' in node) && 'type' in node;

const ownProblem = (node: Node, scope: StatementScope, visible: ReadonlySet<string>): string | undefined => {
  if (isSet(node['sample'])) return 'A statement may not draw a sample.';
  if (isTableReference(node)) return tableProblem(node, visible);
  if (node['class'] === 'FUNCTION' || node['class'] === 'WINDOW') return functionProblem(node, scope, false);
  return node['class'] === 'COLUMN_REF' ? columnProblem(node, scope) : undefined;
};

const walk = (value: unknown, scope: StatementScope, visible: ReadonlySet<string>): string | undefined => {
  if (Array.isArray(value)) {
    for (const entry of value) {
      const problem = walk(entry, scope, visible);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (!isNode(value)) return undefined;
  const own = ownProblem(value, scope, visible);
  if (own !== undefined) return own;
  const common = walkCommonTables(value, scope, visible);
  if (common.problem !== undefined) return common.problem;
  const isTableFunction = isTableReference(value) && value['type'] === 'TABLE_FUNCTION';
  for (const [key, child] of Object.entries(value)) {
    if (key === 'cte_map') continue;
    const call = isTableFunction && key === 'function' && isNode(child) ? child : undefined;
    const problem =
      call === undefined
        ? walk(child, scope, common.visible)
        : (functionProblem(call, scope, true) ?? walk(call['children'], scope, common.visible));
    if (problem !== undefined) return problem;
  }
  return undefined;
};

/**
 * Says why a user's statement is refused, or undefined where it may run. `serialized` is the result of the engine's
 * `json_serialize_sql`: exactly one SELECT over the given tables, with pure functions. The texts name functions, never values.
 */
export const findStatementProblem = (serialized: string, scope: StatementScope): string | undefined => {
  const parsed: unknown = JSON.parse(serialized);
  if (!isNode(parsed) || parsed['error'] !== false) return 'The statement is not a SELECT that can be parsed.';
  const statements = parsed['statements'];
  if (!Array.isArray(statements) || statements.length !== 1) return 'Exactly one statement is allowed.';
  return walk(statements[0], scope, new Set(scope.tables.map((table) => table.toLowerCase())));
};
