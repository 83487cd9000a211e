import { createMemoryStore } from '../memory.ts';
import { modelTest } from '../model.suite.ts';
import { storeSuite } from '../store.suite.ts';
import type { OpenOptions } from '../suite/world.suite.ts';
import { SlotMap } from './slot-map.ts';
import { createShardedStore } from './store.ts';

/** Of the tenants of the suite `other` and `a` fall on the first of two, `default` and `b` on the second. */
async function open({ limits }: OpenOptions) {
  const map = new SlotMap(2);
  const stores = [0, 1].map((shard) => createMemoryStore(limits, map.part(shard)));
  const trouble = (_: number, error: unknown) => {
    throw error;
  };
  return createShardedStore({ stores, map, trouble });
}

storeSuite('two shards in memory', open, { durable: false });
modelTest('two shards in memory', open, { runs: 40, counted: false });
