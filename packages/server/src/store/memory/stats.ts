import type { EndpointId, Ms, TenantId } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import { healthAfter, type LoggedFact, NO_HEALTH, Tally } from '../../core/tally.ts';
import { STATS_WINDOWS, type Stats, type StatsStore, type StatsWindow, statsOf } from '../stats.ts';
import type { NewEvent } from '../store.ts';

interface Counted {
  readonly tenant: TenantId;
  /** Of the endpoints that it went to. */
  readonly numbers: readonly number[];
  readonly at: Ms;
  /** undefined = an event was stored. */
  readonly fact: LoggedFact | undefined;
}

/** All that ever happened, counted when somebody asks. */
export class MemoryStats {
  readonly #counted: Counted[] = [];
  readonly #numberOf: (id: EndpointId) => number | undefined;

  constructor(numberOf: (id: EndpointId) => number | undefined) {
    this.#numberOf = numberOf;
  }

  stored({ tenant, lanes, createdAt: at }: NewEvent): void {
    const numbers = [...new Set(lanes.map(numberOfLane))];
    this.#counted.push({ tenant, numbers, at, fact: undefined });
  }

  logged(tenant: TenantId, lane: number, fact: LoggedFact): void {
    this.#counted.push({ tenant, numbers: [numberOfLane(lane)], at: fact.startedAt, fact });
  }

  store(): StatsStore {
    return {
      tenant: async (tenant, window, now) =>
        this.#stats(window, now, (one) => one.tenant === tenant),
      endpoints: async (ids, window, now) =>
        ids.map((id) => {
          const number = this.#numberOf(id) ?? Number.NaN;
          return this.#stats(window, now, ({ numbers }) => numbers.includes(number));
        }),
      follow: async () => ({ counted: 0, indexed: 0, more: false, moreDocs: false }),
    };
  }

  #stats(window: StatsWindow, now: Ms, belongs: (one: Counted) => boolean): Stats {
    const { bucketMs } = STATS_WINDOWS[window];
    const tallies = new Map<Ms, Tally>();
    let health = NO_HEALTH;
    for (const { at, fact } of this.#counted.filter(belongs)) {
      const start = at - (at % bucketMs);
      const tally = tallies.get(start) ?? new Tally();
      tallies.set(start, tally);
      if (!fact) tally.counts.events += 1;
      else {
        tally.addLogged(fact);
        health = healthAfter(health, fact);
      }
    }
    return statsOf(window, now, { tallies, health, countedTo: undefined });
  }
}
