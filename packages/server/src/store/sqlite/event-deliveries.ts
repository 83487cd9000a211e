import type { Fault } from '../../core/exchange.ts';
import { type DeliveryState, type EndpointId, LANE_PARTS, type Ms } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import type { DeliveryRow } from '../store.ts';
import { FLAG_LATE } from './attempts.ts';
import type { Database } from './database.ts';
import { STATES } from './engine.ts';
import { type EventKey, eventId } from './keys.ts';

/** A place inside an event's fan-out. */
export interface Part {
  readonly lane: number;
  readonly run: number;
}

export interface PartsQuery {
  /** Of an endpoint: only its part of the fan-out. */
  readonly number: number | undefined;
  readonly after: Part | undefined;
  readonly limit: number;
}

export interface Parts {
  readonly rows: DeliveryRow[];
  /** The last one looked at; undefined = that was all. */
  readonly next: Part | undefined;
}

/**
 * The deliveries of one event, by lane and run, read from its fan-out and its attempts: a run that
 * no attempt ended is owed. Its open row is not asked for, because only its lane leads there, and a
 * lane may hold a million of them; runs that somebody asked for later have an index (owed.ts). So a
 * page stays true while states change, and costs what the event's own log costs.
 */
export function partsOf(db: Database, event: EventKey, query: PartsQuery): Parts {
  const after = query.after ?? { lane: -1, run: -1 };
  const head = readHead(db, event.seq);
  if (!head) return { rows: [], next: undefined };
  const fanOut = JSON.parse(head.lanes) as number[];
  const wanted = fanOut
    .filter((lane) => query.number === undefined || numberOfLane(lane) === query.number)
    .filter((lane) => lane >= after.lane)
    .sort((a, b) => a - b);
  // As each lane has a delivery, they fill a page; one more for the lane the page before ended in.
  const page = wanted.slice(0, query.limit + 1);
  const runs = runsOf(db, event.seq, { fanOut, page });
  const rest = runs
    .filter(({ lane, run }) => page.includes(lane) && (lane > after.lane || run > after.run))
    .sort((a, b) => a.lane - b.lane || a.run - b.run);
  const taken = rest.slice(0, query.limit);
  const endpoints = endpointsOf(db, page);
  const id = eventId(event.seq, event.rest);
  const rows = taken.flatMap((run) => {
    const endpoint = endpoints.get(numberOfLane(run.lane));
    return endpoint === undefined ? [] : [{ event: id, endpoint, ...toDelivery(head, run) }];
  });
  const last = taken.at(-1) ?? { lane: page.at(-1) ?? 0, run: Number.MAX_SAFE_INTEGER };
  const more = rest.length > taken.length || wanted.length > page.length;
  return { rows, next: more ? { lane: last.lane, run: last.run } : undefined };
}

interface Head {
  readonly tenant: string;
  readonly type: string;
  readonly created_at: Ms;
  readonly lanes: string;
}

function readHead(db: Database, seq: number): Head | undefined {
  return db.get<Head>(
    `select t.text as tenant, y.text as type, e.created_at as created_at, e.lanes as lanes
     from event e join word t on t.number = e.tenant join word y on y.number = e.type
     where e.seq = ?`,
    seq,
  );
}

function endpointsOf(db: Database, lanes: readonly number[]): Map<number, EndpointId> {
  const rows = db.all<{ number: number; endpoint: EndpointId }>(
    `select number, endpoint from endpoint_number
     where number in (select value / ${LANE_PARTS} from json_each(?))`,
    JSON.stringify(lanes),
  );
  return new Map(rows.map(({ number, endpoint }) => [number, endpoint]));
}

interface Logged extends Part {
  readonly n: number;
  readonly started_at: Ms;
  readonly state: number;
  readonly next_at: Ms | null;
  readonly status: number | null;
  readonly fault: Fault | null;
  readonly flags: number;
}

interface Run extends Part {
  /** Oldest first. */
  readonly logged: Logged[];
  /** When it is due if no attempt says so. */
  readonly dueAt: Ms | undefined;
}

/** Of all endpoints on the page: what is owed of one is known when all its lanes are looked at. */
function runsOf(
  db: Database,
  seq: number,
  { fanOut, page }: { readonly fanOut: readonly number[]; readonly page: readonly number[] },
): Run[] {
  const numbers = new Set(page.map(numberOfLane));
  const lanes = fanOut.filter((lane) => numbers.has(numberOfLane(lane)));
  const found = new Map<string, Run>();
  const place = ({ lane, run }: Part) => `${lane}.${run}`;
  // An endpoint's later lanes were added for later runs.
  for (const lane of lanes) {
    if (numbers.delete(numberOfLane(lane))) {
      found.set(place({ lane, run: 0 }), { lane, run: 0, logged: [], dueAt: undefined });
    }
  }
  const json = JSON.stringify(lanes);
  for (const { lane, run, due_at: dueAt } of db.all<Part & { due_at: Ms }>(
    `select lane, run, due_at from delivery indexed by delivery_again
     where event = ? and run > 0 and +lane in (select value from json_each(?))`,
    seq,
    json,
  )) {
    found.set(place({ lane, run }), { lane, run, logged: [], dueAt });
  }
  for (const row of db.all<Logged>(
    `select lane, run, n, started_at, state, next_at, status, fault, flags
     from attempt indexed by attempt_event
     where event = ? and +lane in (select value from json_each(?)) order by seq`,
    seq,
    json,
  )) {
    const { lane, run } = row;
    const known = found.get(place(row)) ?? { lane, run, logged: [], dueAt: undefined };
    found.set(place(row), known);
    known.logged.push(row);
  }
  return withoutForgotten([...found.values()]);
}

/**
 * One run of an endpoint is owed at most, and the next one begins after its end: an earlier one
 * without an end in the log ended before the log begins.
 */
function withoutForgotten(runs: readonly Run[]): Run[] {
  const last = new Map<number, number>();
  for (const { lane, run } of runs) {
    const number = numberOfLane(lane);
    last.set(number, Math.max(last.get(number) ?? 0, run));
  }
  return runs.filter((one) => endOf(one) || one.run === last.get(numberOfLane(one.lane)));
}

function endOf({ logged }: Run): Logged | undefined {
  return logged.findLast(({ state, flags }) => state !== 0 && (flags & FLAG_LATE) === 0);
}

function toDelivery(head: Head, run: Run): Omit<DeliveryRow, 'event' | 'endpoint'> {
  const { logged, dueAt } = run;
  const end = endOf(run);
  const last = end ?? logged.at(-1);
  // A decision, such as a cancellation, is no attempt.
  const sent = last && last.n > 0 ? last : logged.findLast(({ n }) => n > 0);
  return {
    lane: run.lane,
    run: run.run,
    tenant: head.tenant,
    type: head.type,
    state: end ? (STATES[end.state] as DeliveryState) : 'pending',
    attempts: sent?.n ?? 0,
    createdAt: head.created_at,
    status: last?.status ?? undefined,
    fault: last?.fault ?? undefined,
    lastAttemptAt: sent?.started_at,
    nextAt: end ? undefined : (last?.next_at ?? dueAt ?? head.created_at),
  };
}
