import { Latencies } from '../../../core/latencies.ts';
import type { Ms } from '../../../core/model.ts';
import {
  COUNTERS,
  type Counts,
  type Health,
  healthAfter,
  NO_HEALTH,
  Tally,
} from '../../../core/tally.ts';
import {
  DAILY,
  HEALTH_KIND,
  HOURLY,
  KEPT_MS,
  kindOf,
  type Row,
  type Subject,
  type Tallying,
} from '../../tallying.ts';
import type { Database } from '../database.ts';

const PRUNED_ROWS_MAX = 1000;

interface TallyRow extends Counts {
  readonly at: Ms;
  readonly latencies: Uint8Array;
}
interface HealthRow {
  readonly last_attempt_at: Ms | null;
  readonly last_success_at: Ms | null;
  readonly failing_since: Ms | null;
}

const COLUMNS = COUNTERS.join(', ');
const UPSERT = `insert or replace into tally (kind, of, at, ${COLUMNS}, latencies)
  values (?, ?, ?, ${COUNTERS.map(() => '?').join(', ')}, ?)`;

export function writeTallying(db: Database, tallying: Tallying<number>): void {
  for (const row of tallying.rows()) merge(db, row);
  for (const { subject, of, facts } of tallying.logs()) {
    const health = facts.reduce(healthAfter, readHealth(db, subject, of));
    db.run(
      `insert or replace into health (kind, of, last_attempt_at, last_success_at, failing_since)
       values (?, ?, ?, ?, ?)`,
      HEALTH_KIND[subject],
      of,
      health.lastAttemptAt ?? null,
      health.lastSuccessAt ?? null,
      health.failingSince ?? null,
    );
  }
}

function merge(db: Database, { kind, of, at, tally }: Row<number>): void {
  const row = db.get<TallyRow>(
    `select at, ${COLUMNS}, latencies from tally where kind = ? and of = ? and at = ?`,
    kind,
    of,
    at,
  );
  const whole = row ? toTally(row) : new Tally();
  whole.merge(tally);
  const counts = COUNTERS.map((name) => whole.counts[name]);
  db.run(UPSERT, kind, of, at, ...counts, whole.latencies.encode());
}

function toTally({ at: _at, latencies, ...counts }: TallyRow): Tally {
  return new Tally(counts, Latencies.decode(latencies));
}

/** Of all buckets from `from` on, by their start. */
export function readTallies(
  db: Database,
  about: {
    readonly subject: Subject;
    readonly of: number;
    readonly bucketMs: Ms;
    readonly from: Ms;
  },
): Map<Ms, Tally> {
  const rows = db.all<TallyRow>(
    `select at, ${COLUMNS}, latencies from tally where kind = ? and of = ? and at >= ?`,
    kindOf(about.subject, about.bucketMs),
    about.of,
    about.from,
  );
  return new Map(rows.map((row) => [row.at, toTally(row)]));
}

export function readHealth(db: Database, subject: Subject, of: number): Health {
  const row = db.get<HealthRow>(
    'select last_attempt_at, last_success_at, failing_since from health where kind = ? and of = ?',
    HEALTH_KIND[subject],
    of,
  );
  if (!row) return NO_HEALTH;
  return {
    lastAttemptAt: row.last_attempt_at ?? undefined,
    lastSuccessAt: row.last_success_at ?? undefined,
    failingSince: row.failing_since ?? undefined,
  };
}

/** Removes some of the buckets that no window reaches any more; true = there may be more. */
export function pruneTallies(db: Database, now: Ms): boolean {
  let more = false;
  for (const [kinds, keptMs] of [
    [HOURLY, KEPT_MS.hourly],
    [DAILY, KEPT_MS.daily],
  ] as const) {
    for (const kind of Object.values(kinds)) {
      const removed = db.run(
        `delete from tally where (kind, of, at) in (
           select kind, of, at from tally indexed by tally_at where kind = ? and at < ? limit ?)`,
        kind,
        now - keptMs,
        PRUNED_ROWS_MAX,
      );
      if (removed === PRUNED_ROWS_MAX) more = true;
    }
  }
  return more;
}
