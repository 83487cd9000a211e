import { expect, test } from 'vitest';
import { FIRST_ROW, filterDraftOf, filterOf, NO_FILTER } from './filter-draft.ts';

test.each([
  { 'data.total': { gte: 100 }, 'actor.role': { eq: 'admin' } },
  { any: [{ 'data.state': { in: ['open', 'on hold, waiting', 3] } }, { type: { prefix: 'a.' } }] },
  { all: [{ 'data.n': { gt: 1 } }, { 'data.n': { lt: 9 } }] },
  { 'data.id': { eq: '42' }, 'data.gone': { eq: null }, 'data.x': { exists: false } },
])('rows say %j, and read back as the same', (filter) => {
  const draft = filterDraftOf(filter);
  expect(draft.mode).toBe('rows');
  expect(filterOf(draft)).toEqual(filter);
});

test.each([
  { not: { 'data.total': { lt: 1 } } },
  { any: [{ 'data.a': 1, 'data.b': 2 }] },
  { 'data.x': { not: { eq: 1 } } },
])('%j is more than rows can say, and stays JSON', (filter) => {
  const draft = filterDraftOf(filter);
  expect(draft.mode).toBe('json');
  expect(filterOf(draft)).toEqual(filter);
});

test('what cannot be used is said in the words of the filter', () => {
  const mistakes: Record<string, string> = {};
  filterOf({ ...NO_FILTER, mode: 'rows', rows: [{ ...FIRST_ROW, path: 'nowhere' }] }, mistakes);
  expect(mistakes['filter']).toContain('leads nowhere');
  const broken: Record<string, string> = {};
  filterOf({ ...NO_FILTER, mode: 'json', json: '{' }, broken);
  expect(broken['filter']).toBeDefined();
});
