import type { Endpoint, EndpointId } from '../../core/model.ts';
import { COUNTERS, type Counts, type Health, NO_COUNTS } from '../../core/tally.ts';
import type { Followed, Stats, StatsBucket, StatsStore } from '../stats.ts';
import type { Shards } from './shards.ts';

/** Counted where the events are. */
export function shardedStats(shards: Shards): StatsStore {
  return {
    tenant: (tenant, window, now) => shards.ofTenant(tenant).stats.tenant(tenant, window, now),
    async endpoints(ids, window, now) {
      const items = await shards.first.config.readMany('endpoint', ids);
      const known = new Map(items.map(({ id, value }) => [id, value as Endpoint]));
      const found = new Map<EndpointId, Stats>();
      await Promise.all(
        shards.stores.map(async ({ stats }, shard) => {
          const mine = ids.filter((id) => shards.ofEndpoint(known.get(id)).includes(shard));
          const given = mine.length > 0 ? await stats.endpoints(mine, window, now) : [];
          for (const [i, id] of mine.entries()) {
            const [one, other] = [given[i] as Stats, found.get(id)];
            found.set(id, other ? together(other, one) : one);
          }
        }),
      );
      return ids.map((id) => found.get(id) as Stats);
    },
    async follow(budget, now) {
      const answers = await shards.each(async ({ stats, leads = () => true }) =>
        leads(now) ? stats.follow(budget, now) : NOTHING,
      );
      return answers.reduce(bothFollowed, NOTHING);
    },
  };
}

const NOTHING: Followed = { counted: 0, indexed: 0, more: false, moreDocs: false };

function bothFollowed(a: Followed, b: Followed): Followed {
  return {
    counted: a.counted + b.counted,
    indexed: a.indexed + b.indexed,
    more: a.more || b.more,
    moreDocs: a.moreDocs || b.moreDocs,
  };
}

/** Of the same window. */
function together(a: Stats, b: Stats): Stats {
  const countedTos = [a.countedTo, b.countedTo].flatMap((one) => one ?? []);
  return {
    from: a.from,
    buckets: a.buckets.map((bucket, i) => bothBuckets(bucket, b.buckets[i] as StatsBucket)),
    total: bothBuckets(a.total, b.total),
    health: bothHealths(a.health, b.health),
    countedTo: countedTos.length > 0 ? Math.min(...countedTos) : undefined,
  };
}

/** Quantiles can't be added: of both they are at most those of the slower one. */
function bothBuckets(a: StatsBucket, b: StatsBucket): StatsBucket {
  const counts: { -readonly [Name in keyof Counts]: number } = { ...NO_COUNTS };
  for (const name of COUNTERS) counts[name] = a[name] + b[name];
  return {
    at: a.at,
    ...counts,
    p50Ms: greatest(a.p50Ms, b.p50Ms),
    p99Ms: greatest(a.p99Ms, b.p99Ms),
  };
}

function bothHealths(a: Health, b: Health): Health {
  const lastSuccessAt = greatest(a.lastSuccessAt, b.lastSuccessAt);
  const since = [a.failingSince, b.failingSince]
    .flatMap((one) => one ?? [])
    .filter((one) => one >= (lastSuccessAt ?? 0));
  return {
    lastAttemptAt: greatest(a.lastAttemptAt, b.lastAttemptAt),
    lastSuccessAt,
    failingSince: since.length > 0 ? Math.min(...since) : undefined,
  };
}

function greatest(...values: readonly (number | undefined)[]): number | undefined {
  const known = values.flatMap((value) => value ?? []);
  return known.length > 0 ? Math.max(...known) : undefined;
}
