import { expect, test } from 'vitest';
import { createOutput, table } from './output.ts';

function capture(json: boolean, colors: boolean) {
  const out: string[] = [];
  const err: string[] = [];
  const stdout = { write: (text: string) => out.push(text) };
  const stderr = { write: (text: string) => err.push(text) };
  return { output: createOutput({ stdout, stderr, json, colors }), out, err };
}

test('data goes to stdout, notes to stderr', () => {
  const { output, out, err } = capture(false, false);
  output.data({ a: 1 }, 'a is 1');
  output.note('done');
  expect([out, err]).toEqual([['a is 1\n'], ['done\n']]);
});

test('data is JSON on one line with --json', () => {
  const { output, out } = capture(true, true);
  output.data({ a: 'x\ny' }, 'ignored', ['fail']);
  expect(out).toEqual(['{"a":"x\\ny"}\n']);
});

test('states colour the first word, if there are colours', () => {
  const plain = capture(false, false);
  plain.output.data(0, 'ok a', ['ok']);
  const colored = capture(false, true);
  colored.output.data(0, 'ok a\nfail b', ['ok', 'fail']);
  expect(plain.out).toEqual(['ok a\n']);
  expect(colored.out).toEqual(['\u001b[32mok\u001b[0m a\n\u001b[31mfail\u001b[0m b\n']);
});

test('control characters of strangers do not reach the terminal', () => {
  const { output, out, err } = capture(false, true);
  output.data(0, 'a\u001b[2Jb\r\u009bc');
  output.note('x\u001b]0;title\u0007\u202e');
  expect(out).toEqual(['a\\u001b[2Jb\\u000d\\u009bc\n']);
  expect(err).toEqual(['x\\u001b]0;title\\u0007\\u202e\n']);
});

test('a table pads every column but the last', () => {
  expect(
    table([
      ['a', 'bbb', 'c'],
      ['aa', 'b', 'cc'],
    ]),
  ).toBe('a   bbb  c\naa  b    cc');
});
