import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, type EventInput } from '@posthorn/api';
import { describe, expect, onTestFinished, test } from 'vitest';
import { launch } from './launch.ts';

/** Each receiver of examples/receivers, a process of its own, against the built product. */

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const EXAMPLES = fileURLToPath(new URL('../../../examples/receivers/', import.meta.url));
const KEY = 'receivers-admin-key-0123456789abcdef';
const SECRET = '0123456789abcdef0123456789abcdef';

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'posthorn-receivers-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function startProduct() {
  const env = { POSTHORN_PORT: '0', POSTHORN_DATA: directory(), POSTHORN_ADMIN_KEY: KEY };
  const product = launch([MAIN, 'dev'], env);
  const ready = await product.line((line) => line.includes('"ready"'));
  const { url } = JSON.parse(ready) as { url: string };
  return createClient({ baseUrl: url, key: KEY });
}

type EndpointInput = Parameters<ReturnType<typeof createClient>['createEndpoint']>[0]['body'];

interface Play {
  readonly file: string;
  readonly env: Record<string, string>;
  readonly endpoint: Omit<EndpointInput, 'url'>;
  readonly event: EventInput;
  /** What the receiver prints when it has handled the event. */
  readonly prints: RegExp;
  readonly path?: string;
}

const plays: Play[] = [
  {
    file: 'express-casdoor.js',
    env: { CASDOOR_SECRET: SECRET },
    endpoint: {
      dialect: 'casdoor',
      // As Casdoor does it: the header says form, the body is JSON.
      contentType: 'application/x-www-form-urlencoded',
      headers: [{ name: 'casdoor-secret', value: SECRET }],
      actorFields: [],
    },
    event: {
      type: 'update-user',
      data: { owner: 'built-in', name: 'alice' },
      actor: { name: 'admin' },
    },
    prints: /^admin changed alice$/,
  },
  {
    file: 'express-cand.js',
    env: { CAND_SECRET: SECRET },
    path: `/webhook/${SECRET}`,
    endpoint: { dialect: 'cand' },
    event: { type: 'MOIM:product.created', data: { id: 'CP:AK290DKFJD' } },
    prints: /^product CP:AK290DKFJD in /,
  },
  {
    file: 'fastify-logto.js',
    env: { LOGTO_SIGNING_KEY: SECRET },
    endpoint: { dialect: 'logto', secret: SECRET },
    event: { type: 'User.Created', data: { id: 'xz7nbya58wb7' } },
    prints: /^User\.Created of xz7nbya58wb7 at \d{4}-/,
  },
  {
    file: 'hono-caisy.js',
    env: { CAISY_SECRET: SECRET },
    endpoint: { dialect: 'caisy', headers: [{ name: 'x-auth', value: SECRET }] },
    event: { type: 'document_update', data: { document_id: 'de0a74d8' } },
    prints: /^document_update: rebuild what shows de0a74d8$/,
  },
];

test.each(plays)('$file', async ({ file, env, endpoint, event, prints, path }) => {
  const own = { PORT: '0', DATABASE: join(directory(), 'receiver.db'), ...env };
  const receiver = launch([join(EXAMPLES, file)], own);
  const [api, listening] = await Promise.all([
    startProduct(),
    receiver.line((line) => line.startsWith('listening on ')),
  ]);
  const { origin, pathname } = new URL(listening.slice('listening on '.length));
  const url = origin + (path ?? pathname);
  const tenant = 'default';
  await api.createEndpoint({ tenant, body: { ...endpoint, url } });
  const forged = await fetch(url.replace(SECRET, 'guess'), {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  });
  expect([400, 401]).toContain(forged.status);
  await api.publishEvents({ tenant, body: event });
  expect(await receiver.line((line) => prints.test(line))).toMatch(prints);
});

// ---- FerrisKey's in Rust -------------------------------------------------------------------------

const CRATES = '/usr/share/cargo/registry';
const hasCargo = (process.env['PATH'] ?? '')
  .split(delimiter)
  .some((path) => existsSync(join(path, 'cargo')));
const hasCrates = ['hmac-0.12.1', 'serde_json-1.0.87', 'data-encoding-2.3.2'].every((crate) =>
  existsSync(join(CRATES, crate)),
);

/**
 * axum is not packaged by Debian and the crates' registry is not asked, so its routing (main.rs) is not
 * built here. What decides, `ferriskey.rs`, is: behind a few lines that hand it the parts of a request.
 */
