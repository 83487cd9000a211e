import type { Fault } from '../core/exchange.ts';
import type { DeliveryState, EndpointId, EventId, LaneId, Ms } from '../core/model.ts';
import { numberOfLane } from '../core/routing.ts';
import { FLAG_LATE, STATES } from './log-format.ts';
import type { DeliveryRow } from './store.ts';

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

export interface EventHead {
  readonly tenant: string;
  readonly type: string;
  readonly created_at: Ms;
}

/** A row of the log, as far as deliveries are told by it. */
export interface Logged extends Part {
  readonly n: number;
  readonly started_at: Ms;
  readonly state: number;
  readonly next_at: Ms | null;
  readonly status: number | null;
  readonly fault: Fault | null;
  readonly flags: number;
}

/** What an engine reads of one event. */
export interface EventRecord {
  readonly id: EventId;
  readonly head: EventHead;
  readonly fanOut: readonly LaneId[];
}

export interface PageOfLanes {
  /** Their deliveries fill a page. */
  readonly page: readonly LaneId[];
  /** All lanes of the endpoints on it: what is owed of one is known when all are looked at. */
  readonly lanes: readonly LaneId[];
  readonly more: boolean;
}

/** As each lane has a delivery, they fill a page; one more for the lane the page before ended in. */
export function pageOfLanes(fanOut: readonly LaneId[], query: PartsQuery): PageOfLanes {
  const from = query.after?.lane ?? -1;
  const wanted = fanOut
    .filter((lane) => query.number === undefined || numberOfLane(lane) === query.number)
    .filter((lane) => lane >= from)
    .sort((a, b) => a - b);
  const page = wanted.slice(0, query.limit + 1);
  const numbers = new Set(page.map(numberOfLane));
  const lanes = fanOut.filter((lane) => numbers.has(numberOfLane(lane)));
  return { page, lanes, more: wanted.length > page.length };
}

export interface FoundRuns {
  /** Open rows of later runs. */
  readonly again: readonly (Part & { readonly due_at: Ms })[];
  /** In the order of the log. */
  readonly logged: readonly Logged[];
  /** By number. */
  readonly endpoints: ReadonlyMap<number, EndpointId>;
}

/**
 * The deliveries of one event, by lane and run, told by its fan-out and its attempts: a run that no
 * attempt ended is owed. Its open row is not asked for, because only its lane leads there, and a lane
 * may hold a million of them; runs that somebody asked for later have an index. So a page stays true
 * while states change, and costs what the event's own log costs.
 */
export function partsOf(
  { id, head }: EventRecord,
  { page, lanes, more, ...found }: PageOfLanes & FoundRuns,
  query: PartsQuery,
): Parts {
  const after = query.after ?? { lane: -1, run: -1 };
  const rest = runsOf(lanes, found)
    .filter(({ lane, run }) => page.includes(lane) && (lane > after.lane || run > after.run))
    .sort((a, b) => a.lane - b.lane || a.run - b.run);
  const taken = rest.slice(0, query.limit);
  const rows = taken.flatMap((run) => {
    const endpoint = found.endpoints.get(numberOfLane(run.lane));
    return endpoint === undefined ? [] : [{ event: id, endpoint, ...toDelivery(head, run) }];
  });
  const last = taken.at(-1) ?? { lane: page.at(-1) ?? 0, run: Number.MAX_SAFE_INTEGER };
  const unread = rest.length > taken.length || more;
  return { rows, next: unread ? { lane: last.lane, run: last.run } : undefined };
}

interface Run extends Part {
  /** Oldest first. */
  readonly logged: Logged[];
  /** When it is due if no attempt says so. */
  readonly dueAt: Ms | undefined;
}

function runsOf(
  lanes: readonly LaneId[],
  { again, logged }: Pick<FoundRuns, 'again' | 'logged'>,
): Run[] {
  const found = new Map<string, Run>();
  const place = ({ lane, run }: Part) => `${lane}.${run}`;
  const numbers = new Set(lanes.map(numberOfLane));
  // An endpoint's later lanes were added for later runs.
  for (const lane of lanes) {
    if (numbers.delete(numberOfLane(lane))) {
      found.set(place({ lane, run: 0 }), { lane, run: 0, logged: [], dueAt: undefined });
    }
  }
  for (const { lane, run, due_at: dueAt } of again) {
    found.set(place({ lane, run }), { lane, run, logged: [], dueAt });
  }
  for (const row of logged) {
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

function toDelivery(head: EventHead, run: Run): Omit<DeliveryRow, 'event' | 'endpoint'> {
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
