import type { StagedStore, Store } from '../store.ts';
import { ShardedConfig } from './config.ts';
import { ShardedJobs } from './jobs.ts';
import { ShardedLanes, sendingOf } from './lanes.ts';
import { ShardedLog, sumOf } from './log.ts';
import { Shards, type ShardsOptions } from './shards.ts';
import { shardedStats } from './stats.ts';

/**
 * One store made of several, each of which has a part of the slots: a tenant's events, deliveries, log,
 * statistics and jobs lie in one of them; configuration is the first one's. Closing it closes them.
 */
export function createShardedStore(options: ShardsOptions): Store {
  const shards = new Shards(options);
  const { stores } = shards;
  return {
    lanes: new ShardedLanes(shards),
    config: new ShardedConfig(shards),
    log: new ShardedLog(shards),
    stats: shardedStats(shards),
    jobs: new ShardedJobs(shards),
    staged: stagedOf(shards),
    leads: (now) => stores.some(({ leads }) => leads?.(now) ?? true),
    shards: {
      of: (slot) => shards.map.shardOf(slot),
      lanes: stores.map((_, shard) => sendingOf(shards, shard)),
      stats: (now) => stores.map(({ log }) => log.stats(now)),
      sum: sumOf,
    },
    close: () => shards.close(),
  };
}

/** Programs publish in the database that their own data is in, whichever shard their tenant has. */
function stagedOf(shards: Shards): StagedStore {
  return {
    async drain(limit, publish) {
      const taken = await shards.each(async ({ staged }) => staged?.drain(limit, publish) ?? 0);
      return Math.max(...taken);
    },
  };
}
