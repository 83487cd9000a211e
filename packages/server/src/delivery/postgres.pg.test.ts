import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasPostgres, needing, TestPostgres } from '../store/postgres/cluster.suite.ts';
import type { Store } from '../store/store.ts';
import { anywhere } from './anywhere.suite.ts';
import { eventually, gate, keepStoresIn, start, startReceiver } from './harness.suite.ts';

/** What delivery does whatever the store is, and what only several nodes can show. */
describe.skipIf(!hasPostgres)(needing('delivery on PostgreSQL'), () => {
  const postgres = new TestPostgres();
  beforeAll(() => keepStoresIn((directory) => postgres.databaseOf(directory)));
  afterAll(() => keepStoresIn(undefined));

  anywhere();

  test('a node that stands still loses its lanes: another sends what it may have sent, marked', async () => {
    const thaw = gate();
    const ice: Ice = { melts: undefined };
    const still = await start({ wrapStore: (store) => freezing(store, ice) });
    const receiver = await startReceiver(still.clock, ({ n }) => {
      if (n === 1) ice.melts = thaw.opened;
      return 204;
    });
    await still.endpoint({ url: receiver.url });
    const { id } = await still.publish();
    await receiver.request(1);
    const other = await start({ directory: still.directory, clock: still.clock });
    const nodes = () => other.app.store.lanes.nodes(still.clock.now());
    await eventually(async () => (await nodes()).length === 2, 'it has joined');
    await eventually(async () => {
      const beatAt = Math.max(...(await nodes()).map((node) => node.beatAt));
      // No faster than the other node can say that it lives.
      if (still.clock.now() - beatAt < 10_000) still.clock.advance(500);
      return receiver.requests.length === 2;
    }, 'the other node sends');
    await other.settled();
    expect(receiver.ids()).toEqual([id, id]);
    expect(await other.attempts()).toMatchObject([{ afterCrash: true, status: 204 }]);
    thaw.open();
    await still.settled();
    // What it says late is logged and changes nothing.
    await other.delivery('it stays', (d) => d.state === 'succeeded');
    expect(receiver.requests).toHaveLength(2);
  });

  test('an event is found by its words over HTTP', async () => {
    const app = await start();
    const { id } = await app.publish({ data: { customer: 'alice@example.com' } });
    await app.publish({ data: { customer: 'bob@example.com' } });
    const tenant = 'default';
    const page = await app.api.listEvents({ tenant, q: 'alice exam*' });
    expect(page).toMatchObject({ items: [{ id }], searchedTo: null });
  });
});

interface Ice {
  melts: Promise<void> | undefined;
}

/** Nothing of what it wants of its lanes reaches the store until the ice melts. */
function freezing(store: Store, ice: Ice): Store {
  type Call = (...args: unknown[]) => unknown;
  const lanes = new Proxy(store.lanes, {
    get: (target, name: keyof Store['lanes']) => {
      const call = target[name].bind(target) as Call;
      return async (...args: unknown[]) => {
        await ice.melts;
        return call(...args);
      };
    },
  });
  return { ...store, lanes, close: () => store.close() };
}
