import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Harness, startServer } from '../../http/harness.suite.ts';
import { printed } from '../printed.suite.ts';
import { type ApplyInput, apply } from './apply.ts';
import { dump } from './dump.ts';

/** `apply` and `dump` against a server: what a file says, and what is there. */

const FILE = `
tenants:
  - id: shop
    parent: acme                 # stands before its parent, and is made after it
    endpoints:
      - name: Orders
        url: http://127.0.0.1:4500/orders
        eventTypes: [order.*]
        headers: [{ name: Authorization, value: "Bearer \${TOKEN}" }, { name: X-Shop, value: "1" }]
        secret: \${SECRET}
      - { name: Everything, url: "http://127.0.0.1:4500/all", maxConcurrency: 2 }
  - id: acme
    name: Acme
    defaults: { dialect: logto, retryPolicy: { attempts: 3, base: 10 } }
    metadata: { team: a }
    eventTypes:
      - { name: order.paid, label: Order paid, schema: { type: object, required: [id] } }
      - { name: order.sent, example: { data: { id: 7 } } }
`;
const REFUSED = FILE.replace('http://127.0.0.1:4500/all', 'http://169.254.169.254/');
const VARIABLES = { TOKEN: 'token-of-the-shop', SECRET: 'a-text-that-signs' };

let directory: string;
let server: Harness;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'posthorn-declare-'));
  server = await startServer();
});
afterEach(() => rmSync(directory, { recursive: true }));

function applied(text: string, options: Partial<ApplyInput> = {}) {
  const file = join(directory, 'hooks.yaml');
  writeFileSync(file, text);
  const input: ApplyInput = {
    ...{ file, dryRun: false, prune: false, yes: true, json: false },
    ...{ url: server.url, key: server.adminKey, variables: VARIABLES, confirm: undefined },
    ...options,
  };
  return printed((output) => apply(input, output), { json: input.json });
}

function dumped({ secrets = false, url = server.url, key = server.adminKey, tenant = '' } = {}) {
  const input = { url, key, secrets, tenant: tenant || undefined };
  return printed((output) => dump(input, output));
}

async function endpointNames(tenant: string): Promise<string[]> {
  return (await server.admin.listEndpoints({ tenant })).items.map(({ name }) => name).toSorted();
}

const teamOfAcme = async () => (await server.admin.getTenant({ tenant: 'acme' })).metadata;

test('makes what a file says, parents first, and the second time touches nothing', async () => {
  expect(await applied(FILE)).toMatchObject({
    exitCode: 0,
    out: expect.stringContaining('Done: 6 created.'),
  });
  expect(await endpointNames('shop')).toEqual(['Everything', 'Orders']);
  const { version } = await server.admin.getTenant({ tenant: 'acme' });
  expect((await applied(FILE)).out).toBe('6 unchanged\n');
  expect((await server.admin.getTenant({ tenant: 'acme' })).version).toBe(version);
});

test('a dump has everything that apply takes: there is nothing left to change', async () => {
  await applied(FILE);
  const { out } = await dumped({ secrets: true });
  expect(out).toContain(`secret: ${VARIABLES.SECRET}`);
  expect(out).toContain(`value: Bearer ${VARIABLES.TOKEN}`);
  expect((await applied(out)).out).toBe('7 unchanged\n');
});

const EVERYTHING = `
tenants:
  - id: acme
    name: Acme
    alias: org-1
    metadata: { a: "1", b: "2" }
    defaults:
      dialect: cand
      validation: warn
      operationalEvents: false
      retryPolicy: { schedule: [1, 2], jitter: 0, retryOn: transient }
      timeoutMs: 5000
      rateLimit: 5
      maxConcurrency: 3
    portal: { title: Hooks, frameAncestors: ["https://app.example.com"], theme: { scheme: dark } }
    eventTypes:
      - name: a.b
        group: G
        label: L
        description: D
        schema: { type: object }
        example: { data: { n: 1 }, subject: s, actor: { id: 1 }, context: { module: M } }
        archived: true
    endpoints:
      - name: One
        url: http://127.0.0.1:4500/one
        description: D
        method: PUT
        headers: [{ name: X-B, value: "1" }, { name: X-A, value: "2" }]
        eventTypes: [a.*, b.c]
        channels: [x, y]
        filter: { data.n: { gt: 1 } }
        scope: below
        alias: hook-1
        dialect: custom
        contentType: application/json
        fields: [n]
        actorFields: [id]
        custom:
          timestampHeader: X-Time
          idHeader: X-Id
          signature: { header: X-Sig, algorithm: hmac-sha1, encoding: base64, prefix: "s=" }
        standardHeaders: true
        enabled: false
        timeoutMs: 2000
        rateLimit: 1
        maxConcurrency: 1
        retryPolicy: { attempts: 2, base: 5, factor: 1 }
        metadata: { z: "1", y: "2" }
      - { name: Two, url: "http://127.0.0.1:4500/two", ordering: key, secret: sixteen-characters, dialect: logto }
`;

