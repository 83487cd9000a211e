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
    const still = await start({ wrapStore: (store) => frozen(store, thaw.opened) });
    const receiver = await startReceiver(still.clock);
    await still.endpoint({ url: receiver.url });
    const { id } = await still.publish();
    await receiver.request(1);
    const other = await start({ directory: still.directory, clock: still.clock });
    await eventually(async () => {
      const now = still.clock.now();
      const nodes = await other.app.store.lanes.nodes(now);
      // No faster than the other node can say that it lives.
      if (now - Math.max(...nodes.map(({ beatAt }) => beatAt)) < 6000) still.clock.advance(500);
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

/** Nothing that it says of itself reaches the store until it thaws. */
function frozen(store: Store, thawed: Promise<void>): Store {
  const { heartbeat, complete } = store.lanes;
  const lanes = new Proxy(store.lanes, {
    get(target, name: keyof Store['lanes']) {
      if (name === 'heartbeat') {
        return async (...args: Parameters<typeof heartbeat>) => {
          await thawed;
          return target.heartbeat(...args);
        };
      }
      if (name === 'complete') {
        return async (...args: Parameters<typeof complete>) => {
          await thawed;
          return target.complete(...args);
        };
      }
      return target[name].bind(target);
    },
  });
  return { ...store, lanes, close: () => store.close() };
}
