import { ApiError, type LiveEvent } from '@posthorn/api';
import { expect, onTestFinished, test } from 'vitest';
import { slotOf } from '../core/routing.ts';
import { type Harness, startServer } from './harness.suite.ts';

/** The live feed over the memory store: attempts are logged as delivery would. */

const tenant = 'default';

interface World {
  readonly server: Harness;
  /** Logs `count` successful attempts of an endpoint. */
  attempt(count?: number, type?: string): Promise<void>;
}

async function world(overrides: Parameters<typeof startServer>[0] = {}): Promise<World> {
  const server = await startServer(overrides);
  const { store, admin } = server;
  const body = { url: 'https://example.com/hooks' };
  const { id } = await admin.createEndpoint({ tenant, body });
  const node = await store.lanes.join({ name: '', version: '' }, 1e9, 0);
  return {
    server,
    async attempt(count = 1, type = 'a.b') {
      await admin.publishEvents({
        tenant,
        body: Array.from({ length: count }, () => ({ type, data: {} })),
      });
      const now = server.clock.now + 1000;
      await store.lanes.acquire(node, 10, now);
      const lane = 16;
      const cursor = { slot: slotOf(tenant), lane, after: undefined, limit: count };
      const due = await store.lanes.fetch([cursor], now);
      const results = due.map((key) => result(key, { endpoint: id, type }));
      await store.lanes.complete(node, { results, release: [] }, now);
      server.tellLogged();
    },
  };
}

type Lanes = World['server']['store']['lanes'];
type Result = Parameters<Lanes['complete']>[1]['results'][number];

function result(key: Result['key'], about: { endpoint: string; type: string }): Result {
  const bytes = new Uint8Array();
  const timings = { dnsMs: 0, connectMs: 0, tlsMs: 0, firstByteMs: 0, totalMs: 1 };
  return {
    key,
    next: { kind: 'succeeded' },
    disable: undefined,
    notices: undefined,
    attempt: {
      ...about,
      endpoint: about.endpoint as never,
      tenant,
      n: 1,
      startedAt: Date.now(),
      timings,
      status: 200,
      fault: undefined,
      detail: '',
      remoteAddress: undefined,
      method: 'POST',
      url: 'https://example.com/hooks',
      requestHead: bytes,
      body: { kind: 'full', bytes },
      responseHead: bytes,
      responseBody: bytes,
      responseTruncated: false,
      secretHeads: false,
      afterCrash: false,
    },
  };
}

/** What a follower is told, until the test ends. */
function follow(server: Harness, input: { after?: string; type?: string } = {}, key?: string) {
  const end = new AbortController();
  onTestFinished(() => end.abort());
  const client = server.client(key ?? server.adminKey);
  const feed = client.followLive({ tenant, ...input }, { signal: end.signal, reconnect: false });
  const next = async (): Promise<LiveEvent | undefined> => (await feed.next()).value ?? undefined;
  return {
    next,
    /** The next one of that kind. */
    async until<K extends LiveEvent['kind']>(kind: K): Promise<LiveEvent & { kind: K }> {
      for (let event = await next(); event; event = await next()) {
        if (event.kind === kind) return event as LiveEvent & { kind: K };
      }
      throw new Error(`the feed ended without ${kind}`);
    },
  };
}

test('what is attempted and what is changed is told as it happens', async () => {
  const { server, attempt } = await world();
  const feed = follow(server);
  expect(await feed.next()).toMatchObject({ kind: 'ready' });
  await attempt();
  const told = await feed.until('attempt');
  const { items } = await server.admin.listAttempts({ tenant });
  expect(told.attempt).toEqual(items[0]);
  const { id } = await server.admin.createEndpoint({
    tenant,
    body: { url: 'https://example.com/' },
  });
  expect(await feed.until('change')).toMatchObject({ of: 'endpoint', id, deleted: false });
  await server.admin.deleteEndpoint({ tenant, endpoint: id });
  expect(await feed.until('change')).toMatchObject({ of: 'endpoint', id, deleted: true });
});

