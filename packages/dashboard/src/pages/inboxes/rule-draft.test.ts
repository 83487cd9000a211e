import { expect, test } from 'vitest';
import { newRule, ruleDraftOf, ruleLike, ruleOf } from './rule-draft.ts';

const ANSWER = {
  kind: 'reply' as const,
  status: 503,
  headers: [],
  body: '',
  delayMs: 0,
  fault: null,
};

test('a rule survives the editor', () => {
  const rule = {
    id: 'abcdefghij',
    name: 'Each third fails',
    enabled: false,
    when: {
      methods: ['POST'],
      path: '/orders/*',
      query: 'headers.x-event:push',
      nth: { from: 2, to: null, every: 3 },
      probability: 0.125,
    },
    answer: ANSWER,
  };
  expect(ruleOf(ruleDraftOf({ ...rule, hits: 4 }))).toEqual(rule);
});

test('what is left empty is no condition', () => {
  expect(ruleOf(newRule('k')).when).toEqual({
    methods: [],
    path: null,
    query: null,
    nth: null,
    probability: null,
  });
  expect(ruleOf(newRule('k', { nthEvery: '3' })).when.nth).toEqual({ from: 1, to: null, every: 3 });
});

test('a rule made of a request fits its like', () => {
  expect(ruleOf(ruleLike({ method: 'PUT', path: '/orders?page=2' }))).toMatchObject({
    name: 'PUT /orders',
    when: { methods: ['PUT'], path: '/orders' },
  });
  expect(ruleLike({ method: 'GET', path: '' }).path).toBe('/');
});
