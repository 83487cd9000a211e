import { expect, test } from 'vitest';
import { ENDPOINT_DEFAULTS } from '../core/stored.ts';
import type { Store } from '../store/store.ts';
import { eventually, gate, reaches, start, startReceiver } from './harness.suite.ts';

const tenant = 'default';
const EVENT = '{"type":"a.b","data":1}';

/** The real store, whose ingest waits until `before` resolves. */
const holdIngest =
  (before: () => Promise<unknown>) =>
  (store: Store): Store => ({
    ...store,
    close: () => store.close(),
    lanes: new Proxy(store.lanes, {
      get(lanes, name: keyof Store['lanes']) {
        const method = lanes[name] as (...given: unknown[]) => Promise<unknown>;
        return async (...given: unknown[]) => {
          if (name === 'ingest') await before();
          return method.apply(lanes, given);
        };
      },
    }),
  });

test('a full queue is answered with 429 and Retry-After, and takes more once it is empty', async () => {
  const hold = gate();
  const app = await start({
    flags: { queueEvents: '3' },
    wrapStore: holdIngest(() => hold.opened),
  });
  const taken = [app.post(EVENT), app.post(EVENT), app.post(EVENT)];
  await eventually(
    async () => (await app.api.getMetrics()).includes('posthorn_ingest_queue_events 3\n'),
    'three wait',
  );
  const refused = await app.post(EVENT);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
  hold.open();
  const answers = await Promise.all(taken);
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
  expect((await app.post(EVENT)).status).toBe(202);
});

test('an endpoint created while an event was on its way to the store gets it', async () => {
  const steps: (() => Promise<unknown>)[] = [];
  const app = await start({ wrapStore: holdIngest(async () => steps.shift()?.()) });
  const receiver = await startReceiver(app.clock);
  steps.push(() => app.endpoint({ url: receiver.url }));
  expect(await app.publish()).toMatchObject({ deliveries: 1 });
  await receiver.request(1);
});

test('an event that is routed again and again is refused in the end, and not stored', async () => {
  let changes = 0;
  const app = await start({
    wrapStore: holdIngest(async () => {
      changes += 1;
      await app.endpoint({ url: receiver.url });
    }),
  });
  const receiver = await startReceiver(app.clock);
  const response = await app.post(EVENT);
  expect(response.status).toBe(503);
  expect(changes).toBeGreaterThan(3);
  expect((await app.api.listEvents({ tenant })).items).toEqual([]);
});

test('a stop answers what it took in', async () => {
  const hold = gate();
  const app = await start({ wrapStore: holdIngest(() => hold.opened) });
  const accepted = app.app.publisher.publish(tenant, [
    { type: 'a.b', data: Buffer.from('1'), raw: Buffer.from(EVENT) } as never,
  ]);
  const closed = app.close();
  hold.open();
  await closed;
  expect(await accepted).toMatchObject([{ duplicate: false }]);
});

test('10,001 endpoints: acknowledged at once, expanded after it, delivered everywhere', async () => {
  const COUNT = 10_001;
  // Few at once, so that a busy machine makes no attempt wait past its budget.
  const app = await start({ flags: { concurrency: '100' } });
  let arrived = 0;
  const paths = new Set<string>();
  const receiver = await startReceiver(app.clock, ({ path }) => {
    arrived += 1;
    paths.add(path);
    return 204;
  });
  const template = (await app.app.registry.endpoints.create(tenant, {
    ...ENDPOINT_DEFAULTS,
    name: '',
    description: '',
    url: `${receiver.url}0`,
    method: 'POST',
    headers: [],
    eventTypes: [],
    channels: [],
    scope: 'tenant',
    dialect: 'standard',
    enabled: true,
    rateLimit: null,
    maxConcurrency: null,
    ordering: 'none',
    timeoutMs: 30_000,
    retryPolicy: null,
    metadata: {},
  })) as { value: object };
  // Through the port and in one transaction: one by one takes longer than all that follows.
  const changes = Array.from({ length: COUNT - 1 }, (_, i) => {
    const id = `ep_${String(i).padStart(26, '0')}`;
    const value = { ...template.value, id, number: 0, url: `${receiver.url}${i + 1}` };
    return { kind: 'endpoint' as const, id, tenant, value, expected: 0 };
  });
  await app.app.store.config.put(changes, app.clock.now());
  expect(await app.publish()).toMatchObject({ deliveries: COUNT });
  await reaches(
    () => paths.size,
    COUNT,
    () => app.clock.advance(5),
  );
  expect(arrived).toBe(COUNT);
}, 60_000);
