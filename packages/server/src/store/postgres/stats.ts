import { Latencies } from '../../core/latencies.ts';
import type { DeliveryState, EndpointId, Ms, TenantId } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import {
  COUNTERS,
  type Counts,
  type Health,
  healthAfter,
  NO_HEALTH,
  Tally,
} from '../../core/tally.ts';
import { FLAG_LATE, parseTimings, STATES } from '../log-format.ts';
import {
  type FollowBudget,
  type Followed,
  STATS_WINDOWS,
  type Stats,
  type StatsStore,
  type StatsWindow,
  statsOf,
  windowStart,
} from '../stats.ts';
import {
  DAILY,
  HEALTH_KIND,
  HOURLY,
  KEPT_MS,
  kindOf,
  type Logged,
  type Row,
  type Subject,
  Tallying,
} from '../tallying.ts';
import { byteas, int2s, int8s, texts } from './arrays.ts';
import type { Context } from './context.ts';
import type { Querying } from './database.ts';
import { Horizon } from './horizon.ts';
import type { AttemptColumns } from './rows.ts';
import type { PgIndex } from './search-index.ts';

/** Rows that a reader has counted for itself before it is answered. */
const CATCH_UP_ROWS = 2000;
const PRUNED_ROWS_MAX = 1000;

/** Numbers of the last rows that were counted, in the order in which they were stored. */
interface Place {
  readonly event: number;
  readonly attempt: number;
}

interface EventFact {
  readonly arrival: number;
  readonly tenant: TenantId;
  readonly created_at: Ms;
  readonly lanes: number[];
}
type AttemptFact = Pick<
  AttemptColumns,
  | 'seq'
  | 'tenant'
  | 'lane'
  | 'n'
  | 'started_at'
  | 'state'
  | 'status'
  | 'fault'
  | 'flags'
  | 'timings'
>;
interface TallyRow extends Counts {
  readonly of: string;
  readonly kind: number;
  readonly at: Ms;
  readonly latencies: Uint8Array;
}

const COLUMNS = COUNTERS.join(', ');

/**
 * Statistics in tables beside the log. Any node follows it, whoever comes first: a step that another
 * one made meanwhile is dropped.
 */
export class PgStats implements StatsStore {
  readonly #ctx: Context;
  readonly #index: PgIndex | undefined;
  readonly #events: Horizon;
  readonly #attempts: Horizon;

  /** `index`: undefined = no text index is kept. */
  constructor(ctx: Context, index: PgIndex | undefined) {
    this.#ctx = ctx;
    this.#index = index;
    this.#events = new Horizon(ctx.db, 'event_seq');
    this.#attempts = new Horizon(ctx.db, 'attempt_seq');
  }

  async tenant(tenant: TenantId, window: StatsWindow, now: Ms): Promise<Stats> {
    const { upTo: countedTo } = await this.#count(CATCH_UP_ROWS);
    const [stats] = await this.#stats('tenant', [tenant], { window, now, countedTo });
    return stats as Stats;
  }

