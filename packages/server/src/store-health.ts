import type { Clock } from './core/clock.ts';
import type { Ms } from './core/model.ts';
import type { ShardsOfStore, Store, StoreStats } from './store/store.ts';

/** What `/readyz` and `/metrics` say of the store, and of its parts if it is divided. */

const DAY_MS = 86_400_000;
const NO_ROOM = 'no partition for tomorrow';

export async function readiness(store: Store, clock: Clock) {
  if (store.shards) return readinessOfShards(store.shards, clock);
  try {
    const now = clock.now();
    const ok = hasRoom(await store.log.stats(now), now);
    return { ok, checks: { store: ok ? 'ok' : NO_ROOM } };
  } catch {
    return { ok: false, checks: { store: 'unavailable' } };
  }
}

/** Every node sees the same of them, so to take all away for one would stop the others too. */
async function readinessOfShards(shards: ShardsOfStore, clock: Clock) {
  const now = clock.now();
  const states = (await shards.stats(now)).map((one) => {
    if (one.status === 'rejected') return 'unavailable';
    return hasRoom(one.value, now) ? 'ok' : NO_ROOM;
  });
  const checks = Object.fromEntries(states.map((state, i) => [`shard${i + 1}`, state]));
  return { ok: states.includes('ok'), checks };
}

/** Partitions are made a week ahead, so whoever makes them has failed for days. */
function hasRoom({ roomUntil = Number.POSITIVE_INFINITY }: StoreStats, now: Ms): boolean {
  return roomUntil > now + DAY_MS;
}

export async function storeMetrics(store: Store, clock: Clock): Promise<string> {
  const now = clock.now();
  const stats = await store.log.stats(now);
  const oldest = stats.oldestDueAt === undefined ? 0 : Math.max(0, now - stats.oldestDueAt) / 1000;
  const gauges: readonly [string, string, number][] = [
    ['posthorn_deliveries_pending', 'Deliveries owed.', stats.pending],
    ['posthorn_lanes_ready', 'Lanes with something due that nobody holds.', stats.lanesAwake],
    ['posthorn_oldest_due_seconds', 'How late the latest free lane is.', oldest],
    ['posthorn_events_stored', 'Events in the store.', stats.events],
    ['posthorn_attempts_stored', 'Attempts in the log.', stats.attempts],
  ];
  const texts = gauges.map(
    ([name, help, value]) => `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`,
  );
  return texts.join('') + (store.shards ? await shardMetrics(store.shards, now) : '');
}

/** The gauges above are sums of the shards that answer. */
async function shardMetrics(shards: ShardsOfStore, now: Ms): Promise<string> {
  const states = await shards.stats(now);
  const lines = (of: (stats: StoreStats | undefined) => number | undefined, name: string) =>
    states.flatMap((one, i) => {
      const value = of(one.status === 'fulfilled' ? one.value : undefined);
      return value === undefined ? [] : [`${name}{shard="${i + 1}"} ${value}\n`];
    });
  const up = 'posthorn_shard_up';
  const pending = 'posthorn_shard_deliveries_pending';
  return [
    `# HELP ${up} Whether the database answers.\n# TYPE ${up} gauge\n`,
    ...lines((stats) => (stats ? 1 : 0), up),
    `# HELP ${pending} Deliveries owed from it.\n# TYPE ${pending} gauge\n`,
    ...lines((stats) => stats?.pending, pending),
  ].join('');
}
