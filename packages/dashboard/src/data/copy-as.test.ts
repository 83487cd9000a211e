import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { asCurl, asFetch, type CopiedRequest } from './copy-as.ts';
import { parseHead } from './head.ts';

const HEAD = parseHead(
  "POST /a?b='c HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Odd: it's $HOME `id`\r\nContent-Length: 9\r\n\r\n",
);
const REQUEST: CopiedRequest = {
  method: 'POST',
  url: "http://example.com/a?b='c",
  head: HEAD,
  body: { encoding: 'utf8', text: `{"a":"'$(id)\\n"}` },
};

/** What a shell makes of a command line, one argument each. */
function words(command: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}`;
  return execFileSync('sh', ['-c', script]).toString().split('\0').slice(0, -1);
}

test('curl gets every byte, whatever quotes and dollars are in it', () => {
  expect(words(asCurl(REQUEST))).toEqual([
    REQUEST.url,
    '-X',
    'POST',
    '-H',
    'Content-Type: application/json',
    '-H',
    "X-Odd: it's $HOME `id`",
    '--data-raw',
    REQUEST.body.text,
  ]);
});

test('a binary body goes through base64', () => {
  const body = { encoding: 'base64', text: Buffer.from([0, 255, 10]).toString('base64') } as const;
  const command = asCurl({ ...REQUEST, body });
  const out = execFileSync('sh', ['-c', `curl() { od -An -tx1; }\n${command}`]).toString();
  expect(out.trim()).toBe('00 ff 0a');
  expect(asFetch({ ...REQUEST, body })).toContain('atob("AP8K")');
});

test('fetch gets the same, as JavaScript', async () => {
  let seen: unknown[] = [];
  const run = new Function('fetch', `return (async () => { ${asFetch(REQUEST)} })()`);
  await run(async (...args: unknown[]) => {
    seen = args;
  });
  expect(seen).toEqual([
    REQUEST.url,
    {
      method: 'POST',
      headers: [
        ['Content-Type', 'application/json'],
        ['X-Odd', "it's $HOME `id`"],
      ],
      body: REQUEST.body.text,
    },
  ]);
});
