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

interface Hour<Of> {
  readonly subject: Subject;
  readonly of: Of;
  readonly at: Ms;
  readonly tally: Tally;
}

/** What one step after the log adds, gathered so that a row is written once however often it was met. */
export class Tallying<Of extends string | number> {
  readonly #hours = new Map<string, Hour<Of>>();
  readonly #logged = new Map<string, Logged<Of>>();

  event(subject: Subject, of: Of, at: Ms): void {
    this.#hour(subject, of, at).counts.events += 1;
  }

  logged(subject: Subject, of: Of, fact: LoggedFact): void {
    this.#hour(subject, of, fact.startedAt).addLogged(fact);
    const key = `${subject} ${of}`;
    const known = this.#logged.get(key);
    if (known) known.facts.push(fact);
    else this.#logged.set(key, { subject, of, facts: [fact] });
  }

  #hour(subject: Subject, of: Of, at: Ms): Tally {
    const start = at - (at % HOUR_MS);
    const key = `${subject} ${of} ${start}`;
    const known = this.#hours.get(key);
    if (known) return known.tally;
    const tally = new Tally();
    this.#hours.set(key, { subject, of, at: start, tally });
    return tally;
  }

  /** Of hours, and of the days that they belong to. */
  rows(): Row<Of>[] {
    const rows: Row<Of>[] = [];
    const days = new Map<string, Row<Of>>();
    for (const { subject, of, at: hour, tally } of this.#hours.values()) {
      rows.push({ kind: HOURLY[subject], of, at: hour, tally });
      const at = hour - (hour % DAY_MS);
      const key = `${subject} ${of} ${at}`;
      const day = days.get(key) ?? { kind: DAILY[subject], of, at, tally: new Tally() };
      days.set(key, day);
      day.tally.merge(tally);
    }
    return [...rows, ...days.values()];
  }

  logs(): Logged<Of>[] {
    return [...this.#logged.values()];
  }
}
