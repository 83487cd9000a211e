import { expect, test } from 'vitest';
import { type Answer, answerDraftOf, answeredBy, answerMistakes, answerOf } from './answer.ts';

const REPLY = {
  status: 418,
  headers: [
    { name: 'X-A', value: 'b: c' },
    { name: 'X-B', value: '' },
  ],
  body: '{{body.challenge}}',
  delayMs: 250,
  fault: 'drip',
} as const;

test.each<Answer>([
  { kind: 'reply', ...REPLY, headers: [...REPLY.headers] },
  { kind: 'live', waitMs: 1500, fallback: { ...REPLY, headers: [...REPLY.headers], fault: null } },
])('an answer survives the form: $kind', (answer) => {
  expect(answerOf(answerDraftOf(answer))).toEqual(answer);
});

test('what cannot be understood is named', () => {
  const draft = answerDraftOf({ kind: 'reply', ...REPLY, headers: [] });
  const mistakes = answerMistakes({ ...draft, status: 'ok', headers: 'no colon', waitS: '-1' });
  expect(Object.keys(mistakes).sort()).toEqual(['headers', 'status', 'waitS']);
  expect(answerMistakes(draft)).toEqual({});
});

test.each([
  ['default', 'inbox'],
  ['rule:abc', 'rule'],
  ['handshake:slack', 'slack handshake'],
  ['something-new', 'something-new'],
])('who answered is told in words: %s', (by, word) => {
  expect(answeredBy({ answeredBy: by })).toBe(word);
});
