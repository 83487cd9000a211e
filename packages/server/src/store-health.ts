import type { Clock } from './core/clock.ts';
import type { Ms } from './core/model.ts';
import type { ShardsOfStore, Store, StoreStats } from './store/store.ts';

/** What `/readyz` and `/metrics` say of the store, and of its parts if it is divided. */

const DAY_MS = 86_400_000;
const NO_ROOM = 'no partition for tomorrow';
/** Whoever probes waits for about a second; a shard that has not answered by then is called away. */
const ANSWER_MS = 800;

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
  const states = (await answersOf(shards, clock)).map((stats) => {
    if (!stats) return 'unavailable';
    return hasRoom(stats, clock.now()) ? 'ok' : NO_ROOM;
  });
  const checks = Object.fromEntries(states.map((state, i) => [`shard${i + 1}`, state]));
  return { ok: states.includes('ok'), checks };
}

/** Partitions are made a week ahead, so whoever makes them has failed for days. */
function hasRoom({ roomUntil = Number.POSITIVE_INFINITY }: StoreStats, now: Ms): boolean {
  return roomUntil > now + DAY_MS;
}

/** Of each shard; undefined = it fails, or takes too long. */
function answersOf(shards: ShardsOfStore, clock: Clock): Promise<(StoreStats | undefined)[]> {
  return Promise.all(
    shards.stats(clock.now()).map((asked) => {
      return new Promise<StoreStats | undefined>((resolve) => {
        const cancel = clock.after(ANSWER_MS, () => resolve(undefined));
        asked.then(resolve, () => resolve(undefined)).finally(cancel);
      });
    }),
  );
}

export async function storeMetrics(store: Store, clock: Clock): Promise<string> {
  const { shards } = store;
  if (!shards) return gaugesOf(await store.log.stats(clock.now()), clock.now());
  const answers = await answersOf(shards, clock);
  const known = answers.flatMap((stats) => stats ?? []);
  const sums = known.length > 0 ? gaugesOf(shards.sum(known), clock.now()) : '';
  return sums + shardGauges(answers);
}

function gaugesOf(stats: StoreStats, now: Ms): string {
  const oldest = stats.oldestDueAt === undefined ? 0 : Math.max(0, now - stats.oldestDueAt) / 1000;
  const gauges: readonly [string, string, number][] = [
    ['posthorn_deliveries_pending', 'Deliveries owed.', stats.pending],
    ['posthorn_lanes_ready', 'Lanes with something due that nobody holds.', stats.lanesAwake],
    ['posthorn_oldest_due_seconds', 'How late the latest free lane is.', oldest],
    ['posthorn_events_stored', 'Events in the store.', stats.events],
    ['posthorn_attempts_stored', 'Attempts in the log.', stats.attempts],
  ];
  return gauges.map(([name, help, value]) => `${headOf(name, help)}${name} ${value}\n`).join('');
}

function shardGauges(answers: readonly (StoreStats | undefined)[]): string {
  const up = 'posthorn_shard_up';
  const pending = 'posthorn_shard_deliveries_pending';
  const line = (name: string, i: number, value: number | undefined) =>
    value === undefined ? '' : `${name}{shard="${i + 1}"} ${value}\n`;
  return [
    headOf(up, 'Whether the database answers.'),
    ...answers.map((stats, i) => line(up, i, stats ? 1 : 0)),
    headOf(pending, 'Deliveries owed from it.'),
    ...answers.map((stats, i) => line(pending, i, stats?.pending)),
  ].join('');
}

function headOf(name: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`;
}
