import { describe, expect, test } from 'vitest';
import { type LaneStore, type Store, StoreError } from '../store/store.ts';
import {
  crashed,
  eventually,
  gate,
  type Harness,
  type Received,
  start,
  startReceiver,
} from './harness.suite.ts';

const tenant = 'default';

describe('drain', () => {
  test('past its limit what is in flight is aborted, logged, and sent by the next start', async () => {
    const app = await start({ flags: { drain: '1s' } });
    const hold = gate();
    const receiver = await startReceiver(app.clock, async () => {
      await hold.opened;
      return 204;
    });
    await app.endpoint({ url: receiver.url, retryPolicy: { schedule: [], jitter: 0 } });
    await app.publish();
    await receiver.request(1);
    await app.close();
    hold.open();
    const again = await start({ directory: app.directory, clock: app.clock });
    const end = await again.delivery('it arrives', (d) => d.state === 'succeeded');
    expect(end.attempts).toBe(2);
    expect((await again.attempts()).map(({ fault }) => fault)).toEqual(['aborted', null]);
  });

  test('an ordered lane that waits for its head still waits after a restart', async () => {
    const app = await start();
    const hold = gate();
    const receiver = await startReceiver(app.clock, async ({ n }) => {
      await hold.opened;
      return n === 1 ? 500 : 204;
    });
    const retryPolicy = { schedule: [3600], jitter: 0 };
    await app.endpoint({ url: receiver.url, ordering: 'endpoint', retryPolicy });
    await app.publish();
    const { at } = await receiver.request(1);
    const closed = app.close();
    hold.open();
    await closed;
    const again = await start({ directory: app.directory, clock: app.clock });
    await eventually(
      () => receiver.requests.length === 2,
      'the second attempt',
      () => again.clock.advance(10_000),
    );
    expect(Number(receiver.requests[1]?.at) - at).toBeGreaterThanOrEqual(3_600_000);
  });
});

describe('after a crash', () => {
  test('what may have been sent already is sent again and marked, what comes later is not', async () => {
    const app = await start();
    const hold = gate();
    const receiver = await startReceiver(app.clock, async ({ n }) => {
      if (n === 1) await hold.opened;
      return 204;
    });
    await app.endpoint({ url: receiver.url });
    const { id } = await app.publish();
    await receiver.request(1);
    const directory = crashed(app);
    app.clock.advance(10);
    const again = await start({ directory, clock: app.clock });
    const arrived = await again.delivery('it arrives', (d) => d.state === 'succeeded');
    expect(arrived.event).toBe(id);
    again.clock.advance(10);
    await again.publish();
    hold.open();
    await eventually(async () => (await again.attempts()).length === 2, 'both are logged');
    expect((await again.attempts()).map((a) => a.afterCrash)).toEqual([true, false]);
    expect(receiver.ids().filter((one) => one === id)).toHaveLength(2);
  });

  test('after three, one row at a time; a row that three more die with is quarantined', async () => {
    let app = await start();
    let poison = '';
    const hold = gate();
    const receiver = await startReceiver(app.clock, async ({ id }) => {
      if (id === poison) await hold.opened;
      return 204;
    });
    const { id: endpoint } = await app.endpoint({ url: receiver.url });
    await app.api.pauseEndpoint({ tenant, endpoint });
    poison = (await app.publish()).id;
    app.clock.advance(1);
    await app.publishMany(9);
    await app.api.resumeEndpoint({ tenant, endpoint });
    await eventually(async () => (await app.attempts()).length === 9, 'the others are delivered');

    for (let death = 1; death <= 6; death++) {
      const sent = receiver.requests.length;
      app = await start({ directory: crashed(app), clock: app.clock });
      // The sixth start finds three starts written down and does not send it.
      if (death < 6) await receiver.request(sent + 1);
    }
    const end = await eventually(async () => {
      const found = (await app.deliveries()).find(({ event }) => event === poison);
      return found?.state === 'failed' && found;
    }, 'it is quarantined');
    expect(end.fault).toBe('quarantined');
    expect(receiver.ids().filter((id) => id === poison)).toHaveLength(6);
    expect(app.log.some(({ msg }) => String(msg).includes('processes died'))).toBe(true);
    // The lane goes on.
    const { id } = await app.publish();
    await eventually(() => receiver.ids().includes(id), 'the next one arrives');
    hold.open();
  });

  test('a careful lane sends its rows one by one and loses none', async () => {
    let app = await start();
    const hold = gate();
    const receiver = await startReceiver(app.clock, async () => {
      await hold.opened;
      return 204;
    });
    await app.endpoint({ url: receiver.url, eventTypes: ['a.b'] });
    await app.publishMany(12);
    await receiver.request(12);
    for (let death = 1; death <= 2; death++) {
      app = await start({ directory: crashed(app), clock: app.clock });
      await receiver.request(12 * (death + 1));
    }
    app = await start({ directory: crashed(app), clock: app.clock });
    await receiver.request(37);
    // Another endpoint's delivery proves that the worker went on looking.
    const other = await startReceiver(app.clock);
    await app.endpoint({ url: other.url, eventTypes: ['other'] });
    await app.publish({ type: 'other' });
    await other.request(1);
    expect(receiver.requests).toHaveLength(37);
    hold.open();
    await eventually(
      async () => (await app.deliveries()).every((d) => d.state === 'succeeded'),
      'all arrive',
    );
    expect(receiver.requests).toHaveLength(48);
  });
});

