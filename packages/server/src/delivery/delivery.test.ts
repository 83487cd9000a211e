import { describe, expect, test } from 'vitest';
import type { Store } from '../store/store.ts';
import {
  eventually,
  gate,
  passBy,
  type Received,
  reaches,
  start,
  startReceiver,
} from './harness.suite.ts';

const tenant = 'default';
const bodyOf = ({ body }: Received) => body.toString();

describe('an endpoint that is gone', () => {
  test('410 in one lane of an ordered endpoint stops its other lanes', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock, () => 410);
    await app.endpoint({ url: receiver.url, ordering: 'key', eventTypes: ['a.b'] });
    await app.publish({ orderingKey: 'a' });
    await eventually(async () => (await app.attempts()).length === 1, 'logged');
    await app.publishMany(16, (i) => ({ orderingKey: `b${i}` }));
    app.clock.advance(1000);
    await passBy(app);
    expect(receiver.requests).toHaveLength(1);
  });
});

describe('what an owner decides', () => {
  test('enabled: false is not matched, also later', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock);
    const { id } = await app.endpoint({
      url: receiver.url,
      enabled: false,
      eventTypes: ['a.b'],
    });
    expect((await app.publish()).deliveries).toBe(0);
    await app.update(id, { enabled: true });
    const { id: second } = await app.publish();
    await receiver.request(1);
    await passBy(app);
    expect(receiver.ids()).toEqual([second]);
  });
});

describe('isolation', () => {
  test('an endpoint that hangs with 1,000 pending keeps nothing from 50 others', async () => {
    const app = await start({ flags: { concurrency: '40' } });
    const never = gate();
    const hanging = await startReceiver(app.clock, async () => {
      await never.opened;
      return 204;
    });
    const receiver = await startReceiver(app.clock);
    await app.endpoint({ url: hanging.url, eventTypes: ['hang'] });
    for (let i = 0; i < 50; i++) {
      await app.endpoint({ url: `${receiver.url}${i}`, eventTypes: ['go'] });
    }
    for (let i = 0; i < 10; i++) await app.publishMany(100, () => ({ type: 'hang' }));
    await hanging.request(16);
    await app.publishMany(10, () => ({ type: 'go' }));
    await eventually(() => receiver.requests.length === 500, 'all others arrive');
    expect(hanging.requests).toHaveLength(16);
    never.open();
  });
});

/** A store in a thread of its own: outcomes are stored while a fetch is on its way back. */
function slowFetch(store: Store): Store {
  const fetch: Store['lanes']['fetch'] = async (cursors, now) => {
    const rows = await store.lanes.fetch(cursors, now);
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    return rows;
  };
  const lanes = new Proxy(store.lanes, {
    get: (target, name: keyof Store['lanes']) =>
      name === 'fetch' ? fetch : target[name].bind(target),
  });
  return { ...store, lanes, close: () => store.close() };
}

