import type { Ms } from '../../core/model.ts';
import { FLAG_ERASED } from '../log-format.ts';
import { CAP_END } from '../retention.ts';
import type { RetentionPolicy } from '../store.ts';
import { blankAttempt, blankEvent } from './blank.ts';
import type { Engine } from './engine.ts';
import { SEQ_MIN } from './keys.ts';
import type { OwedSet } from './owed-set.ts';
import type { Sweep } from './retention-state.ts';

export const FROM_THE_START = { event: SEQ_MIN, attempt: 0, left: undefined } as const;

export interface Swept {
  readonly events: number;
  readonly removed: number;
  readonly erased: number;
  /** Where the next step goes on; undefined = it has come to the end. */
  readonly next: Sweep | undefined;
}

/** What one step may take from the store, beside its rows. */
export const STEP_BYTES = 1024 * 1024;

interface AttemptRow {
  readonly seq: number;
  readonly event: number;
  readonly started_at: Ms;
  readonly n: number;
  readonly flags: number;
  readonly bytes: number;
}
interface EventRow {
  readonly seq: number;
  readonly erased_at: Ms | null;
  readonly bytes: number;
}

/** One step of the first sweep of a pass. */
export function sweepOn(
  engine: Engine,
  { sweeps, owed }: { readonly sweeps: readonly Sweep[]; readonly owed: OwedSet },
  by: { readonly policy: RetentionPolicy; readonly now: Ms },
): Swept {
  const sweep = begun(engine, sweeps[0] as Sweep, owed);
  const until = Math.min(sweep.until, owed.until);
  const part = nextPart(engine, sweep, { until, chunk: by.policy.chunk });
  const spared = youngIn(engine, { sweep, part }, by.now - by.policy.logMs);
  const isMeant = (seq: number) => !owed.has(seq) && !spared.has(seq);
  const work = new Work(engine, sweep, by.now);
  for (const row of part.attempts) if (isMeant(row.event)) work.attempt(row);
  for (const row of part.events) if (isMeant(row.seq)) work.event(row);
  const { wide } = part;
  if (wide !== undefined && isMeant(wide)) work.wide(wide);
  const skipped = part.events.find(({ seq }) => owed.has(seq))?.seq;
  const passed = wide !== undefined && !isMeant(wide) ? { event: wide + 1, attempt: 0 } : part.next;
  const left = sweep.left ?? skipped ?? (wide !== undefined && owed.has(wide) ? wide : undefined);
  const next = { ...sweep, ...passed, left };
  // Never in the middle of an event: what is left of it would look as if it were owed.
  const enough = wide === undefined && isSmallEnough(engine, sweep, by.policy);
  const over = next.event >= until || enough;
  if (over && sweep.kind === 'payload') remember(engine, owed, next.left ?? until);
  const { events, removed, erased } = work;
  return { events, removed: removed + events, erased, next: over ? undefined : next };
}

/** A sweep begins with its window; one for payloads where the last one came to. */
function begun(engine: Engine, sweep: Sweep, owed: OwedSet): Sweep {
  if (sweep.event > SEQ_MIN) return sweep;
  const done = sweep.kind === 'payload' ? payloadsSwept(engine) : SEQ_MIN;
  return { ...sweep, event: Math.max(owed.from, done) };
}

/** Of events before it no payload is left. */
function payloadsSwept(engine: Engine): number {
  return Number(engine.meta('payload_swept') ?? SEQ_MIN);
}

/** What an earlier window has left is still to be done. */
function remember(engine: Engine, owed: OwedSet, until: number): void {
  if (payloadsSwept(engine) >= owed.from) engine.setMeta('payload_swept', until);
}

function isSmallEnough(
  engine: Engine,
  { kind }: Sweep,
  { bytesMax = 0 }: RetentionPolicy,
): boolean {
  return kind === 'size' && engine.usedBytes() <= bytesMax * CAP_END;
}

/** What is done to the rows of one step. */
class Work {
  events = 0;
  removed = 0;
  erased = 0;
  readonly #engine: Engine;
  readonly #kind: Sweep['kind'];
  readonly #now: Ms;

  constructor(engine: Engine, { kind }: Sweep, now: Ms) {
    this.#engine = engine;
    this.#kind = kind;
    this.#now = now;
  }

