import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENT_STREAM, type Operation, operations } from '@posthorn/api';
import { expect, test } from 'vitest';
import { z } from 'zod';
import {
  ADMIN_KEY,
  eventually,
  gate,
  type Harness,
  start,
  startReceiver,
} from './delivery/harness.suite.ts';

/** Attacks on the API that need the whole product: what is tried where is in CONTRIBUTING.md. */

const tenant = 'default';
const ALL = Object.values<Operation>(operations);

async function request(
  { app }: Harness,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; text: string }> {
  const headers: Record<string, string> = { authorization: `Bearer ${ADMIN_KEY}` };
  const init: RequestInit = { method, headers };
  if (body !== undefined) {
    headers['content-type'] = 'application/json';
    init.body = body;
  }
  const response = await fetch(app.url + path, init);
  const stream = response.headers.get('content-type')?.startsWith(EVENT_STREAM);
  const text = stream ? await response.body?.cancel().then(() => '') : await response.text();
  return { status: response.status, text: text ?? '' };
}

// ---- A29 -----------------------------------------------------------------------------------------

test('secrets are in no log, list, metric or file (A29)', async () => {
  const canary = (name: string) => `${name}-${randomBytes(18).toString('hex')}`;
  const app = await start({ flags: { logLevel: 'debug' } });
  const receiver = await startReceiver(app.clock, () => 500);
  const secrets = {
    header: canary('header'),
    cookie: canary('cookie'),
    password: canary('password'),
    signing: `whsec_${randomBytes(32).toString('base64')}`,
    rotated: `whsec_${randomBytes(32).toString('base64')}`,
    captured: canary('captured'),
    inboxSigning: `whsec_${randomBytes(32).toString('base64')}`,
  };
  const url = receiver.url.replace('http://', `http://user:${secrets.password}@`);
  const refused = await app.api
    .createEndpoint({ tenant, body: { url, secret: secrets.signing } })
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(Error);
  expect(String(refused)).not.toContain(secrets.password);
  const endpoint = await app.endpoint({
    url: receiver.url,
    secret: secrets.signing,
    headers: [
      { name: 'Authorization', value: `Bearer ${secrets.header}` },
      { name: 'Cookie', value: secrets.cookie },
    ],
    retryPolicy: { attempts: 1, schedule: [] },
  });
  await app.publish({ data: { n: 1 } });
  await app.attempted(1);
  const rotate = { tenant, endpoint: endpoint.id, body: { secret: secrets.rotated } };
  await app.api.rotateEndpointSecret(rotate);
  const key = await app.api.createKey({ body: { tenant, scopes: ['read'] } });
  const session = await app.app.registry.sessions.create({
    tenant,
    scopes: ['read'],
    madeBy: null,
    theme: null,
  });
  const inbox = await app.api.createInbox({ tenant, body: {} });
  await fetch(new URL(`/in/${inbox.name}`, app.app.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${secrets.captured}` },
    body: '{}',
  });
  const all = { ...secrets, key: key.key, bearer: session.bearer, admin: ADMIN_KEY };
  const shown: Record<string, string> = { log: JSON.stringify(app.log) };
  for (const { method, path, scope } of ALL) {
    if (method !== 'GET' || path.includes('/secret')) continue;
    const real = path
      .replace('{tenant}', tenant)
      .replace('{endpoint}', endpoint.id)
      .replace('{inbox}', inbox.id)
      .replace('{attempt}', (await app.attempts())[0]?.id ?? '')
      .replace('{capture}', (await captureOf(app, inbox.id)) ?? '');
    if (!real.includes('{') && scope !== undefined) {
      shown[path] = (await request(app, 'GET', real)).text;
    }
  }
  await app.close();
  for (const name of readdirSync(app.directory)) {
    if (name !== 'admin-key') shown[name] = readFileSync(join(app.directory, name), 'latin1');
  }
  const found = Object.entries(shown).flatMap(([where, text]) =>
    Object.entries(all)
      .filter(([, secret]) => text.includes(secret))
      .map(([name]) => `${name} in ${where}`),
  );
  expect(found).toEqual([]);
  expect(Object.keys(shown).length).toBeGreaterThan(30);
});

async function captureOf({ api }: Harness, inbox: string): Promise<string | undefined> {
  const { items } = await api.listCaptures({ tenant, inbox: inbox as `inb_${string}` });
  return items[0]?.id;
}

// ---- A30, A31 ------------------------------------------------------------------------------------

test('text of strangers is one line of the log, whatever is in it (A30)', async () => {
  const app = await start({ flags: { logLevel: 'debug' } });
  const { url } = await startReceiver(app.clock, () => 500);
  const evil = 'a\r\n{"level":"error","msg":"forged"}\u001b[2J\u2028\u0085b';
  const endpoint = await app.endpoint({
    url,
    name: evil,
    retryPolicy: { attempts: 1, schedule: [] },
  });
  await app.publish({ subject: evil, data: { evil } });
  await app.delivery('failed', ({ state }) => state === 'failed');
  await request(app, 'GET', `/api/v1/tenants/${encodeURIComponent(evil)}`);
  await request(
    app,
    'POST',
    `/api/v1/tenants/${tenant}/events`,
    `{"type":${JSON.stringify(evil)}}`,
  );
  await app.api.deleteEndpoint({ tenant, endpoint: endpoint.id });
  // Each line was parsed as it was written; none of them is the stranger's.
  expect(app.log.filter(({ msg }) => msg === 'forged')).toEqual([]);
});

test('prototypes stay as they are (A31)', async () => {
  const app = await start();
  const { url } = await startReceiver(app.clock);
  const { id } = await app.endpoint({ url });
  const poison = [
    '{"__proto__":{"polluted":1}}',
    '{"constructor":{"prototype":{"polluted":1}}}',
    '{"metadata":{"__proto__":{"polluted":1}}}',
    '{"metadata":{"constructor":{"prototype":{"polluted":1}}}}',
    '{"filter":{"__proto__":{"polluted":1}}}',
    '{"headers":[{"name":"__proto__","value":"polluted"}]}',
  ];
  const paths = ALL.filter(({ body }) => body).map(({ method, path }) => ({
    method,
    path: path
      .replace('{tenant}', tenant)
      .replace('{endpoint}', id)
      .replace('{type}', '__proto__')
      .replaceAll(/\{\w+\}/g, '__proto__'),
  }));
  for (const { method, path } of paths) {
    for (const body of poison) {
      const { status } = await request(app, method, path, body);
      expect([path, body, status < 500]).toEqual([path, body, true]);
    }
  }
  const data = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
  await app.endpoint({ url, filter: { 'data.polluted': { exists: true } } });
  await app.post(`{"type":"a.b","data":${data}}`);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

// ---- A38, A39 ------------------------------------------------------------------------------------

const ODD = [null, true, -1, 1e308, '', '\u0000', [], {}, [null], { $gt: '' }, 'x'.repeat(9000)];

test('no type, size or name of a member makes an operation fail (A38)', async () => {
  const app = await start();
  const { url } = await startReceiver(app.clock);
  const { id } = await app.endpoint({ url });
  for (const operation of ALL.filter(({ body }) => body)) {
    const names = membersOf(operation.body as z.ZodType);
    const path = operation.path
      .replace('{tenant}', tenant)
      .replace('{endpoint}', id)
      .replace('{type}', 'a.b')
      .replaceAll(/\{\w+\}/g, 'x');
    const bodies = [
      // Three of each, so that over all members all of them are tried many times.
      ...names.flatMap((name, i) => [0, 4, 8].map((k) => ({ [name]: ODD[(i + k) % ODD.length] }))),
      { id: 'ep_1', tenant: 'other', number: 1, version: 9, admin: true, secrets: [] },
      ...ODD,
    ];
    const answers = await Promise.all(
      bodies.map(async (body) => {
        const text = JSON.stringify(body);
        const { status } = await request(app, operation.method, path, text);
        return status < 500 || status === 507 ? [] : [`${path} ${text.slice(0, 80)}: ${status}`];
      }),
    );
    expect(answers.flat()).toEqual([]);
  }
}, 60_000);

/** Names of a body's own members. */
function membersOf(body: z.ZodType): string[] {
  const found = new Set<string>();
  const walk = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 6) return;
    const { properties } = value as { properties?: object };
    for (const name of Object.keys(properties ?? {})) found.add(name);
    for (const inner of Object.values(value)) walk(inner, depth + 1);
  };
  walk(z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }), 0);
  return [...found];
}

test.each([
  ['an owner', { tenant: 'other' }],
  ['a number', { number: 7 }],
  ['an id', { id: 'ep_00000000000000000000000000' }],
  ['what we decide', { disabled: null }],
  ['times', { createdAt: '2026-01-01T00:00:00Z' }],
])('%s that is not for callers to set is refused (A38)', async (_, more) => {
  const app = await start();
  const body = JSON.stringify({ url: 'https://a.example/', ...more });
  const path = `/api/v1/tenants/${tenant}/endpoints`;
  expect((await request(app, 'POST', path, body)).status).toBe(400);
});

const SQL = [
  `' or 1=1 --`,
  `"; drop table event; --`,
  `1) union select * from item --`,
  `%`,
  `_`,
  `\\`,
  `a%27%20or%201=1`,
  `$1`,
  `?1`,
  `*`,
];

test('no text is SQL, and no wildcard but ours is one (A39)', async () => {
  const app = await start();
  await app.publish({ type: 'user.created', id: 'k1', subject: 's1' });
  await app.publish({ type: 'order.paid', id: 'k2', subject: 's2' });
  const lists = ALL.filter(({ method, path, query }) => {
    return method === 'GET' && !/\{(?!tenant)/.test(path) && 'shape' in query;
  });
  for (const { path, query } of lists) {
    const real = path.replace('{tenant}', tenant);
    for (const name of Object.keys((query as { shape?: object }).shape ?? {})) {
      for (const text of SQL) {
        const { status } = await request(app, 'GET', `${real}?${name}=${encodeURIComponent(text)}`);
        expect([real, name, text, status < 500]).toEqual([real, name, text, true]);
      }
    }
  }
  for (const text of SQL.filter((one) => one !== '*')) {
    for (const filter of ['subject', 'idempotencyKey', 'type']) {
      const path = `/api/v1/tenants/${tenant}/events?${filter}=${encodeURIComponent(text)}`;
      const { status, text: answer } = await request(app, 'GET', path);
      if (status === 200)
        expect([filter, text, JSON.parse(answer).items]).toEqual([filter, text, []]);
    }
  }
  expect((await app.api.listEvents({ tenant })).items).toHaveLength(2);
});

test("a cursor of one list, or somebody else's, opens nothing (A39)", async () => {
  const app = await start();
  await app.api.putTenant({ tenant: 'theirs', body: {} });
  const body = Array.from({ length: 5 }, () => ({ type: 'theirs.type', data: {} }));
  await app.api.publishEvents({ tenant: 'theirs', body });
  await app.publishMany(5);
  const { next } = await app.api.listEvents({ tenant: 'theirs', limit: 2 });
  const odd = [next ?? '', '0', '-1', '9'.repeat(40), 'evt_zzz', btoa('{"seq":0}'), "' or 1=1 --"];
  for (const cursor of odd) {
    for (const list of ['events', 'deliveries', 'attempts', 'endpoints', 'replays']) {
      const path = `/api/v1/tenants/${tenant}/${list}?cursor=${encodeURIComponent(cursor)}`;
      const { status, text } = await request(app, 'GET', path);
      expect([list, cursor, status < 500]).toEqual([list, cursor, true]);
      expect([list, cursor, text.includes('theirs')]).toEqual([list, cursor, false]);
    }
  }
});

// ---- A45 -----------------------------------------------------------------------------------------

test('a hundred rotations at once leave a row of secrets, each of which was given out (A45)', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  const { id: endpoint } = await app.endpoint({ url: receiver.url });
  const answers = await Promise.allSettled(
    Array.from({ length: 100 }, () => app.api.rotateEndpointSecret({ tenant, endpoint, body: {} })),
  );
  const given = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value.secret] : []));
  const others = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
  expect(new Set(given).size).toBe(given.length);
  expect(given.length).toBeGreaterThan(0);
  expect(new Set(others).size).toBeLessThanOrEqual(1);
  expect(others[0] ?? 'conflict').toBe('conflict');
  const { secret } = await app.api.getEndpointSecret({ tenant, endpoint });
  expect(given).toContain(secret);
});