test('every field survives: a dump makes an empty installation dump the same', async () => {
  expect(await applied(EVERYTHING)).toMatchObject({ exitCode: 0 });
  const dump = await dumped({ secrets: true });
  const there = await startServer();
  const at = { url: there.url, key: there.adminKey };
  expect(await applied(dump.out, at)).toMatchObject({ exitCode: 0 });
  expect((await dumped({ secrets: true, ...at })).out).toBe(dump.out);
  const [two, one] = (await there.admin.listEndpoints({ tenant: 'acme' })).items;
  expect(one).toMatchObject({ scope: 'below', ordering: 'none', custom: { idHeader: 'X-Id' } });
  expect(two).toMatchObject({ ordering: 'key', dialect: 'logto' });
  expect((await applied(EVERYTHING, at)).out).toBe('4 unchanged\n');
});

test('a dump names variables for what it does not show, and leaves signing secrets out', async () => {
  await applied(FILE);
  const { out, err } = await dumped();
  for (const secret of Object.values(VARIABLES)) expect(out).not.toContain(secret);
  expect(out).toContain('#   SHOP_ORDERS_AUTHORIZATION: header Authorization of the endpoint');
  expect(err).toContain('left out (1)');
  const [first] = (await server.admin.listEndpoints({ tenant: 'shop' })).items;
  const endpoint = first?.id ?? 'ep_';
  const secret = await server.admin.getEndpointSecret({ tenant: 'shop', endpoint });

  const variables = { SHOP_ORDERS_AUTHORIZATION: `Bearer ${VARIABLES.TOKEN}` };
  expect((await applied(out, { variables })).out).toBe('7 unchanged\n');
  expect(await server.admin.getEndpointSecret({ tenant: 'shop', endpoint })).toEqual(secret);
});

test('text that looks like a reference comes out of a dump as it was', async () => {
  const url = `http://127.0.0.1:4500/?q=$%7BNOT%7D&r=\${NO}`;
  await server.admin.createEndpoint({ tenant: 'default', body: { url, name: 'A' } });
  const { out } = await dumped();
  expect((await applied(out, { variables: { NO: 'yes' } })).out).toBe('2 unchanged\n');
});

test('endpoints without a name, and of the same name, get one each that stays', async () => {
  for (const name of ['', '', 'A', 'A']) {
    const body = { url: 'http://127.0.0.1:4500/in?token=t', name };
    await server.admin.createEndpoint({ tenant: 'default', body });
  }
  const { out } = await dumped({ tenant: 'default' });
  expect(out.match(/ - name: .*/g)).toEqual([
    ' - name: 127.0.0.1:4500/in',
    ' - name: 127.0.0.1:4500/in (2)',
    ' - name: A',
    ' - name: A (2)',
  ]);
  await applied(out);
  expect(await endpointNames('default')).toHaveLength(4);
  expect((await dumped({ tenant: 'default' })).out).toBe(out);
});

test('a plan shows what would change, without secrets, and changes nothing', async () => {
  await applied(FILE);
  const changed = FILE.replace('order.*', 'order.paid').replace('team: a', 'team: b');
  const variables = { TOKEN: 'another-token', SECRET: 'another-text-that-signs' };
  const plan = await applied(changed, { dryRun: true, variables });
  expect(plan).toMatchObject({ exitCode: 0, err: '' });
  expect(plan.out.split('\n')).toEqual([
    '~ tenant acme',
    '    metadata.team: "a" → "b"',
    '~ endpoint shop/Orders',
    '    eventTypes: ["order.*"] → ["order.paid"]',
    expect.stringMatching(/^ {4}(headers|secret): changes, not shown$/),
    expect.stringMatching(/^ {4}(headers|secret): changes, not shown$/),
    '',
    '2 to change, 4 unchanged',
    '',
  ]);
  expect(await teamOfAcme()).toEqual({ team: 'a' });
});

test('asks first; without a person or with a no it changes nothing', async () => {
  const nobody = await applied(FILE, { yes: false });
  expect(nobody).toMatchObject({ exitCode: 1, err: expect.stringContaining('Pass --yes') });
  expect(nobody.out).toContain('+ endpoint shop/Orders');
  const questions: string[] = [];
  const say = (answer: boolean) => async (question: string) => {
    questions.push(question);
    return answer;
  };
  expect((await applied(FILE, { yes: false, confirm: say(false) })).exitCode).toBe(1);
  await expect(server.admin.getTenant({ tenant: 'acme' })).rejects.toThrow(/no such tenant/);
  expect((await applied(FILE, { yes: false, confirm: say(true) })).exitCode).toBe(0);
  expect(questions).toHaveLength(2);
});

