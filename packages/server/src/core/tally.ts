import type { Fault } from './exchange.ts';
import { Latencies } from './latencies.ts';
import type { DeliveryState, Ms } from './model.ts';

/** What statistics count, and how what happened becomes a count. */

export const HOUR_MS: Ms = 3_600_000;
export const DAY_MS: Ms = 86_400_000;

export interface Counts {
  /** Stored; of an endpoint, routed to it. */
  readonly events: number;
  /** Deliveries, by how they ended. */
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Attempts, by the class of the response's status. */
  readonly status2xx: number;
  readonly status3xx: number;
  readonly status4xx: number;
  readonly status5xx: number;
  /** Attempts without a complete response. */
  readonly unanswered: number;
}

export const NO_COUNTS: Counts = {
  events: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  status2xx: 0,
  status3xx: 0,
  status4xx: 0,
  status5xx: 0,
  unanswered: 0,
};
export const COUNTERS = Object.keys(NO_COUNTS) as (keyof Counts)[];

/** A row of the log, as far as it is counted. */
export interface LoggedFact {
  /** 0 = a decision without an exchange. */
  readonly n: number;
  readonly startedAt: Ms;
  readonly durationMs: number;
  readonly state: DeliveryState;
  readonly status: number | undefined;
  readonly fault: Fault | undefined;
  /** Its delivery had ended before: it was sent, and changed nothing. */
  readonly late: boolean;
}

export class Tally {
  readonly counts: { -readonly [Name in keyof Counts]: number };
  readonly latencies: Latencies;

  constructor(counts: Counts = NO_COUNTS, latencies = new Latencies()) {
    this.counts = { ...counts };
    this.latencies = latencies;
  }

  addLogged(fact: LoggedFact): void {
    const { counts } = this;
    if (fact.n > 0) {
      counts[classOf(fact)] += 1;
      this.latencies.add(fact.durationMs);
    }
    if (fact.state !== 'pending' && !fact.late) counts[fact.state] += 1;
  }

  merge(other: Tally): void {
    for (const name of COUNTERS) this.counts[name] += other.counts[name];
    this.latencies.merge(other.latencies);
  }
}

const CLASSES = ['status2xx', 'status3xx', 'status4xx', 'status5xx'] as const;

function classOf({ status, fault }: LoggedFact): keyof Counts {
  if (status === undefined || fault !== undefined) return 'unanswered';
  return CLASSES[Math.floor(status / 100) - 2] ?? 'unanswered';
}

/** How a receiver has been doing, in the order of the log. */
export interface Health {
  /** When the last exchange began; undefined = there was none. */
  readonly lastAttemptAt: Ms | undefined;
  readonly lastSuccessAt: Ms | undefined;
  /** The first failure since the last success. */
  readonly failingSince: Ms | undefined;
}

export const NO_HEALTH: Health = {
  lastAttemptAt: undefined,
  lastSuccessAt: undefined,
  failingSince: undefined,
};

export function healthAfter(health: Health, fact: LoggedFact): Health {
  if (fact.n === 0) return health;
  const { startedAt } = fact;
  const lastAttemptAt = Math.max(health.lastAttemptAt ?? 0, startedAt);
  if (fact.state !== 'succeeded') {
    return { ...health, lastAttemptAt, failingSince: health.failingSince ?? startedAt };
  }
  const lastSuccessAt = Math.max(health.lastSuccessAt ?? 0, startedAt);
  return { lastAttemptAt, lastSuccessAt, failingSince: undefined };
}
