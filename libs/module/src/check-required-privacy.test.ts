import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { expect, test } from 'vitest';
import { findUnprotected } from './check-required-privacy.ts';

const source = (table: string, connectionId: string) => ({
  table,
  rank: 1,
  collect: { $case: 'tableRead' as const, value: { connectionId, table } },
});
const scripted = (table: string, connectionId: string) => ({
  collect: { $case: 'script' as const, value: { table, rank: 1, connectionId } },
});
const none = { noneReason: 'made up' };
const k = { models: [{ model: { $case: 'kAnonymity' as const, value: { k: 2 } } }] };
const sources = [source('people', 'demanding'), source('places', 'other')];
const columns = (role: Role) => [{ name: 'age', role }];
const find = (plan: Parameters<typeof EffectivePlan.fromPartial>[0]): string[] =>
  findUnprotected(EffectivePlan.fromPartial({ sources, ...plan }), (id) => id === 'demanding').map(({ table }) => table);

test('a published table without a requirement is found where a demanding connection feeds it', () => {
  const results = (people: object, more: object = {}) => [
    { name: 'people', privacy: people, ...more },
    { name: 'places', privacy: none },
  ];
  expect(find({ results: results(none) })).toEqual(['people']);
  expect(find({ results: results(k, { columns: columns(Role.QUASI_IDENTIFYING) }) })).toEqual([]);
  expect(find({ results: results(k, { columns: columns(Role.INSENSITIVE) }) })).toEqual(['people']);
  expect(find({ results: results(none, { unpublished: true }) })).toEqual([]);
  expect(find({ sources: [scripted('people', 'demanding')], results: results(none) })).toEqual(['people']);
});

test('a table that a transform writes is fed by every source', () => {
  const results = [{ name: 'summary', privacy: none }];
  expect(find({ results })).toEqual([]);
  expect(find({ results, transforms: [{ binding: { table: 'summary', rank: 1 } }] })).toEqual(['summary']);
});
