import type { Ms } from '../core/model.ts';
import { DAY_MS, HOUR_MS, type LoggedFact, Tally } from '../core/tally.ts';

/** What counts are of: tenants and endpoints, each engine by the key it has for them. */
export type Subject = 'tenant' | 'endpoint';

/** Of a row of counts: subject and length of its bucket. */
export const HOURLY = { tenant: 0, endpoint: 2 } as const;
export const DAILY = { tenant: 1, endpoint: 3 } as const;
export const HEALTH_KIND = { tenant: 0, endpoint: 1 } as const;

/** Longer than the longest window, so that none is cut. */
export const KEPT_MS = { hourly: 26 * HOUR_MS, daily: 32 * DAY_MS };

export function kindOf(subject: Subject, bucketMs: Ms): number {
  return (bucketMs === HOUR_MS ? HOURLY : DAILY)[subject];
}

export interface Row<Of> {
  readonly kind: number;
  readonly of: Of;
  readonly at: Ms;
  readonly tally: Tally;
}

export interface Logged<Of> {
  readonly subject: Subject;
  readonly of: Of;
  /** In the order of the log. */
  readonly facts: LoggedFact[];
}

/** What one step after the log adds, gathered so that a row is written once however often it was met. */
export class Tallying<Of extends string | number> {
  readonly #rows = new Map<string, Row<Of>>();
  readonly #logged = new Map<string, Logged<Of>>();

  event(subject: Subject, of: Of, at: Ms): void {
    for (const tally of this.#tallies(subject, of, at)) tally.counts.events += 1;
  }

  logged(subject: Subject, of: Of, fact: LoggedFact): void {
    for (const tally of this.#tallies(subject, of, fact.startedAt)) tally.addLogged(fact);
    const key = `${subject} ${of}`;
    const known = this.#logged.get(key);
    if (known) known.facts.push(fact);
    else this.#logged.set(key, { subject, of, facts: [fact] });
  }

  rows(): Row<Of>[] {
    return [...this.#rows.values()];
  }

  logs(): Logged<Of>[] {
    return [...this.#logged.values()];
  }

  #tallies(subject: Subject, of: Of, at: Ms): [Tally, Tally] {
    return [
      this.#tally(HOURLY[subject], of, at - (at % HOUR_MS)),
      this.#tally(DAILY[subject], of, at - (at % DAY_MS)),
    ];
  }

  #tally(kind: number, of: Of, at: Ms): Tally {
    const key = `${kind} ${of} ${at}`;
    const known = this.#rows.get(key);
    if (known) return known.tally;
    const tally = new Tally();
    this.#rows.set(key, { kind, of, at, tally });
    return tally;
  }
}
