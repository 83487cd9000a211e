import { expect, test } from 'vitest';
import { createOutput, type Output, table } from './output.ts';
import { printed } from './printed.suite.ts';

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

test('bytes reach a file as they are, a terminal as text, a program as JSON', async () => {
  const bytes = Uint8Array.of(0x61, 0x0d, 0x0a, 0xff);
  const act = async (output: Output) => {
    output.bytes({ a: 1 }, bytes);
    return 0;
  };
  expect(await printed(act)).toMatchObject({ out: '', bytes: Buffer.from(bytes) });
  expect(await printed(act, { tty: true })).toMatchObject({
    out: 'a\n\ufffd\n',
    bytes: Buffer.of(),
  });
  expect((await printed(act, { json: true })).out).toBe('{"a":1}\n');
});

test('progress is drawn on a terminal alone, and gone before anything else', async () => {
  const act = async (output: Output) => {
    output.progress({ done: 1000, total: 4000, what: 'rows' });
    output.data(0, 'done');
    return 0;
  };
  const { err, out } = await printed(act, { tty: true });
  expect(err).toBe(
    `\r\u001b[2K${'█'.repeat(6)}${'░'.repeat(18)}  25 %  1,000 of 4,000 rows\r\u001b[2K`,
  );
  expect(out).toBe('done\n');
  expect((await printed(act)).err).toBe('');
  expect((await printed(act, { tty: true, json: true })).err).toBe('');
});

test('a table pads every column but the last', () => {
  expect(
    table([
      ['a', 'bbb', 'c'],
      ['aa', 'b', 'cc'],
    ]),
  ).toBe('a   bbb  c\naa  b    cc');
});
