import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateSecret } from '@posthorn/wire';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSnippet, renderSnippets, snippets } from '../../../scripts/snippets.js';
import { hasProgram } from './services.ts';

/** The functions of docs/verifying-languages.md, run in their languages against what we sign. */

const NOW = 1_795_341_600;
const SECRET = generateSecret('whsec', () => new Uint8Array(32).fill(0xfb));
const OTHER = generateSecret('whsec');

interface Case {
  readonly name: string;
  readonly line: readonly [string, number, string, string, string, string];
  readonly expect: 'true' | 'false' | 'error';
}

const BODY = Buffer.from('{"type":"user.created","data":{"name":"Jürgen 😀"}}');

function one(
  name: string,
  expected: Case['expect'],
  change: Partial<{
    secret: string;
    now: number;
    id: string;
    signedId: string;
    timestamp: string;
    body: Uint8Array;
    signature: (own: string) => string;
    sent: Uint8Array;
  }> = {},
): Case {
  const { secret = SECRET, now = NOW, body = BODY, id = 'msg_2aZ-_9' } = change;
  // Not with our own `sign`: it refuses what some of these are signed as.
  const key = Buffer.from(SECRET.slice(6), 'base64');
  const content = createHmac('sha256', key)
    .update(`${change.signedId ?? id}.${NOW}.`)
    .update(body);
  const own = `v1,${content.digest('base64')}`;
  const signature = change.signature?.(own) ?? own;
  const sent = Buffer.from(change.sent ?? body).toString('hex');
  const timestamp = change.timestamp ?? String(NOW);
  return { name, line: [secret, now, id, timestamp, signature, sent], expect: expected };
}

const JUNK = `v1,${'A'.repeat(43)}=`;

const cases: readonly Case[] = [
  one('good', 'true'),
  one('an empty body', 'true', { body: new Uint8Array(0) }),
  one('a body that is not UTF-8', 'true', { body: Uint8Array.of(0x22, 0xff, 0x00, 0x22) }),
  one('a body with a byte order mark', 'true', { body: Buffer.from('\ufeff{}\r\n') }),
  one('the second of two signatures', 'true', { signature: (own) => `${JUNK} ${own}` }),
  one('the sixteenth signature', 'true', { signature: (own) => `${`${JUNK} `.repeat(15)}${own}` }),
  one('beside a v1a', 'true', { signature: (own) => `v1a,abc ${own}` }),
  one('300 seconds old', 'true', { now: NOW + 300 }),
  one('300 seconds ahead', 'true', { now: NOW - 300 }),
  one('301 seconds old', 'false', { now: NOW + 301 }),
  one('301 seconds ahead', 'false', { now: NOW - 301 }),
  one('another body', 'false', { sent: Buffer.from(`${BODY} `) }),
  one('bytes that decode to the same text', 'false', {
    body: Uint8Array.of(0x22, 0xff, 0x22),
    sent: Uint8Array.of(0x22, 0xfe, 0x22),
  }),
  one('another secret', 'false', { secret: OTHER }),
  one('another version', 'false', { signature: (own) => own.replace('v1', 'v1a') }),
  one('no signature', 'false', { signature: () => '' }),
  one('half a signature', 'false', { signature: (own) => own.slice(0, -5) }),
  one('text behind the signature', 'false', { signature: (own) => `${own}x` }),
  one('the seventeenth signature', 'false', {
    signature: (own) => `${`${JUNK} `.repeat(16)}${own}`,
  }),
  one('another id', 'false', { signedId: 'msg_3' }),
  one('an id with a dot', 'false', { id: 'msg.1' }),
  one('an empty id', 'false', { id: '' }),
  one('an id that is too long', 'false', { id: 'a'.repeat(65) }),
  ...['', `${NOW}abc`, ` ${NOW}`, `+${NOW}`, `${NOW}.5`, '1e9', '179534160000'].map((timestamp) =>
    one(`the timestamp ${JSON.stringify(timestamp)}`, 'false', { timestamp }),
  ),
  one('an empty secret', 'error', { secret: 'whsec_' }),
  one('a secret of one byte', 'error', { secret: 'whsec_AA==' }),
];

test('the page is what the table says (node scripts/snippets.js writes it anew)', () => {
  const page = new URL('../../../docs/verifying-languages.md', import.meta.url);
  expect(readFileSync(page, 'utf8')).toBe(renderSnippets());
});

test('there are eight languages', () => expect(snippets).toHaveLength(8));

const MANIFEST = `[package]
name = "snippet"
version = "0.0.0"
edition = "2021"
[dependencies]
data-encoding = "2"
hmac = "0.12"
sha2 = "0.10"
`;
/** Debian brings the sources of crates; the registry is not asked. */
const REGISTRY = '/usr/share/cargo/registry';
const CARGO = `[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "${REGISTRY}"
`;

const CRATES = ['data-encoding-2', 'hmac-0.12', 'sha2-0.10'];

/** Its program is there, and for Rust the sources of its crates. */
function canRun(tool: string): boolean {
  if (!hasProgram(tool)) return false;
  if (tool !== 'cargo') return true;
  const present = existsSync(REGISTRY) ? readdirSync(REGISTRY) : [];
  return CRATES.every((crate) => present.some((name) => name.startsWith(crate)));
}

for (const snippet of snippets) {
  const { language, tool, install, source, build, run, file, harness } = snippet;
  describe.skipIf(!canRun(tool))(`${language} (apt-get install ${install})`, () => {
    let directory: string;
    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'posthorn-snippet-'));
      const main = fileURLToPath(
        new URL(`../../../scripts/snippets/harness/${file}`, import.meta.url),
      );
      mkdirSync(dirname(join(directory, source)), { recursive: true });
      const own = harness === undefined ? readFileSync(main, 'utf8') : '';
      writeFileSync(join(directory, source), readSnippet(file) + own);
      if (harness !== undefined) cpSync(main, join(directory, harness));
      if (tool === 'cargo') {
        writeFileSync(join(directory, 'Cargo.toml'), MANIFEST);
        mkdirSync(join(directory, '.cargo'));
        writeFileSync(join(directory, '.cargo/config.toml'), CARGO);
      }
      const [program, ...args] = build ?? [];
      if (program !== undefined) execFileSync(program, args, { cwd: directory, stdio: 'pipe' });
    }, 120_000);
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    test('takes what is good and refuses the rest', () => {
      const [program = '', ...args] = run;
      const input = cases.map(({ line }) => `${line.join('\t')}\n`).join('');
      const output = execFileSync(program, args, { cwd: directory, input, encoding: 'utf8' });
      const answers = output.trimEnd().split('\n');
      const got = cases.map(({ name }, i) => `${name}: ${answers[i]}`);
      expect(got).toEqual(cases.map(({ name, expect }) => `${name}: ${expect}`));
    });
  });
}
