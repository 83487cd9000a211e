import type { EndpointId, Ms, TenantId } from '../core/model.ts';
import { type Counts, DAY_MS, type Health, HOUR_MS, Tally } from '../core/tally.ts';

/**
 * The port for what is derived from the log: statistics now, and the index that text search asks. It
 * follows the log from behind, in steps that somebody calls, and can be thrown away: everything in it
 * can be made again. Nothing of it is ever in the way of an event or a delivery.
 */
export interface StatsStore {
  tenant(tenant: TenantId, window: StatsWindow, now: Ms): Promise<Stats>;
  /** In the order of `ids`; one that has never been heard of has counted nothing. */
  endpoints(ids: readonly EndpointId[], window: StatsWindow, now: Ms): Promise<Stats[]>;
  /** One bounded step after the log. */
  follow(budget: FollowBudget, now: Ms): Promise<Followed>;
}

/** 24 hours by the hour, or 30 days by the day, in UTC; the last bucket is the running one. */
export type StatsWindow = '24h' | '30d';
export const STATS_WINDOWS: Readonly<Record<StatsWindow, { bucketMs: Ms; buckets: number }>> = {
  '24h': { bucketMs: HOUR_MS, buckets: 24 },
  '30d': { bucketMs: DAY_MS, buckets: 30 },
};

export interface StatsBucket extends Counts {
  readonly at: Ms;
  readonly p50Ms: Ms | undefined;
  readonly p99Ms: Ms | undefined;
}

export interface Stats {
  readonly from: Ms;
  /** Oldest first, also empty ones. */
  readonly buckets: readonly StatsBucket[];
  readonly total: StatsBucket;
  readonly health: Health;
  /** What was logged up to then is counted; undefined = everything. */
  readonly countedTo: Ms | undefined;
}

export interface FollowBudget {
  /** Rows of the log to count at most. */
  readonly rows: number;
  /** Documents to read into the text index at most. */
  readonly docs: number;
}

export interface Followed {
  readonly counted: number;
  readonly indexed: number;
  /** There is more to count, or to put in order: come again. */
  readonly more: boolean;
  /** There is more to read into the text index. */
  readonly moreDocs: boolean;
}

/** The start of the window that ends with the running bucket. */
export function windowStart(window: StatsWindow, now: Ms): Ms {
  const { bucketMs, buckets } = STATS_WINDOWS[window];
  return (Math.floor(now / bucketMs) - buckets + 1) * bucketMs;
}

/** `tallies` by the start of their bucket. */
export function statsOf(
  window: StatsWindow,
  now: Ms,
  of: { tallies: ReadonlyMap<Ms, Tally>; health: Health; countedTo: Ms | undefined },
): Stats {
  const { bucketMs, buckets: count } = STATS_WINDOWS[window];
  const from = windowStart(window, now);
  const whole = new Tally();
  const empty = new Tally();
  const buckets = Array.from({ length: count }, (_, i) => {
    const at = from + i * bucketMs;
    const tally = of.tallies.get(at);
    if (tally) whole.merge(tally);
    return bucketOf(at, tally ?? empty);
  });
  return {
    from,
    buckets,
    total: bucketOf(from, whole),
    health: of.health,
    countedTo: of.countedTo,
  };
}

function bucketOf(at: Ms, { counts, latencies }: Tally): StatsBucket {
  return { at, ...counts, p50Ms: latencies.quantile(0.5), p99Ms: latencies.quantile(0.99) };
}