const HARNESS = `mod ferriskey;
use std::{collections::HashMap, io::Read};

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).expect("text");
    let mut lines = text.splitn(4, '\\n');
    let (now, count) = (lines.next().expect("now"), lines.next().expect("headers"));
    let headers: HashMap<String, String> = serde_json::from_str(count).expect("headers");
    let header = |name: &str| headers.get(name).map(String::as_str);
    let secret = lines.next().expect("secret");
    let body = lines.next().expect("body").as_bytes();
    match ferriskey::receive(secret, header, body, now.parse().expect("seconds")) {
        Ok(webhook) => println!("{} of {}: {:?} at {}", webhook.event, webhook.resource_id, webhook.data, webhook.timestamp),
        Err(refusal) => println!("{refusal:?}"),
    }
}
`;

describe.skipIf(!hasCargo || !hasCrates)(
  'ferriskey-axum (apt-get install cargo librust-data-encoding-dev librust-hmac-dev librust-sha2-dev librust-serde-json-dev librust-serde-derive-dev)',
  () => {
    test('verifies and reads what the product sends as FerrisKey', async () => {
      const crate = buildRust();
      const { headers, body, sentAtS } = await captured();
      const run = (input: { now?: number; headers?: object; secret?: string; body?: string }) =>
        execFileSync(crate, {
          encoding: 'utf8',
          input: [
            input.now ?? sentAtS,
            JSON.stringify(input.headers ?? headers),
            input.secret ?? SECRET,
            input.body ?? body,
          ].join('\n'),
        }).trim();
      expect(run({})).toMatch(/^user\.created of [0-9a-f-]{36}: Some\(Object .*alice/);
      expect(run({ body: body.replace('alice', 'mallory') })).toBe('Signature');
      expect(run({ secret: SECRET.replace('0', '1') })).toBe('Signature');
      expect(run({ now: sentAtS + 301 })).toBe('Timestamp');
      expect(run({ now: sentAtS - 301 })).toBe('Timestamp');
      const junk = { ...headers, 'x-ferriskey-timestamp': `${headers['x-ferriskey-timestamp']}a` };
      expect(run({ headers: junk })).toBe('Timestamp');
      const { 'x-ferriskey-signature': _, ...unsigned } = headers;
      expect(run({ headers: unsigned })).toBe('MissingHeader("x-ferriskey-signature")');
    }, 180_000);
  },
);

function buildRust(): string {
  const crate = directory();
  mkdirSync(join(crate, 'src'));
  mkdirSync(join(crate, '.cargo'));
  copyFileSync(join(EXAMPLES, 'ferriskey-axum/src/ferriskey.rs'), join(crate, 'src/ferriskey.rs'));
  writeFileSync(join(crate, 'src/main.rs'), HARNESS);
  writeFileSync(
    join(crate, 'Cargo.toml'),
    `[package]
name = "receiver"
version = "0.0.0"
edition = "2021"
[dependencies]
data-encoding = "2"
hmac = "0.12"
serde = { version = "1", features = ["derive"] }
serde_json = "1"
sha2 = "0.10"
`,
  );
  writeFileSync(
    join(crate, '.cargo/config.toml'),
    `[source.crates-io]\nreplace-with = "debian"\n[source.debian]\ndirectory = "${CRATES}"\n`,
  );
  execFileSync('cargo', ['build', '--quiet', '--offline'], { cwd: crate, stdio: 'pipe' });
  return join(crate, 'target/debug/receiver');
}

/** One request as the product sends it to an endpoint that expects FerrisKey's. */
async function captured() {
  const api = await startProduct();
  const catcher = launch(
    [
      '-e',
      `require('node:http').createServer(async (req, res) => {
         let body = '';
         for await (const chunk of req) body += chunk;
         console.log(JSON.stringify({ headers: req.headers, body }));
         res.end();
       }).listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port) })`,
    ],
    {},
  );
  const port = (await catcher.line((line) => line.startsWith('port '))).slice(5);
  const tenant = 'default';
  const url = `http://127.0.0.1:${port}/webhook`;
  await api.createEndpoint({ tenant, body: { url, dialect: 'ferriskey', secret: SECRET } });
  const data = { username: 'alice' };
  await api.publishEvents({ tenant, body: { type: 'user.created', data } });
  const line = await catcher.line((text) => text.startsWith('{'));
  const { headers, body } = JSON.parse(line) as { headers: Record<string, string>; body: string };
  return { headers, body, sentAtS: Number(headers['x-ferriskey-timestamp']) };
}
