import type { Fault } from '../../../core/exchange.ts';
import type { DeliveryState, Ms } from '../../../core/model.ts';
import { numberOfLane } from '../../../core/routing.ts';
import { FLAG_LATE, STATES } from '../../log-format.ts';
import { Tallying } from '../../tallying.ts';
import type { Database } from '../database.ts';
import { SEQ_MIN } from '../keys.ts';
import { readMeta, writeMeta } from './file.ts';
import { Marks } from './marks.ts';

/** Following the log by the keys of its rows, which grow; events that were stored late are told apart. */

/** How far the log was counted. */
export interface CountPlace {
  readonly event: number;
  readonly late: number;
  readonly attempt: number;
  /** Of the attempt at that place: another log has another one there. */
  readonly anchor: string;
}

/** Of the fan-outs of one step together, about 50,000 lanes: each of them is counted. */
const LANES_CHARS_MAX = 300_000;

export function readPlace(db: Database): CountPlace {
  return {
    event: Number(readMeta(db, 'counted_event') ?? SEQ_MIN),
    late: Number(readMeta(db, 'counted_late') ?? 0),
    attempt: Number(readMeta(db, 'counted_attempt') ?? 0),
    anchor: String(readMeta(db, 'counted_anchor') ?? ''),
  };
}

export function writePlace(db: Database, place: CountPlace): void {
  writeMeta(db, 'counted_event', place.event);
  writeMeta(db, 'counted_late', place.late);
  writeMeta(db, 'counted_attempt', place.attempt);
  writeMeta(db, 'counted_anchor', place.anchor);
}

interface EventFact {
  readonly seq: number;
  readonly tenant: number;
  readonly type: number;
  readonly created_at: Ms;
  readonly lanes: string;
}

interface AttemptFact {
  readonly seq: number;
  readonly event: number;
  readonly tenant: number;
  readonly type: number;
  readonly lane: number;
  readonly n: number;
  readonly started_at: Ms;
  readonly state: number;
  readonly status: number | null;
  readonly fault: Fault | null;
  readonly flags: number;
  readonly timings: string;
}

export interface Counted {
  readonly place: CountPlace;
  readonly tallying: Tallying<number>;
  readonly marks: Marks;
  readonly rows: number;
  /** Everything up to then is counted; undefined = everything there is. */
  readonly upTo: Ms | undefined;
}

/** What comes behind `place`, at most `rows` events and as many attempts. Reads the log only. */
export function count(log: Database, place: CountPlace, rows: number): Counted {
  // One state of the log, or an event could be late and yet read in its order.
  log.exec('begin');
  try {
    return countIn(log, place, rows);
  } finally {
    log.exec('commit');
  }
}

function countIn(log: Database, place: CountPlace, limit: number): Counted {
  const events = log.all<EventFact>(
    'select seq, tenant, type, created_at, lanes from event where seq > ? order by seq limit ?',
    place.event,
    limit,
  );
  const late = log.all<EventFact & { n: number }>(
    `select l.n as n, l.event as seq, e.tenant as tenant, e.type as type,
       e.created_at as created_at, e.lanes as lanes
     from late_event l join event e on e.seq = l.event where l.n > ? order by l.n limit ?`,
    place.late,
    limit,
  );
  const attempts = log.all<AttemptFact>(
    `select seq, event, tenant, type, lane, n, started_at, state, status, fault, flags, timings
     from attempt where seq > ? order by seq limit ?`,
    place.attempt,
    limit,
  );
  const met = upToWidth(events);
  const tallying = new Tallying<number>();
  const marks = new Marks();
  // Late ones that are not behind this place are met in their order.
  const behind = late.filter(({ seq }) => seq <= place.event);
  for (const event of [...met, ...behind]) {
    countEvent(tallying, event);
    marks.event(event);
  }
  for (const attempt of attempts) {
    countAttempt(tallying, attempt);
    marks.attempt({ ...attempt, number: numberOfLane(attempt.lane) });
  }
  const lastAttempt = attempts.at(-1);
  const left = [
    ...(met.length < events.length || met.length === limit ? [met.at(-1)?.created_at ?? 0] : []),
    ...(late.length === limit ? [late.at(-1)?.created_at ?? 0] : []),
    ...(attempts.length === limit ? [attempts.at(-1)?.started_at ?? 0] : []),
  ];
  return {
    place: {
      event: met.at(-1)?.seq ?? place.event,
      late: late.at(-1)?.n ?? place.late,
      attempt: lastAttempt?.seq ?? place.attempt,
      anchor: lastAttempt ? anchorOf(lastAttempt) : place.anchor,
    },
    tallying,
    marks,
    rows: met.length + late.length + attempts.length,
    upTo: left.length > 0 ? Math.min(...left) : undefined,
  };
}

export function anchorOf(row: { readonly event: number; readonly started_at: Ms }): string {
  return `${row.event}.${row.started_at}`;
}

/** The first ones, as far as they go to a bounded number of lanes; one at least. */
function upToWidth(events: readonly EventFact[]): readonly EventFact[] {
  let chars = 0;
  const end = events.findIndex(({ lanes }, i) => {
    chars += lanes.length;
    return i > 0 && chars > LANES_CHARS_MAX;
  });
  return end < 0 ? events : events.slice(0, end);
}

function countEvent(tallying: Tallying<number>, event: EventFact): void {
  tallying.event('tenant', event.tenant, event.created_at);
  const numbers = new Set((JSON.parse(event.lanes) as number[]).map(numberOfLane));
  for (const number of numbers) tallying.event('endpoint', number, event.created_at);
}

function countAttempt(tallying: Tallying<number>, attempt: AttemptFact): void {
  const fact = {
    n: attempt.n,
    startedAt: attempt.started_at,
    durationMs: totalMs(attempt.timings),
    state: STATES[attempt.state] as DeliveryState,
    status: attempt.status ?? undefined,
    fault: attempt.fault ?? undefined,
    late: (attempt.flags & FLAG_LATE) !== 0,
  };
  tallying.logged('tenant', attempt.tenant, fact);
  tallying.logged('endpoint', numberOfLane(attempt.lane), fact);
}

/** The last of the timings; the others are not needed here. */
function totalMs(timings: string): number {
  return Number(timings.slice(timings.lastIndexOf(' ') + 1)) / 10;
}