  async endpoints(ids: readonly EndpointId[], window: StatsWindow, now: Ms): Promise<Stats[]> {
    const { upTo: countedTo } = await this.#count(CATCH_UP_ROWS);
    const rows = await this.#ctx.db.reads.all<{ id: string; number: number }>(
      'select id, number from endpoint where id = any($1::text[])',
      texts(ids),
    );
    const numbers = new Map(rows.map(({ id, number }) => [id, String(number)]));
    const about = { window, now, countedTo };
    return this.#stats(
      'endpoint',
      ids.map((id) => numbers.get(id) ?? ''),
      about,
    );
  }

  async follow({ rows, docs }: FollowBudget, now: Ms): Promise<Followed> {
    const { counted, upTo } = await this.#count(rows);
    const pruned = await this.#prune(now);
    const more = pruned || upTo !== undefined;
    if (!this.#index || docs === 0) return { counted, indexed: 0, more, moreDocs: false };
    const { docs: indexed, more: moreDocs } = await this.#index.follow(docs);
    return { counted, indexed, more, moreDocs };
  }

  async #count(limit: number): Promise<{ counted: number; upTo: Ms | undefined }> {
    const { reads, writes } = this.#ctx.db;
    const before = await readPlace(reads);
    const [events, attempts] = await Promise.all([
      this.#nextEvents(before.event, limit),
      this.#nextAttempts(before.attempt, limit),
    ]);
    const place = {
      event: events.at(-1)?.arrival ?? before.event,
      attempt: attempts.at(-1)?.seq ?? before.attempt,
    };
    const left = [
      ...(events.length === limit ? [events.at(-1)?.created_at ?? 0] : []),
      ...(attempts.length === limit ? [attempts.at(-1)?.started_at ?? 0] : []),
    ];
    const upTo = left.length > 0 ? Math.min(...left) : undefined;
    if (events.length + attempts.length === 0) return { counted: 0, upTo };
    const tallying = new Tallying<string>();
    for (const event of events) countEvent(tallying, event);
    for (const attempt of attempts) countAttempt(tallying, attempt);
    await writes.transaction(async (tx) => {
      if (!(await movePlace(tx, before, place))) return;
      await mergeTallies(tx, tallying.rows());
      await mergeHealth(tx, tallying.logs());
    });
    return { counted: events.length + attempts.length, upTo };
  }

  async #nextEvents(after: number, limit: number): Promise<EventFact[]> {
    const { final } = await this.#events.look();
    return this.#ctx.db.reads.all<EventFact>(
      `select arrival, tenant, created_at, lanes from event
       where arrival > $1 and arrival <= $2 order by arrival limit $3`,
      after,
      final,
      limit,
    );
  }

  async #nextAttempts(after: number, limit: number): Promise<AttemptFact[]> {
    const { final } = await this.#attempts.look();
    return this.#ctx.db.reads.all<AttemptFact>(
      `select seq, tenant, lane, n, started_at, state, status, fault, flags, timings from attempt
       where seq > $1 and seq <= $2 order by seq limit $3`,
      after,
      final,
      limit,
    );
  }

  async #stats(
    subject: Subject,
    of: readonly string[],
    about: { window: StatsWindow; now: Ms; countedTo: Ms | undefined },
  ): Promise<Stats[]> {
    const { window, now, countedTo } = about;
    const { bucketMs } = STATS_WINDOWS[window];
    const rows = await this.#ctx.db.reads.all<TallyRow>(
      `select kind, of, at, ${COLUMNS}, latencies from tally
       where kind = $1 and of = any($2::text[]) and at >= $3`,
      kindOf(subject, bucketMs),
      texts(of),
      windowStart(window, now),
    );
    const health = await readHealth(this.#ctx.db.reads, subject, of);
    return of.map((one) => {
      const tallies = new Map(
        rows.filter((row) => row.of === one).map((row) => [row.at, toTally(row)]),
      );
      return statsOf(window, now, { tallies, health: health.get(one) ?? NO_HEALTH, countedTo });
    });
  }

  /** true = there may be more to remove. */
  async #prune(now: Ms): Promise<boolean> {
    let more = false;
    for (const [kinds, keptMs] of [
      [HOURLY, KEPT_MS.hourly],
      [DAILY, KEPT_MS.daily],
    ] as const) {
      for (const kind of Object.values(kinds)) {
        const removed = await this.#ctx.db.outcomes.run(
          `delete from tally where (kind, of, at) in (
             select kind, of, at from tally where kind = $1 and at < $2 limit $3)`,
          kind,
          now - keptMs,
          PRUNED_ROWS_MAX,
        );
        if (removed === PRUNED_ROWS_MAX) more = true;
      }
    }
    return more;
  }
}

function countEvent(tallying: Tallying<string>, event: EventFact): void {
  tallying.event('tenant', event.tenant, event.created_at);
  for (const number of new Set(event.lanes.map(numberOfLane))) {
    tallying.event('endpoint', String(number), event.created_at);
  }
}

function countAttempt(tallying: Tallying<string>, attempt: AttemptFact): void {
  const fact = {
    n: attempt.n,
    startedAt: attempt.started_at,
    durationMs: parseTimings(attempt.timings).totalMs,
    state: STATES[attempt.state] as DeliveryState,
    status: attempt.status ?? undefined,
    fault: attempt.fault ?? undefined,
    late: (attempt.flags & FLAG_LATE) !== 0,
  };
  tallying.logged('tenant', attempt.tenant, fact);
  tallying.logged('endpoint', String(numberOfLane(attempt.lane)), fact);
}