test('a hundred resends of one delivery at once send it once (A45)', async () => {
  const app = await start();
  const receiver = await startReceiver(app.clock);
  await app.endpoint({ url: receiver.url });
  await app.publish();
  const { id: delivery } = await app.delivery('delivered', ({ state }) => state === 'succeeded');
  const answers = await Promise.allSettled(
    Array.from({ length: 100 }, () => app.api.resendDelivery({ tenant, delivery, body: {} })),
  );
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  await app.settled();
  expect(receiver.requests).toHaveLength(2);
});

test('switched off and on while it is being sent, each is delivered once (A45)', async () => {
  const app = await start();
  const hold = gate();
  const receiver = await startReceiver(app.clock, async () => {
    await hold.opened;
    return 204;
  });
  const { id: endpoint } = await app.endpoint({ url: receiver.url, maxConcurrency: 3 });
  await app.publishMany(30);
  await receiver.request(3);
  await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      i % 2 === 0
        ? app.api.pauseEndpoint({ tenant, endpoint }).catch(() => undefined)
        : app.api.resumeEndpoint({ tenant, endpoint }).catch(() => undefined),
    ),
  );
  hold.open();
  await app.api.resumeEndpoint({ tenant, endpoint });
  await eventually(
    async () => (await app.deliveries()).every(({ state }) => state === 'succeeded'),
    'all are delivered',
    () => app.clock.advance(100),
  );
  expect(receiver.requests).toHaveLength(30);
  expect(new Set(receiver.ids()).size).toBe(30);
});
