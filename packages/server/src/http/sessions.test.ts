import { ApiError, type Client } from '@posthorn/api';
import { expect, test } from 'vitest';
import { type Harness, startServer } from './harness.suite.ts';

const HOUR_MS = 3_600_000;

async function refusal(promise: Promise<unknown>): Promise<[number, string | undefined]> {
  const error = await promise.then(
    () => new Error('it was not refused'),
    (err: unknown) => err,
  );
  if (!(error instanceof ApiError)) throw error;
  return [error.status, error.code];
}

function tokenOf(url: string): string {
  return new URL(url).hash.slice(1);
}

/** Opens a link as the page does: nobody is signed in yet. */
async function open(server: Harness, url: string) {
  const nobody = server.client('nothing');
  const opened = await nobody.openSession({ body: { token: tokenOf(url) } });
  return { ...opened, client: server.client(opened.bearer) };
}

async function portal(server: Harness, role: 'read' | 'write') {
  const link = await server.admin.createPortalSession({ tenant: 'default', body: { role } });
  return open(server, link.url);
}

async function endpointOf(client: Client) {
  const body = { url: 'https://example.com/hooks' };
  return client.createEndpoint({ tenant: 'default', body });
}

test('a login link signs one operator in, once', async () => {
  const server = await startServer();
  const link = await server.admin.createLoginLink();
  expect(link.url).toMatch(/^https:\/\/hooks\.example\.com\/dashboard\/#phl_[\w-]+$/);
  const { client, tenant, scopes } = await open(server, link.url);
  expect([tenant, scopes]).toEqual([null, ['admin']]);
  expect((await client.listTenants()).items).toHaveLength(1);
  expect(await refusal(open(server, link.url))).toEqual([401, 'unauthorized']);
});

test('of two who open a link at once, one is let in', async () => {
  const server = await startServer();
  const { url } = await server.admin.createLoginLink();
  const results = await Promise.allSettled([open(server, url), open(server, url)]);
  expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('a link waits for an hour, an operator stays for seven days', async () => {
  const server = await startServer();
  const late = await server.admin.createLoginLink();
  const { client } = await open(server, (await server.admin.createLoginLink()).url);
  server.clock.now += HOUR_MS;
  expect(await refusal(open(server, late.url))).toEqual([401, 'unauthorized']);
  server.clock.now += 7 * 24 * HOUR_MS - HOUR_MS - 1;
  expect((await client.getCurrentSession()).tenant).toBeNull();
  server.clock.now += 1;
  expect(await refusal(client.getCurrentSession())).toEqual([401, 'unauthorized']);
});

test('the token of a link is no bearer, and the bearer of a session opens nothing', async () => {
  const server = await startServer();
  const { url } = await server.admin.createLoginLink();
  const asBearer = server.client(tokenOf(url));
  expect(await refusal(asBearer.getCurrentSession())).toEqual([401, 'unauthorized']);
  const { bearer } = await open(server, url);
  const forged = bearer.replace('phs_', 'phl_');
  const attempt = server.client('x').openSession({ body: { token: forged } });
  expect(await refusal(attempt)).toEqual([401, 'unauthorized']);
});

test('a key is exchanged for a session with its rights, which ends with the key', async () => {
  const server = await startServer();
  const key = await server.admin.createKey({ body: { tenant: 'default', scopes: ['read'] } });
  const { bearer } = await server.client(key.key).createSession();
  const client = server.client(bearer);
  expect(await client.getCurrentSession()).toMatchObject({ tenant: 'default', scopes: ['read'] });
  expect(await refusal(endpointOf(client))).toEqual([403, 'forbidden']);
  await server.admin.deleteKey({ key: key.id });
  expect(await refusal(client.getCurrentSession())).toEqual([401, 'unauthorized']);
});

test.each(['read', 'write'] as const)(
  'a portal session with the role %s sees its tenant and nothing else',
  async (role) => {
    const server = await startServer();
    await server.admin.putTenant({ tenant: 'other', body: {} });
    const { client } = await portal(server, role);
    expect((await client.listEndpoints({ tenant: 'default' })).items).toEqual([]);
    expect(await refusal(client.listEndpoints({ tenant: 'other' }))).toEqual([404, 'not_found']);
    expect(await refusal(client.listTenants())).toEqual([403, 'forbidden']);
    expect(await refusal(client.listKeys())).toEqual([403, 'forbidden']);
    const made = endpointOf(client).then(
      () => 201,
      (err: ApiError) => err.status,
    );
    expect(await made).toBe(role === 'write' ? 201 : 403);
  },
);

test('a portal session lasts an hour and cannot make another one', async () => {
  const server = await startServer();
  const { client } = await portal(server, 'write');
  const more = [
    client.createPortalSession({ tenant: 'default', body: {} }),
    client.createSession(),
    client.createLoginLink(),
  ];
  for (const one of more) expect(await refusal(one)).toEqual([403, 'forbidden']);
  server.clock.now += HOUR_MS;
  expect(await refusal(client.getCurrentSession())).toEqual([401, 'unauthorized']);
});

test('a portal session shows how its tenant wants to look', async () => {
  const server = await startServer();
  const theme = { color: '#c2410c', scheme: 'dark', radius: 8 } as const;
  const body = { portal: { title: 'Acme webhooks', theme } };
  await server.admin.putTenant({ tenant: 'default', body });
  const own = await portal(server, 'read');
  expect(await own.client.getCurrentSession()).toMatchObject({ title: 'Acme webhooks', theme });
  const light = { ...theme, scheme: 'light' } as const;
  const link = await server.admin.createPortalSession({
    tenant: 'default',
    body: { theme: light },
  });
  const session = await open(server, link.url);
  expect((await session.client.getCurrentSession()).theme).toEqual(light);
});

test('who signs out, is revoked or deleted with its tenant is out at once', async () => {
  const server = await startServer();
  const out = await open(server, (await server.admin.createLoginLink()).url);
  await out.client.deleteCurrentSession();
  expect(await refusal(out.client.getCurrentSession())).toEqual([401, 'unauthorized']);

  const revoked = await portal(server, 'read');
  await server.admin.deletePortalSession({ tenant: 'default', session: revoked.id });
  expect(await refusal(revoked.client.getCurrentSession())).toEqual([401, 'unauthorized']);

  await server.admin.putTenant({ tenant: 'gone', body: {} });
  const link = await server.admin.createPortalSession({ tenant: 'gone', body: {} });
  const { client } = await open(server, link.url);
  await server.admin.deleteTenant({ tenant: 'gone' });
  expect(await refusal(client.getCurrentSession())).toEqual([401, 'unauthorized']);
});

test('lists show what has not ended: links and sessions, of a tenant and of all', async () => {
  const server = await startServer();
  await server.admin.putTenant({ tenant: 'other', body: {} });
  await server.admin.createLoginLink();
  const { id, client } = await portal(server, 'write');
  await server.admin.createPortalSession({ tenant: 'other', body: {} });
  expect((await server.admin.listSessions()).items).toHaveLength(3);
  const mine = await client.listPortalSessions({ tenant: 'default' });
  expect(mine.items.map((session) => [session.id, session.opened])).toEqual([[id, true]]);
  const foreign = client.deletePortalSession({
    tenant: 'default',
    session: (await server.admin.listSessions({ tenant: 'other' })).items[0]?.id ?? id,
  });
  expect(await refusal(foreign)).toEqual([404, 'not_found']);
  server.clock.now += HOUR_MS;
  expect((await server.admin.listSessions()).items).toEqual([]);
});

test('a tenant has at most a hundred sessions: the oldest ends', async () => {
  const server = await startServer();
  const first = await portal(server, 'read');
  const second = await portal(server, 'read');
  for (let i = 0; i < 99; i++) {
    await server.admin.createPortalSession({ tenant: 'default', body: {} });
  }
  expect(await refusal(first.client.getCurrentSession())).toEqual([401, 'unauthorized']);
  expect((await second.client.getCurrentSession()).tenant).toBe('default');
});

test('ended sessions are forgotten when the next one is made', async () => {
  const server = await startServer();
  await portal(server, 'read');
  server.clock.now += HOUR_MS;
  await portal(server, 'read');
  const page = { tenant: 'default', limit: 10, after: undefined };
  expect((await server.store.config.list('session', page)).items).toHaveLength(1);
});

test.each([
  'https://a.example; script-src *',
  "'self'",
  '*',
  'javascript:alert(1)',
  'https://a.example/path',
])('a tenant cannot let %j embed the portal', async (origin) => {
  const server = await startServer();
  const body = { portal: { frameAncestors: [origin] } };
  const put = server.admin.putTenant({ tenant: 'default', body });
  expect(await refusal(put)).toEqual([400, 'invalid_request']);
});

test('without a dashboard no links to it are made', async () => {
  const server = await startServer({ dashboard: undefined });
  const conflict = [409, 'conflict'];
  expect(await refusal(server.admin.createLoginLink())).toEqual(conflict);
  expect(await refusal(server.admin.createSession())).toEqual(conflict);
  const create = server.admin.createPortalSession({ tenant: 'default', body: {} });
  expect(await refusal(create)).toEqual(conflict);
});