  attempt(row: AttemptRow): void {
    if (this.#kind === 'payload') {
      // Decisions without an exchange hold no bytes.
      if (row.n > 0 && !(row.flags & FLAG_ERASED)) blankAttempt(this.#engine, row.seq);
    } else this.removed += this.#engine.db.run('delete from attempt where seq = ?', row.seq);
  }

  event({ seq, erased_at }: EventRow): void {
    if (this.#kind !== 'payload') {
      this.events += this.#engine.db.run('delete from event where seq = ?', seq);
    } else if (erased_at === null) {
      this.erased += blankEvent(this.#engine, seq, this.#now);
    }
  }

  /** Some of its attempts are gone, the others follow: nobody may think that it is owed or missing. */
  wide(seq: number): void {
    if (this.#kind !== 'size') return;
    blankEvent(this.#engine, seq, this.#now);
    this.#engine.db.run("update event set lanes = '[]' where seq = ?", seq);
  }
}

/** Events whose log is not old enough, as one of their attempts is young. */
function youngIn(
  { db }: Engine,
  { sweep, part }: { readonly sweep: Sweep; readonly part: Part },
  logFrom: Ms,
): Set<number> {
  if (sweep.kind !== 'log') return new Set();
  const young = part.attempts.filter((row) => row.started_at >= logFrom).map(({ event }) => event);
  const { wide } = part;
  // Asked once: from then on the cursor is inside it.
  if (wide !== undefined && !(wide === sweep.event && sweep.attempt > 0)) {
    const sql = 'select 1 from attempt where event = ? and started_at >= ? limit 1';
    if (db.get<object>(sql, wide, logFrom)) young.push(wide);
  }
  return new Set(young);
}

interface Part {
  /** Whole events with all their attempts; or, if one has too many, some of its attempts. */
  readonly events: readonly EventRow[];
  readonly attempts: readonly AttemptRow[];
  readonly wide: number | undefined;
  readonly next: Pick<Sweep, 'event' | 'attempt'>;
}

/** What one step looks at: bounded in rows and in bytes. */
function nextPart(
  engine: Engine,
  sweep: Sweep,
  { until, chunk }: { until: number; chunk: number },
): Part {
  const events = nextEvents(engine, sweep, { until, chunk });
  const end = events.more ? (events.taken.at(-1)?.seq ?? until) + 1 : until;
  const attempts = nextAttempts(engine, sweep, { until: end, chunk });
  const last = attempts.more ? attempts.taken.at(-1) : undefined;
  if (!last) {
    const next = { event: end, attempt: 0 };
    return { events: events.taken, attempts: attempts.taken, wide: undefined, next };
  }
  const whole = attempts.taken.filter(({ event }) => event < last.event);
  const wide = whole.length === 0 ? last.event : undefined;
  return {
    events: events.taken.filter(({ seq }) => seq < last.event),
    attempts: wide === undefined ? whole : attempts.taken,
    wide,
    next: { event: last.event, attempt: wide === undefined ? 0 : last.seq },
  };
}

function nextEvents(
  engine: Engine,
  { event }: Sweep,
  { until, chunk }: { until: number; chunk: number },
): Taken<EventRow> {
  const rows = engine.db.all<EventRow>(
    `select seq, erased_at, length(data) as bytes from event
     where seq >= ? and seq < ? order by seq limit ?`,
    event,
    until,
    chunk,
  );
  return bounded(rows, chunk);
}

export const ATTEMPT_BYTES = ['req_head', 'body_before', 'body_after', 'res_head', 'res_body']
  .map((name) => `ifnull(length(${name}), 0)`)
  .join(' + ');

function nextAttempts(
  engine: Engine,
  { event, attempt }: Sweep,
  { until, chunk }: { until: number; chunk: number },
): Taken<AttemptRow> {
  const rows = engine.db.all<AttemptRow>(
    `select seq, event, started_at, n, flags, ${ATTEMPT_BYTES} as bytes from attempt
     where (event, seq) > (?, ?) and event < ? order by event, seq limit ?`,
    event,
    attempt,
    until,
    chunk,
  );
  return bounded(rows, chunk);
}

interface Taken<R> {
  readonly taken: readonly R[];
  /** There may be more behind them. */
  readonly more: boolean;
}

/** Rows until they hold as many bytes as a step may free; one of them always. */
export function bounded<R extends { readonly bytes: number }>(
  rows: readonly R[],
  chunk: number,
): Taken<R> {
  let bytes = 0;
  const end = rows.findIndex((row) => {
    bytes += row.bytes;
    return bytes > STEP_BYTES;
  });
  if (end < 0) return { taken: rows, more: rows.length === chunk };
  return { taken: rows.slice(0, end + 1), more: true };
}
