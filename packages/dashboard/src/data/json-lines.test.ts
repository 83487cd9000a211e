import { expect, test } from 'vitest';
import { layOut } from './json-lines.ts';

function printed(text: string): string | undefined {
  return layOut(text)
    ?.map(({ depth, tokens }) => '  '.repeat(depth) + tokens.map((token) => token.text).join(''))
    .join('\n');
}

test.each([
  ['{"a":1,"b":[true,null,{}],"c":"x\\"y"}'],
  ['[[],[1],{"a":{"b":{}}}]'],
  ['"only text"'],
  ['  -1.5e3 '],
  ['null'],
])('%s is laid out as JSON.stringify does', (text) => {
  expect(printed(text)).toBe(JSON.stringify(JSON.parse(text), null, 2).replace('-1500', '-1.5e3'));
});

test('numbers, escapes and repeated keys stay as they were sent', () => {
  const text = '{"n":1.0,"big":12345678901234567890,"n":"\\u0041\\\\"}';
  expect(printed(text)).toBe(
    '{\n  "n": 1.0,\n  "big": 12345678901234567890,\n  "n": "\\u0041\\\\"\n}',
  );
});

test('a line knows where what it opens ends, and how much is in it', () => {
  const lines = layOut('{"a":[1,2,3],"b":{}}') ?? [];
  expect(lines[0]).toMatchObject({ closes: 7, count: 2 });
  expect(lines[1]).toMatchObject({ closes: 5, count: 3 });
  expect(lines[6]).not.toHaveProperty('closes');
});

test.each(['', '{', '{"a"}', '{"a":}', '[1,]', '[1 2]', '{"a":1}}', 'abc', '"open', '{a:1}'])(
  '%j is not JSON',
  (text) => {
    expect(layOut(text)).toBeUndefined();
  },
);

test('a deep and a long text are no problem', () => {
  const deep = '['.repeat(50_000) + ']'.repeat(50_000);
  expect(layOut(deep)).toHaveLength(50_000 * 2 - 1);
  expect(layOut(`"${'\\"'.repeat(500_000)}"`)).toHaveLength(1);
});
