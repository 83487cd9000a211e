import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { WholeAttempt } from '../../store/store.ts';
import { toCurl } from './curl.ts';

/** Commands are judged by what a shell makes of them: the words curl gets, and what it is piped. */

const SHELL = `curl() {
  printf '%s\\0' "$@"
  for word; do [ "$word" = @- ] && cat; done
  true
}
`;

function run(command: string, shell = 'sh'): { words: Buffer[]; piped: Buffer } {
  const { stdout, stderr, status } = spawnSync(shell, ['-s'], { input: SHELL + command });
  expect([status, stderr.toString()]).toEqual([0, '']);
  const words: Buffer[] = [];
  let rest: Buffer = stdout;
  for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
    words.push(rest.subarray(0, end));
    rest = rest.subarray(end + 1);
    if (words.at(-1)?.toString() === '@-') break;
  }
  return { words, piped: rest };
}

function texts(command: string): string[] {
  return run(command).words.map(String);
}

function attempt(head: string, body: Uint8Array | string = ''): WholeAttempt {
  return {
    url: 'https://a.test/x?a[]=1',
    requestHead: Buffer.from(head, 'latin1'),
    requestBody: Buffer.from(body),
  } as Partial<WholeAttempt> as WholeAttempt;
}

const HEAD = 'POST /x?a[]=1 HTTP/1.1\r\nHost: a.test\r\nUser-Agent: P\r\nAccept: */*\r\n';

test('the words are method, URL, headers and body, and nothing that curl makes itself', () => {
  const head = `${HEAD}Content-Type: application/json\r\nContent-Length: 2\r\n`;
  expect(texts(toCurl(attempt(head, '{}'), true))).toEqual([
    '--globoff',
    '--path-as-is',
    '-X',
    'POST',
    'https://a.test/x?a[]=1',
    '-H',
    'User-Agent: P',
    '-H',
    'Accept: */*',
    '-H',
    'Content-Type: application/json',
    '--data-raw',
    '{}',
  ]);
});

test('text reaches curl as it was, whatever a shell might see in it', () => {
  const nasty = `it's "q" $HOME \`id\` $(id) \\ ! # ; & | > < * ? ~ {a,b}\n\tnext 'é' 日本 \u{1f600} @x`;
  const words = texts(toCurl(attempt(`${HEAD}X-A: ${nasty.split('\n')[0]}\r\n`, nasty), true));
  expect(words.at(-1)).toBe(nasty);
  expect(words).toContain(
    `X-A: ${Buffer.from(nasty.split('\n')[0] ?? '', 'latin1').toString('utf8')}`,
  );
});

test('bytes that are no text are piped', () => {
  for (const body of [randomBytes(5000), Buffer.from('a\0b'), Buffer.from('a\r\nb\u001b[31m')]) {
    const { words, piped } = run(toCurl(attempt(HEAD, body), true));
    expect(words.slice(-2).map(String)).toEqual(['--data-binary', '@-']);
    expect(piped).toEqual(body);
  }
});

test('a body that is too long for an argument is piped', () => {
  const body = Buffer.from('x'.repeat(300_000));
  const { piped } = run(toCurl(attempt(HEAD, body), true));
  expect(piped.equals(body)).toBe(true);
});

test('header bytes that are no UTF-8 stay what they were', () => {
  const { words } = run(toCurl(attempt(`${HEAD}X-A: caf\xe9 'b' \\ c\r\n`), true), 'bash');
  expect(words.map((word) => word.toString('latin1'))).toContain("X-A: caf\xe9 'b' \\ c");
});

test('what curl would add is taken away, and an empty header is sent empty', () => {
  const words = texts(toCurl(attempt('HEAD /x HTTP/1.1\r\nHost: b.test\r\nX-E:\r\n', ''), true));
  expect(words).toContain('--head');
  expect(words.filter((_, i) => words[i - 1] === '-H')).toEqual([
    'Host: b.test',
    'X-E;',
    'User-Agent:',
    'Accept:',
  ]);
  const posted = texts(toCurl(attempt('POST /x HTTP/1.1\r\nHost: a.test\r\n', 'x'), true));
  expect(posted).toContain('Content-Type:');
});

test('secrets are masked unless they are asked for', () => {
  const head = `${HEAD}Authorization: Bearer abc\r\n`;
  expect(texts(toCurl(attempt(head), false))).toContain('Authorization: ••••');
  expect(texts(toCurl(attempt(head), true))).toContain('Authorization: Bearer abc');
});