test('deletes what a list of the file does not have only with --prune', async () => {
  await applied(FILE);
  const fewer = FILE.replace(/ {6}- \{ name: Everything.*\n/, '').replace(/.*order\.sent.*\n/, '');
  const kept = await applied(fewer);
  expect(kept.out).toBe('4 unchanged (and 2 not in the file; --prune deletes them)\n');
  expect((await applied(fewer, { prune: true })).out).toContain('Done: 2 deleted.');
  expect(await endpointNames('shop')).toEqual(['Orders']);
  const types = await server.admin.listEventTypes({ tenant: 'acme', inherited: 'false' });
  expect(types.items.map(({ name }) => name)).toEqual(['order.paid']);
  const silent = 'tenants: [{ id: acme }, { id: shop }]';
  expect((await applied(silent, { prune: true })).out).toBe('nothing\n');
});

test('endpoints are judged by the dialect that they will inherit', async () => {
  await applied(FILE.replace('dialect: logto', 'dialect: standard').replace(/ *secret: .*\n/, ''));
  const { exitCode, err } = await applied(FILE.replace(/ *secret: .*\n/, ''));
  expect({ exitCode, err }).toMatchObject({ exitCode: 0, err: '' });
});

test('names the line of everything that is wrong with a file', async () => {
  const wrong = `tenants:
  - id: acme
    endpoints:
      - name: A
        url: http://127.0.0.1:4500/
        headrs: []
        secret: \${NOT_SET}
      - { name: A, url: "http://127.0.0.1:4500/" , maxConcurrency: none }
`;
  const { exitCode, out, err } = await applied(wrong);
  expect([exitCode, out]).toEqual([2, '']);
  expect(err.replaceAll(`${directory}/`, '').trimEnd().split('\n')).toEqual([
    'hooks.yaml:7:9: secret: the variable NOT_SET is not set: set it, or leave it out to keep what is stored',
    'hooks.yaml:6:9: headrs: is not a known field; did you mean headers?',
    expect.stringMatching(/^hooks\.yaml:8:52: maxConcurrency: /),
  ]);
});

test.each([
  ['a name twice', 'tenants: [{ id: a }, { id: a }]', /the tenant a is there twice/],
  ['a circle', 'tenants: [{ id: a, parent: b }, { id: b, parent: a }]', /its own ancestor/],
  ['a key twice', 'tenants: []\ntenants: []', /:2:1: Map keys must be unique/],
  ['no tenants', 'endpoints: []', /tenants: is missing/],
  ['a reference that is none', endpoint(`secret: "\${a b}"`), /write \$\$\{ for the characters/],
  ['a mask without a value', endpoint('headers: [{ name: A, value: •••• }]'), /write the value/],
  ['an expanding file', bomb(), /Excessive alias count/],
])('refuses %s', async (_, text, message) => {
  const { exitCode, err } = await applied(text);
  expect(exitCode).toBeGreaterThan(0);
  expect(err).toMatch(message);
});

function endpoint(member: string): string {
  return `tenants: [{ id: a, endpoints: [{ name: A, url: "http://127.0.0.1:1/", ${member} }] }]`;
}

function bomb(): string {
  const lines = ['a0: &a0 [1, 2, 3]'];
  for (let i = 1; i < 9; i++) {
    lines.push(`a${i}: &a${i} [${new Array(9).fill(`*a${i - 1}`).join(', ')}]`);
  }
  return `${lines.join('\n')}\ntenants: *a8\n`;
}

test('names the line of what the server refuses, before anything is changed', async () => {
  await applied(FILE);
  const { exitCode, err } = await applied(REFUSED.replace('team: a', 'team: b'));
  expect(exitCode).toBe(1);
  expect(err).toMatch(/hooks\.yaml:11:29: url: .*\nNothing was changed\.\n$/);
  expect(await teamOfAcme()).toEqual({ team: 'a' });
});

test('says how far it came when the server stops it, and goes on the next time', async () => {
  const stopped = await applied(REFUSED);
  expect(stopped.exitCode).toBe(1);
  expect(stopped.err).toContain('Stopped after 4 of 6 changes (4 created); apply again to go on.');
  expect((await applied(FILE)).out).toContain('Done: 2 created.');
});

test('a key that sees one tenant dumps and applies that one; nobody does without a key', async () => {
  await applied(FILE);
  const key = await server.key('shop', ['read', 'write']);
  const all = await dumped({ key });
  expect(all).toMatchObject({ exitCode: 1, err: expect.stringContaining('--tenant') });
  expect((await dumped({ key, tenant: 'shop' })).out).toContain('name: Everything');
  expect(await applied(FILE, { key: undefined })).toMatchObject({ exitCode: 2, out: '' });
  expect((await applied(FILE, { file: join(directory, 'none') })).err).toContain('ENOENT');
});
