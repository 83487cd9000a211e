import { expect } from 'vitest';
import { laneOf as laneTo } from '../../core/routing.ts';
import type { NewEvent, Store } from '../store.ts';
import { laneOf, RETENTION, type World } from '../suite/world.suite.ts';

export interface CrossingWorld {
  /** The whole, of two shards: `other` lives on the first of them, `default` on the second. */
  readonly w: World;
  /** The two, as whoever dies before anything is carried has used them. */
  readonly stores: readonly Store[];
  /** The whole, as another process has it. */
  readonly another: () => Promise<Store>;
}

/** What is decided on one shard and told on another: nothing is lost, and nothing comes twice. */
export const crossingCases: Readonly<Record<string, (of: CrossingWorld) => Promise<void>>> = {
  'an event of a change whose process died before it was carried is there once': async ({
    w,
    stores,
    another,
  }) => {
    const listener = await w.endpoint();
    const event = w.event([laneOf(listener)], { type: 'endpoint.created' });
    const change = { kind: 'event-type', id: 'x', tenant: 'default', value: {} } as const;
    await stores[0]?.config.put([{ ...change, expected: undefined }], w.now, [event]);
    expect(await idsOf(w.store)).toEqual([]);
    await carriedByBoth(w, await another());
    expect(await idsOf(w.store)).toEqual([event.id]);
    expect(await w.log.pending('default')).toBe(1);
    expect((await stores[0]?.config.list('crossing', ALL))?.items).toEqual([]);
  },

  'an endpoint that was disabled where it is sent from is disabled for all, and told of once':
    async ({ w, stores, another }) => {
      const [listener, broken] = [await w.endpoint(), await w.endpoint()];
      const [owed] = await w.feed(broken);
      const lanes = stores[1]?.lanes as Store['lanes'];
      const node = await lanes.join({ name: 'n', version: '1' }, 15_000, w.now);
      await lanes.acquire(node, 10, w.now);
      const key = await w.first(broken);
      const told = w.event([laneOf(listener)], { type: 'endpoint.disabled' });
      const result = {
        ...w.result(key, { kind: 'failed' }, { endpoint: broken.id }),
        disable: { reason: 'gone' },
        notices: [{ event: told, when: { kind: 'disabled' } }],
      } as const;
      await lanes.complete(node, { results: [result], release: [] }, w.now);
      expect(await idsOf(w.store)).toEqual([owed?.id]);
      await carriedByBoth(w, await another());
      expect((await idsOf(w.store)).toSorted()).toEqual([owed?.id, told.id].toSorted());
      const { value } = (await w.store.config.read('endpoint', broken.id)) ?? {};
      expect(value).toMatchObject({ disabled: { reason: 'gone', at: w.now } });
      // What a person decides afterwards is not undone by what was carried.
      await w.put({ ...broken, disabled: null });
      w.now += 60_000;
      await w.log.maintain(RETENTION, w.now);
      expect((await stores[1]?.config.read('endpoint', broken.id))?.value).toMatchObject({
        disabled: null,
      });
    },

  'what an outcome tells of a delivery comes to the tenant that owns the endpoint': async ({
    w,
  }) => {
    const listener = await w.endpoint({ tenant: 'other' });
    const wide = await w.endpoint({ tenant: 'other', scope: 'all' });
    const lane = laneTo(wide, undefined);
    await w.ingest(w.event([lane]));
    const node = await w.node();
    const [key] = await w.fetch({ slot: 223, lane });
    if (!key) throw new Error('nothing is due');
    const event = w.event([laneOf(listener)], { type: 'delivery.failed', tenant: 'other' });
    const failed = w.result(key, { kind: 'failed' }, { endpoint: wide.id });
    const notices = [{ event, when: { kind: 'applied' } }] as const;
    await w.lanes.complete(node, { results: [{ ...failed, notices }], release: [] }, w.now);
    expect(await idsOf(w.store, 'other')).toEqual([event.id]);
    expect(await w.log.pending('other')).toBe(1);
  },
};

const ALL = { tenant: undefined, limit: 10, after: undefined };

/** Two processes find it at the same moment, and then again. */
async function carriedByBoth(w: World, other: Store): Promise<void> {
  for (let i = 0; i < 2; i++) {
    w.now += 60_000;
    await Promise.all([w.log.maintain(RETENTION, w.now), other.log.maintain(RETENTION, w.now)]);
  }
  w.now -= 120_000;
}

async function idsOf(store: Store, tenant = 'default'): Promise<NewEvent['id'][]> {
  return (await store.log.events({ tenant, limit: 10 })).items.map(({ id }) => id);
}