test('a follower resumes after the message it saw last, and misses and repeats nothing', async () => {
  const { server, attempt } = await world();
  const feed = follow(server);
  await feed.next();
  await attempt(5);
  const seen = [await feed.until('attempt'), await feed.until('attempt')];
  await attempt(300);
  const again = follow(server, { after: seen[1]?.cursor ?? '' });
  expect(await again.next()).toMatchObject({ kind: 'ready' });
  for (let i = 2; i < 305; i++) seen.push(await again.until('attempt'));
  const ids = seen.map((event) => (event as { attempt: { id: string } }).attempt.id);
  expect(new Set(ids).size).toBe(305);
  expect(ids).toEqual([...ids].sort((a, b) => (a < b ? -1 : 1)));
});

test('changes that were made meanwhile are told on return', async () => {
  const { server } = await world();
  const feed = follow(server);
  const { cursor = '' } = (await feed.next()) ?? {};
  const { id } = await server.admin.createEndpoint({
    tenant,
    body: { url: 'https://example.com/' },
  });
  const again = follow(server, { after: cursor });
  expect(await again.until('change')).toMatchObject({ id });
});

test('a place that is no longer known is stated as a gap', async () => {
  const { server, attempt } = await world();
  for (const after of ['999.0', 'nonsense']) {
    const feed = follow(server, { after });
    expect(await feed.until('gap')).toMatchObject({ reason: 'removed' });
    await attempt();
    expect(await feed.until('attempt')).toBeDefined();
  }
});

test('filters are about attempts', async () => {
  const { server, attempt } = await world();
  const feed = follow(server, { type: 'b.*' });
  await feed.next();
  await attempt(1, 'a.b');
  await attempt(1, 'b.c');
  expect((await feed.until('attempt')).attempt.type).toBe('b.c');
});

test('one tenant is told nothing of another', async () => {
  const { server, attempt } = await world();
  await server.admin.putTenant({ tenant: 'other', body: {} });
  const key = await server.key('other', ['read']);
  const client = server.client(key);
  const end = new AbortController();
  onTestFinished(() => end.abort());
  const feed = client.followLive({ tenant: 'other' }, { signal: end.signal, reconnect: false });
  expect((await feed.next()).value).toMatchObject({ kind: 'ready' });
  await attempt(3);
  await server.admin.putTenant({ tenant: 'other', body: { name: 'Other' } });
  expect((await feed.next()).value).toMatchObject({ kind: 'change', of: 'tenant', id: 'other' });
});

test('the head keeps proxies from collecting the stream', async () => {
  const { server } = await world();
  const response = await fetch(`${server.url}/api/v1/tenants/default/live`, {
    headers: { authorization: `Bearer ${server.adminKey}` },
  });
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
  });
  await response.body?.cancel();
});

test('a key has a bounded number of connections, and one that closes makes room', async () => {
  const { server } = await world();
  const key = await server.key(tenant, ['read']);
  const feeds = Array.from({ length: 10 }, () => follow(server, {}, key));
  for (const feed of feeds) expect(await feed.next()).toMatchObject({ kind: 'ready' });
  const refused = await follow(server, {}, key)
    .next()
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ApiError);
  expect(refused).toMatchObject({ code: 'overloaded', status: 429, retryAfterS: 5 });
  expect((refused as ApiError).message).toContain('10 live connections');
  expect(await follow(server).next()).toMatchObject({ kind: 'ready' });
});

test('a key that is deleted ends its connections with the reason', async () => {
  const { server } = await world();
  const { id, key } = await server.admin.createKey({
    body: { name: '', tenant, scopes: ['read'] },
  });
  const feed = follow(server, {}, key);
  await feed.next();
  await server.admin.deleteKey({ key: id });
  expect(await feed.until('bye')).toMatchObject({ reason: 'unauthorized' });
  expect(await feed.next()).toBeUndefined();
});

test('a server that stops says so and does not wait for its followers', async () => {
  const { server } = await world();
  const feed = follow(server);
  await feed.next();
  const closed = server.close(10_000);
  expect(await feed.until('bye')).toMatchObject({ reason: 'shutting_down' });
  await closed;
});

test('a store that fails ends a connection with the reason', async () => {
  const { server } = await world({
    log: { tail: () => Promise.reject(new Error('gone')) } as never,
  });
  const feed = follow(server);
  expect(await feed.next()).toMatchObject({ kind: 'bye', reason: 'store_unavailable' });
  expect(server.logged.map(({ level }) => level)).toContain('warn');
});