/** The real store, with ports that fail while a test says so. */
function failing(): {
  readonly wrapStore: (store: Store) => Store;
  readonly failed: Record<string, number>;
  faults: Partial<Record<keyof LaneStore, StoreError>>;
} {
  const failed: Record<string, number> = {};
  const switchboard = {
    failed,
    faults: {} as Partial<Record<keyof LaneStore, StoreError>>,
    wrapStore: (store: Store): Store => ({
      ...store,
      close: () => store.close(),
      lanes: new Proxy(store.lanes, {
        get(lanes, name: keyof LaneStore) {
          const method = lanes[name] as (...given: unknown[]) => Promise<unknown>;
          return async (...given: unknown[]) => {
            const fault = switchboard.faults[name];
            if (!fault) return method.apply(lanes, given);
            failed[name] = (failed[name] ?? 0) + 1;
            throw fault;
          };
        },
      }),
    }),
  };
  return switchboard;
}

const UNAVAILABLE = new StoreError('unavailable', 'the disk said no');

describe('a store that fails', () => {
  async function allOnce(app: Harness, requests: readonly Received[], count: number) {
    await eventually(
      async () => {
        const deliveries = await app.deliveries();
        return deliveries.length === count && deliveries.every((d) => d.state === 'succeeded');
      },
      'all delivered and logged',
      () => app.clock.advance(100),
    );
    expect(requests).toHaveLength(count);
    expect(new Set(requests.map(({ id }) => id)).size).toBe(count);
  }

  test.each(['acquire', 'fetch', 'complete'] as const)(
    '%s: sending pauses, goes on, and loses and doubles nothing',
    async (method) => {
      const store = failing();
      const app = await start({ wrapStore: store.wrapStore });
      const receiver = await startReceiver(app.clock);
      await app.endpoint({ url: receiver.url });
      store.faults = { [method]: UNAVAILABLE };
      await app.publishMany(100);
      const tried = (times: number) =>
        eventually(
          () => Number(store.failed[method]) > times,
          `it is tried more than ${times} times`,
          () => app.clock.advance(100),
        );
      await tried(1);
      await eventually(
        async () => (await app.api.getMetrics()).includes('posthorn_deliveries_in_flight 0\n'),
        'what was in flight ends',
      );
      const sent = receiver.requests.length;
      // Those in flight, and those sent until the first refusal.
      expect(sent).toBeLessThanOrEqual(method === 'complete' ? 32 : 0);
      await tried(5);
      expect(receiver.requests).toHaveLength(sent);
      expect(app.log.some(({ msg }) => String(msg).includes('sending pauses'))).toBe(true);
      store.faults = {};
      await allOnce(app, receiver.requests, 100);
    },
  );

  test('a stop does not wait for it for ever, and the next start delivers', async () => {
    const store = failing();
    const app = await start({ wrapStore: store.wrapStore });
    const receiver = await startReceiver(app.clock);
    await app.endpoint({ url: receiver.url });
    store.faults = { complete: UNAVAILABLE };
    await app.publish();
    await receiver.request(1);
    await app.close();
    expect(app.log.some(({ msg }) => String(msg).includes('before all outcomes'))).toBe(true);
    const again = await start({ directory: app.directory, clock: app.clock });
    await again.delivery('it arrives', (d) => d.state === 'succeeded');
  });

  test.each([
    ['unavailable', 503, '1'],
    ['full', 507, '30'],
    ['fatal', 503, '1'],
  ] as const)(
    'an ingest that fails as %s is answered with %i',
    async (kind, status, retryAfter) => {
      const store = failing();
      const app = await start({ wrapStore: store.wrapStore });
      const receiver = await startReceiver(app.clock);
      await app.endpoint({ url: receiver.url });
      store.faults = { ingest: new StoreError(kind, 'no') };
      const response = await app.post('{"type":"a.b","data":1}');
      expect([response.status, response.headers.get('retry-after')]).toEqual([status, retryAfter]);
      store.faults = {};
      await app.publish();
      await allOnce(app, receiver.requests, 1);
    },
  );
});
