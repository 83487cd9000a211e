import type { Ms } from '../../core/model.ts';
import type { InboxStore } from '../inbox.ts';
import { createShardedInbox } from '../sharded/inbox.ts';
import { storeForLater } from '../sharded/later.ts';
import { SlotMap } from '../sharded/slot-map.ts';
import { createShardedStore } from '../sharded/store.ts';
import { type Store, StoreError } from '../store.ts';
import { openPostgres, type PostgresOptions, type PostgresStore } from './open.ts';
import { openPostgresInbox } from './open-inbox.ts';

export interface ShardedPostgresOptions extends Omit<PostgresOptions, 'url' | 'place'> {
  /** Of all databases, in the order of the map; configuration is in the first. */
  readonly urls: readonly [string, ...string[]];
  readonly trouble: (shard: number, error: unknown) => void;
}

/**
 * One store of several databases. The first must be there: it has the configuration. Another one that
 * is away is opened when it comes; until then only what lies there is.
 */
export async function openShardedPostgres(options: ShardedPostgresOptions): Promise<PostgresStore> {
  const { urls, trouble, ...common } = options;
  const [firstUrl, ...otherUrls] = urls;
  const map = new SlotMap(urls.length);
  const place = { map, shard: 0, installation: undefined };
  const first = await openPostgres({ ...common, url: firstUrl, place });
  const installation = first.place?.installation;
  const stores: Store[] = [first];
  const places = [first.place];
  try {
    // One after the other, so that of two that are wrong the first is named.
    for (const [i, url] of otherUrls.entries()) {
      const shard = i + 1;
      const open = () => openPostgres({ ...common, url, place: { map, shard, installation } });
      const store = await openNowOrLater(open, (error) => trouble(shard, error));
      stores.push(store);
      if ('place' in store) places.push(store.place);
    }
    // Only now: a start that is refused leaves every database as it was.
    for (const place of places) await place?.record();
  } catch (error) {
    await Promise.all(stores.map((store) => store.close()));
    throw error;
  }
  const { now } = first;
  return { ...createShardedStore({ stores, map, trouble }), now, place: first.place };
}

async function openNowOrLater(
  openNow: () => Promise<PostgresStore>,
  told: (error: unknown) => void,
): Promise<Store | PostgresStore> {
  try {
    return await openNow();
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== 'unavailable') throw error;
    told(error);
    const elapsed = (): Ms => performance.now();
    const open = async () => {
      const store = await openNow();
      await store.place?.record();
      return store;
    };
    return storeForLater({ open, elapsed, refused: told });
  }
}

/** The inboxes of a store that is open in this process. */
export function openShardedPostgresInbox(urls: readonly string[], masterKey: string): InboxStore {
  const stores = urls.map((url) => openPostgresInbox({ url, masterKey }));
  return createShardedInbox(stores, new SlotMap(urls.length));
}
