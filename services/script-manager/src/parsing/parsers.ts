// The grammars of the engines that will run a script: a mistake is found when the script is saved, not in a run.
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { hasSqlDetails, parse } from 'libpg-query';
import { positionAt, type Problem } from '../domain/problem.ts';

/** The dialects of scripts: extractions run in their source, transformations in the engine. */
export type Dialect = 'postgres' | 'duckdb';

const syntaxError = (source: string, message: string, index: number): Problem => ({
  pointer: '',
  rule: 'SYNTAX',
  message,
  ...positionAt(source, index),
});

const parsePostgres = async (source: string): Promise<Problem[]> => {
  try {
    await parse(source);
    return [];
  } catch (error) {
    const details = hasSqlDetails(error) ? error.sqlDetails : undefined;
    if (!details) throw error;
    return [syntaxError(source, details.message, details.cursorPosition)];
  }
};

const openParser = async (): Promise<DuckDBConnection> => {
  const settings = { threads: '1', memory_limit: '64MB', enable_external_access: 'false', lock_configuration: 'true' };
  return (await DuckDBInstance.create(':memory:', settings)).connect();
};

type Serialized = { error: boolean; error_message?: string; position?: string };

const parseDuckdb = async (connection: DuckDBConnection, source: string): Promise<Problem[]> => {
  // Serializes the syntax tree: names are not looked up, and nothing is read.
  const result = await connection.runAndReadAll('SELECT json_serialize_sql($source::VARCHAR)', { source });
  const { error, error_message: message = '', position = '0' } = JSON.parse(String(result.getRows()[0]?.[0])) as Serialized;
  return error ? [syntaxError(source, message, Number(position))] : [];
};

let connection: Promise<DuckDBConnection> | undefined;

/** Parses one statement and runs nothing. Returns its syntax error with line and column, or an empty list. */
export const parseSql = async (dialect: Dialect, source: string): Promise<Problem[]> => {
  if (dialect === 'postgres') return parsePostgres(source);
  connection ??= openParser();
  return parseDuckdb(await connection, source);
};
