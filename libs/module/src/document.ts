// Module documents: shape by JSON Schema, meaning by JSON-LD expansion with a loader that knows our context alone.
import type { Module } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import jsonld from 'jsonld';
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CONTEXT, CONTEXT_URL } from './json-ld-context.ts';
import { DOCUMENT_SCHEMA, FIXED } from './document-schema.ts';
import type { Json } from './fields/field.ts';
import { moduleFields } from './fields/module.ts';
import { schemaSentence } from './schema-sentence.ts';
import type { Violation } from './violation.ts';

const compile = (allErrors: boolean): ValidateFunction =>
  new Ajv2020({ allErrors, strict: true, strictRequired: false, strictTypes: false }).compile(DOCUMENT_SCHEMA);
const validate = { all: compile(true), first: compile(false) };

const MAX_VIOLATIONS = 50;

// Above so many values the first problem of shape is enough: each value may have several.
const MAX_VALUES_FOR_ALL = 20_000;

/** How many values are in a document, at any depth; stops above the bound. */
const countValues = (value: unknown, bound: number): number => {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const each of Object.values(value)) {
    count += countValues(each, bound - count);
    if (count > bound) return count;
  }
  return count;
};

const shapeViolations = (document: Json): Violation[] => {
  const check = countValues(document, MAX_VALUES_FOR_ALL) > MAX_VALUES_FOR_ALL ? validate.first : validate.all;
  return check(document) ? [] : (check.errors ?? []).slice(0, MAX_VIOLATIONS).map(toViolation);
};

const toViolation = (error: ErrorObject): Violation => {
  const { instancePath, keyword, params } = error;
  const extra = (params as { additionalProperty?: unknown }).additionalProperty;
  const pointer = typeof extra === 'string' ? `${instancePath}/${extra.replaceAll('~', '~0').replaceAll('/', '~1')}` : instancePath;
  return {
    pointer,
    rule: keyword === 'additionalProperties' ? 'UNKNOWN_TERM' : 'SHAPE',
    message: typeof extra === 'string' ? 'the term is unknown and would vanish' : schemaSentence(error),
  };
};

// The published types lag behind the library: they know neither `safe` nor a loader without a remote context, so only a cast reaches both.
const expand = jsonld.expand as unknown as (document: object, options: object) => Promise<unknown>;

const loader = async (url: string): Promise<{ contextUrl: undefined; documentUrl: string; document: Json }> => {
  if (url !== CONTEXT_URL) throw new Error('only the context of this suite is known');
  return { contextUrl: undefined, documentUrl: url, document: CONTEXT };
};

/** The expanded form; refuses whatever would be lost in it. */
const expands = async (document: Json): Promise<Violation[]> => {
  try {
    // `safe` throws where a term or a value would be dropped.
    await expand(document, { documentLoader: loader, safe: true });
    return [];
  } catch (error) {
    const code = (error as { details?: { event?: { code?: unknown } } }).details?.event?.code;
    return [
      {
        pointer: '',
        rule: 'JSON_LD',
        message: `the document is not the JSON-LD that it seems${typeof code === 'string' ? ` (${code})` : ''}`,
      },
    ];
  }
};

/** Reads a document; every problem of shape and meaning comes back with its JSON pointer. */
export const parseDocument = async (document: Json): Promise<{ module: Module } | { violations: Violation[] }> => {
  const misshapen = shapeViolations(document);
  if (misshapen.length > 0) return { violations: misshapen };
  await nextTurn();
  const violations = await expands(document);
  return violations.length > 0 ? { violations } : { module: moduleFields.read(document, {}) };
};

/** Writes a module as a document of context `urn:lethe:context:1`. What has its default is left out. */
export const writeDocument = (module: Module): Json => {
  const members: Json = {};
  moduleFields.write(module, members, {});
  return { ...FIXED, ...members };
};

const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
};

/** SHA-256, hex, of a document with its keys in order. */
export const documentHash = (document: Json): string => createHash('sha256').update(canonical(document)).digest('hex');