async function readPlace(db: Querying): Promise<Place> {
  const row = await db.get<Place>('select event, attempt from counted');
  return row ?? { event: 0, attempt: 0 };
}

/** false = another node has counted from there. */
async function movePlace(tx: Querying, from: Place, to: Place): Promise<boolean> {
  const moved = await tx.run(
    'update counted set event = $3, attempt = $4 where event = $1 and attempt = $2',
    from.event,
    from.attempt,
    to.event,
    to.attempt,
  );
  return moved > 0;
}

async function mergeTallies(tx: Querying, added: readonly Row<string>[]): Promise<void> {
  const keys = [
    int2s(added.map(({ kind }) => kind)),
    texts(added.map(({ of }) => of)),
    int8s(added.map(({ at }) => at)),
  ] as const;
  const known = await tx.all<TallyRow>(
    `select t.kind, t.of, t.at, ${COUNTERS.map((name) => `t.${name}`).join(', ')}, t.latencies
     from unnest($1::smallint[], $2::text[], $3::bigint[]) u(kind, of, at)
     join tally t on t.kind = u.kind and t.of = u.of and t.at = u.at`,
    ...keys,
  );
  const name = (row: Pick<TallyRow, 'kind' | 'of' | 'at'>) => `${row.kind} ${row.at} ${row.of}`;
  const byName = new Map(known.map((row) => [name(row), toTally(row)]));
  const whole = added.map((row) => {
    const tally = byName.get(name(row)) ?? new Tally();
    tally.merge(row.tally);
    return tally;
  });
  const places = COUNTERS.map((_, i) => `$${i + 4}::bigint[]`).join(', ');
  await tx.run(
    `insert into tally (kind, of, at, ${COLUMNS}, latencies)
     select * from unnest($1::smallint[], $2::text[], $3::bigint[], ${places},
       $${COUNTERS.length + 4}::bytea[])
     on conflict (kind, of, at) do update set latencies = excluded.latencies,
       ${COUNTERS.map((counter) => `${counter} = excluded.${counter}`).join(', ')}`,
    ...keys,
    ...COUNTERS.map((counter) => int8s(whole.map(({ counts }) => counts[counter]))),
    byteas(whole.map(({ latencies }) => latencies.encode())),
  );
}

async function mergeHealth(tx: Querying, logs: readonly Logged<string>[]): Promise<void> {
  for (const subject of ['tenant', 'endpoint'] as const) {
    const added = logs.filter((one) => one.subject === subject);
    if (added.length === 0) continue;
    const of = added.map((one) => one.of);
    const known = await readHealth(tx, subject, of);
    const whole = added.map((one) => one.facts.reduce(healthAfter, known.get(one.of) ?? NO_HEALTH));
    await tx.run(
      `insert into health (kind, of, last_attempt_at, last_success_at, failing_since)
       select $1::smallint, * from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
       on conflict (kind, of) do update set last_attempt_at = excluded.last_attempt_at,
         last_success_at = excluded.last_success_at, failing_since = excluded.failing_since`,
      HEALTH_KIND[subject],
      texts(of),
      int8s(whole.map(({ lastAttemptAt }) => lastAttemptAt ?? null)),
      int8s(whole.map(({ lastSuccessAt }) => lastSuccessAt ?? null)),
      int8s(whole.map(({ failingSince }) => failingSince ?? null)),
    );
  }
}

async function readHealth(
  db: Querying,
  subject: Subject,
  of: readonly string[],
): Promise<Map<string, Health>> {
  const rows = await db.all<{
    of: string;
    last_attempt_at: Ms | null;
    last_success_at: Ms | null;
    failing_since: Ms | null;
  }>(
    `select of, last_attempt_at, last_success_at, failing_since from health
     where kind = $1 and of = any($2::text[])`,
    HEALTH_KIND[subject],
    texts(of),
  );
  return new Map(
    rows.map((row) => [
      row.of,
      {
        lastAttemptAt: row.last_attempt_at ?? undefined,
        lastSuccessAt: row.last_success_at ?? undefined,
        failingSince: row.failing_since ?? undefined,
      },
    ]),
  );
}

function toTally({ kind: _kind, of: _of, at: _at, latencies, ...counts }: TallyRow): Tally {
  return new Tally(counts, Latencies.decode(latencies));
}