describe('exactly once without faults', () => {
  test('6,000 deliveries to slow, disordered and failing receivers: all arrive, none twice', async () => {
    const app = await start({ wrapStore: slowFetch });
    const owed = new Map<string, Set<string>>();
    const count = { requests: 0, first: 0, refused: 0 };
    const receiver = await startReceiver(app.clock, async ({ path, id, n }) => {
      count.requests += 1;
      if (n === 1) count.first += 1;
      // Answers in another order than requests come, some after a refusal.
      if (Math.random() < 0.2) await new Promise((resolve) => setImmediate(resolve));
      // Those with one request at a time fall behind, so that their lanes' buffers overflow.
      if (Number(path.slice(1)) % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      if (n === 1 && Math.random() < 0.03) {
        count.refused += 1;
        return 500;
      }
      if (!owed.get(id)?.delete(path)) surplus.push(`${path} ${id}`);
      return 204;
    });
    const surplus: string[] = [];
    const names = Array.from({ length: 12 }, (_, i) => `/${i}`);
    for (const [i, name] of names.entries()) {
      await app.endpoint({
        url: receiver.url + name.slice(1),
        // Endpoint i listens to types t0 … ti: the fan-out of tk is 12 - k.
        eventTypes: names.slice(0, i + 1).map((_, k) => `t.${k}`),
        maxConcurrency: [1, 4, 16, 64][i % 4] as number,
        // The longest, because a timeout is a fault, and a busy machine must not make any.
        timeoutMs: 30_000,
        retryPolicy: { schedule: [1, 2, 4], jitter: 0.2 },
      });
    }
    let deliveries = 0;
    const produce = async () => {
      while (deliveries < 6_000) {
        const types = Array.from({ length: 25 }, () => Math.floor(Math.random() ** 2 * 12));
        // The ids are ours, so that what is owed is known before the first request.
        const events = types.map((k) => ({ id: crypto.randomUUID(), type: `t.${k}` }));
        deliveries += types.reduce((sum, k) => sum + 12 - k, 0);
        const accepted = await app.publishMany(25, (i) => events[i] ?? {});
        for (const [i, { id }] of accepted.entries()) {
          const early = new Set(surplus.filter((s) => s.endsWith(id)).map((s) => s.split(' ')[0]));
          const paths = names.slice(types[i]);
          owed.set(id, new Set(paths.filter((path) => !early.has(path))));
          for (const path of early) surplus.splice(surplus.indexOf(`${path} ${id}`), 1);
        }
      }
    };
    await Promise.all([produce(), produce(), produce(), produce()]);
    // No time passes: what is not found now would only be found by looking again later.
    await reaches(() => count.first, deliveries);
    await reaches(
      () => count.requests - count.refused,
      deliveries,
      () => app.clock.advance(20),
    );
    await eventually(async () => {
      const text = await app.api.getMetrics();
      return text.includes('posthorn_deliveries_pending 0\n');
    }, 'nothing is owed');
    const why = surplus.slice(0, 3).map(async (one) => {
      const event = one.split(' ')[1] as `evt_${string}`;
      const { items } = await app.api.listAttempts({ tenant, event });
      return { one, faults: items.flatMap(({ fault, detail }) => (fault ? [fault, detail] : [])) };
    });
    expect(await Promise.all(why)).toEqual([]);
    expect([...owed.values()].filter((left) => left.size > 0)).toEqual([]);
    expect(count.requests).toBe(deliveries + count.refused);
  }, 60_000);
});

describe('poison (F23)', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  const event = (data: string) => `{"type":"a.b","data":${data}}`;

  test.each([
    ['a NUL escape', '"\\u0000"'],
    ['lone surrogate escapes', '"\\ud800 \\udfff"'],
    ['__proto__', '{"__proto__":{"polluted":true},"constructor":{"prototype":1}}'],
    ['a number beyond doubles', '[1e400,-0,1.0,123456789012345678901234567890]'],
    ['duplicate keys in the data', '{"a":1,"a":2}'],
    ['white space', '{ "a" :\t[ 1 , 2 ]\r\n}'],
    ['an empty string', '""'],
    ['null', 'null'],
    ['60 levels', nested(60)],
  ])('%s is delivered byte for byte', async (_, data) => {
    const app = await start();
    const receiver = await startReceiver(app.clock);
    await app.endpoint({ url: receiver.url });
    expect((await app.post(event(data))).status).toBe(202);
    const got = bodyOf(await receiver.request(1));
    expect(got.slice(got.indexOf('"data":') + 7, -1)).toBe(data);
  });

  test.each([
    ['4,200 levels', event(nested(4200))],
    ['100,000 levels', event(nested(100_000))],
    ['10 MB', event(`"${'x'.repeat(10_000_000)}"`)],
    ['a raw NUL', event('"\0"')],
    ['duplicate keys in the envelope', '{"type":"a.b","type":"c.d","data":1}'],
    ['a byte order mark', `\ufeff${event('1')}`],
    ['invalid UTF-8', Buffer.from(event('"\xff\xfe"'), 'latin1')],
    ['nothing', ''],
    ['no JSON', '{"type":'],
  ])('%s is refused, and what comes behind it is delivered', async (_, body) => {
    const app = await start();
    const receiver = await startReceiver(app.clock);
    await app.endpoint({ url: receiver.url });
    const { status } = await app.post(body);
    expect([400, 413]).toContain(status);
    const { id } = await app.publish();
    expect((await receiver.request(1)).id).toBe(id);
  });
});
