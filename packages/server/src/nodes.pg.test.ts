import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { CHUNK_BYTES_MAX } from './inbox/frames.ts';
import { ADMIN_KEY, listen, receiver, startNode, type TestNode, until } from './nodes.suite.ts';
import { hasPostgres, needing, TestPostgres } from './store/postgres/cluster.suite.ts';

/** Two nodes on one PostgreSQL: what happens on one is seen, and answered, on the other. */

const tenant = 'default';
const live = (waitMs: number) =>
  ({ kind: 'live', waitMs, fallback: { status: 202, body: 'nobody' } }) as const;

describe.skipIf(!hasPostgres)(needing('two nodes'), () => {
  const postgres = new TestPostgres();

  async function twoNodes(): Promise<[TestNode, TestNode]> {
    const url = await postgres.database();
    return [await startNode(url), await startNode(url)];
  }

  async function shop(waitMs = 5000) {
    const [a, b] = await twoNodes();
    const inbox = await a.api.createInbox({ tenant, body: { name: 'shop', answer: live(waitMs) } });
    // At once: that it was made elsewhere makes no difference.
    expect((await fetch(`${b.url}/in/shop/before`)).status).toBe(202);
    return { a, b, inbox };
  }

  test('the nth request of a rule is the nth on all nodes, and the first again after a change', async () => {
    const { a, b, inbox } = await shop();
    const reply = (status: number) => ({ kind: 'reply', status }) as const;
    let ids: string[] = [];
    const change = async (mark: number) => {
      const rules = [
        { when: { path: '/pay', nth: { to: 2 } }, answer: reply(503) },
        { when: { path: '/mark' }, answer: reply(mark) },
      ];
      const body = { rules: rules.map((rule, i) => ({ ...rule, id: ids[i] })) };
      const put = await a.api.putInboxRules({ tenant, inbox: inbox.id, body });
      ids = put.rules.map(({ id }) => id);
      const marked = async () => (await fetch(`${b.url}/in/shop/mark`)).status === mark;
      await until('the other node knows', marked);
    };
    const pay = async () => {
      const all: number[] = [];
      for (const { url } of [a, b, b, a]) all.push((await fetch(`${url}/in/shop/pay`)).status);
      return all;
    };
    await change(418);
    expect(await pay()).toEqual([503, 503, 202, 202]);
    await change(420);
    expect((await fetch(`${a.url}/in/shop/pay`)).status).toBe(503);
  });

  test('what comes in at one node is at a listener of another within 50 ms', async () => {
    const { a, b } = await shop();
    const { send, next } = await listen(a, 'shop', { responder: false });
    const took: number[] = [];
    for (let i = 0; i < 12; i++) {
      const body = randomBytes(100 + i);
      const answered = await fetch(`${b.url}/in/shop/x?n=${i}`, { method: 'POST', body });
      expect(answered.status).toBe(202);
      const at = performance.now();
      const open = await next('open');
      took.push(performance.now() - at);
      expect(open.head).toMatchObject({ path: `/x?n=${i}`, method: 'POST', liveMs: 0 });
      expect(Buffer.from(open.bytes)).toEqual(Buffer.from(body));
      const { seq } = open.head;
      send({ type: 'ack', results: [{ seq, status: 200, ms: 1, error: null, truncated: false }] });
    }
    // Of the quicker ones: a busy machine delays any of them.
    took.sort((x, y) => x - y);
    expect(took[2]).toBeLessThan(50);
  });

  test('a listener on one node answers a sender who waits at another, byte for byte', async () => {
    const { a, b, inbox } = await shop();
    const { send, next } = await listen(a, 'shop');
    const body = randomBytes(5 * CHUNK_BYTES_MAX + 17);
    const asked = fetch(`${b.url}/in/shop/ask`, { method: 'PUT', body: 'question' });
    const open = await next('open');
    expect(open.head.liveMs).toBeGreaterThan(1000);
    const { stream } = open;
    const head = { status: 418, headers: ['X-Pot', 'tea', 'Content-Type', 'application/x-tea'] };
    send({ type: 'answer', stream, head, bytes: body.subarray(0, 10), end: false });
    for (let at = 10; at < body.length; at += CHUNK_BYTES_MAX) {
      const bytes = body.subarray(at, at + CHUNK_BYTES_MAX);
      send({ type: 'data', stream, bytes, end: at + bytes.length === body.length });
    }
    const { seq } = open.head;
    send({ type: 'ack', results: [{ seq, status: 418, ms: 7, error: null, truncated: false }] });
    const answer = await asked;
    expect(answer.status).toBe(418);
    expect(answer.headers.get('x-pot')).toBe('tea');
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(body);
    const exchanges = await until('the exchange is logged', async () => {
      const { items } = await b.api.listCaptures({ tenant, inbox: inbox.id });
      return items[0]?.exchanges === 1 && items[0];
    });
    expect(exchanges).toMatchObject({ answeredBy: 'live', status: 418, method: 'PUT' });
  });

  test('who can answer and does not in time lets the sender have the fallback', async () => {
    const { a, b } = await shop(400);
    const { next } = await listen(a, 'shop');
    const asked = fetch(`${b.url}/in/shop/ask`);
    expect((await next('open')).head.liveMs).toBeGreaterThan(0);
    const answer = await asked;
    expect([answer.status, await answer.text()]).toEqual([202, 'nobody']);
  });

  test('a local server that refuses makes the sender wait no longer', async () => {
    const { a, b } = await shop(8000);
    const { send, next } = await listen(a, 'shop');
    const at = performance.now();
    const asked = fetch(`${b.url}/in/shop/ask`);
    const { head } = await next('open');
    expect(head.liveMs).toBeGreaterThan(4000);
    send({ type: 'nack', seq: head.seq, reason: 'refused', holdMs: 0 });
    expect((await asked).status).toBe(202);
    expect(performance.now() - at).toBeLessThan(4000);
  });

  test('a listener that leaves one node goes on at another where it stopped', async () => {
    const { a, b } = await shop();
    const first = await listen(a, 'shop', { responder: false });
    await fetch(`${b.url}/in/shop/1`);
    const { head } = await first.next('open');
    first.send({
      type: 'ack',
      results: [{ seq: head.seq, status: 200, ms: 1, error: null, truncated: false }],
    });
    first.send({ type: 'bye' });
    await once(first.socket, 'close');
    await fetch(`${a.url}/in/shop/2`);
    const second = await listen(b, 'shop', { responder: false, takeOver: true });
    expect((await second.next('open')).head.path).toBe('/2');
  });

  test('a replay to a listener of another node is refused, and says where it listens', async () => {
    const { a, b, inbox } = await shop();
    await fetch(`${a.url}/in/shop/1`);
    await listen(a, 'shop');
    const { items } = await b.api.listCaptures({ tenant, inbox: inbox.id });
    const capture = items[0]?.id ?? 'cap_';
    const body = { to: { listener: 'laptop' } } as const;
    const replay = b.api.replayCapture({ tenant, inbox: inbox.id, capture, body });
    await expect(replay).rejects.toThrow(/laptop listens at another node/);
  });

  test('the live feed of a node shows what another one sent', async () => {
    const [a, b] = await twoNodes();
    const { url, got } = await receiver();
    await a.api.createEndpoint({ tenant, body: { url } });
    const end = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const message of b.api.followLive({ tenant }, { signal: end.signal })) {
        if (message.kind === 'attempt') seen.push(message.attempt.event);
        if (seen.length === 5) return;
      }
    })();
    const events: string[] = [];
    for (let i = 0; i < 5; i++) {
      const body = { type: 'a.b', data: { i } };
      const [accepted] = [await a.api.publishEvents({ tenant, body })].flat();
      events.push(accepted?.id ?? '');
    }
    await following;
    end.abort();
    expect(seen.sort()).toEqual(events.sort());
    expect(got.ids.length).toBe(5);
  });

  test('a node refuses what its roles leave to others, and the rest works across them', async () => {
    const database = await postgres.database();
    const [api, inbox, worker] = await Promise.all([
      startNode(database, { roles: 'api' }),
      startNode(database, { roles: 'inbox' }),
      startNode(database, { roles: 'deliver,maintain' }),
    ]);
    const codeOf = async (url: string) => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
      const { code } = (await answer.json().catch(() => ({}))) as { code?: string };
      return code ?? answer.status;
    };
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      for (const { url } of [api, inbox, worker]) expect(await codeOf(`${url}${path}`)).toBe(200);
    }
    for (const path of ['/api/v1/nodes', '/dashboard/', '/openapi.json', '/']) {
      expect(await codeOf(`${inbox.url}${path}`)).toBe('misdirected');
      expect(await codeOf(`${worker.url}${path}`)).toBe('misdirected');
    }
    for (const path of ['/in/shop', '/_t', '/shared/x']) {
      expect(await codeOf(`${api.url}${path}`)).toBe('misdirected');
      expect(await codeOf(`${worker.url}${path}`)).toBe('misdirected');
    }
    await expect(listen(api, 'shop')).rejects.toThrow('421');

    const { items } = await api.api.listNodes({});
    expect(items.map(({ roles }) => roles.join()).sort()).toEqual([
      'api',
      'deliver,maintain',
      'inbox',
    ]);
    await api.api.createInbox({ tenant, body: { name: 'shop', answer: live(5000) } });
    const { next } = await listen(inbox, 'shop', { responder: false });
    expect((await fetch(`${inbox.url}/in/shop/a`)).status).toBe(202);
    expect((await next('open')).head.path).toBe('/a');
    const { url, got } = await receiver();
    const { id } = await api.api.createEndpoint({ tenant, body: { url } });
    await api.api.publishEvents({ tenant, body: { type: 'a.b', data: 1 } });
    await until('it is delivered', () => got.ids.length === 1);
    const counted = await until('it is counted', async () => {
      const stats = await api.api.getEndpointStats({ tenant, endpoint: id });
      return stats.total.deliveries.succeeded === 1;
    });
    expect(counted).toBe(true);
  });

  test('a job that is started on one node is done once, whoever does it', async () => {
    const database = await postgres.database();
    const [a, b] = await Promise.all([
      startNode(database),
      startNode(database),
      startNode(database),
    ]);
    const { url, got } = await receiver();
    const { id } = await a.api.createEndpoint({ tenant, body: { url } });
    const events = Array.from({ length: 60 }, (_, i) => ({ type: 'a.b', data: i }));
    await a.api.publishEvents({ tenant, body: events });
    await until('all are delivered', () => got.ids.length === 60);
    await until(
      'all are settled',
      async () => (await a.app.store.log.stats(Date.now())).pending === 0,
    );
    const job = await b.api.startReplay({ tenant, body: { endpoints: [id], only: 'all' } });
    if (!('id' in job)) throw new Error('it was only counted');
    await until('it is done', async () => {
      const { state } = await a.api.getReplay({ tenant, job: job.id });
      return state === 'done';
    });
    await until('all are delivered again', () => got.ids.length >= 120);
    await until(
      'all are settled',
      async () => (await a.app.store.log.stats(Date.now())).pending === 0,
    );
    expect(got.ids.length).toBe(120);
  });
});
