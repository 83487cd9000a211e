import { matchesPattern } from '@posthorn/wire';
import type { Fault } from '../../core/exchange.ts';
import {
  type DeliveryState,
  type EndpointId,
  type EventId,
  LANE_PARTS,
  type Ms,
} from '../../core/model.ts';
import type { Part } from '../event-parts.ts';
import { fitsDelivery, isWithin } from '../log-filter.ts';
import { FLAG_LATE, STATES } from '../log-format.ts';
import type { DeliveryRow, LogQuery, Page } from '../store.ts';
import { int2s, int4s, int8s, uuid, uuidAt, uuids } from './arrays.ts';
import type { Querying } from './database.ts';
import { readParts } from './event-deliveries.ts';
import { dayOfEvent } from './partitions.ts';
import { type AttemptColumns, createdOf, type EventColumns, pageOf } from './rows.ts';
import { type Narrow, SCAN_MAX, type Scanned, scanAttempts, scanEvents } from './scan.ts';
import { Where } from './where.ts';

const NOTHING: Page<DeliveryRow> = { items: [], next: undefined };
/** Between the owed ones of a list and those that ended. */
const ALL_OWED_SEEN = 'z';

interface OwedColumns {
  readonly slot: number;
  readonly lane: number;
  readonly due_at: Ms;
  readonly event: EventId;
  readonly run: number;
  readonly endpoint: EndpointId;
}

interface EventHead {
  readonly tenant: string;
  readonly type: string;
  readonly subject: string | null;
  readonly created_at: Ms;
}

type RunKey = Pick<AttemptColumns, 'slot' | 'event' | 'lane' | 'run'>;
type LastLogged = Pick<AttemptColumns, 'n' | 'started_at' | 'next_at' | 'status' | 'fault'>;

/**
 * Deliveries have no table of their own: what is owed are the open rows, what ended is the attempt
 * that ended it. Each way of asking goes where its answer stands:
 *
 * - of an event: by lane and run (event-deliveries.ts);
 * - owed: in the order of their lanes;
 * - by another state, endpoint, status or fault: newest end first (without a state, owed ones first);
 * - anything else: newest events first, each with its own.
 */
export class PgDeliveries {
  readonly #db: Querying;

  constructor(db: Querying) {
    this.#db = db;
  }

  async list(narrow: Narrow): Promise<Page<DeliveryRow>> {
    const { query } = narrow;
    if (narrow.event) return this.#ofEvent(narrow);
    if (query.state === 'pending') return this.#owed(narrow);
    if (query.state) {
      return this.#ended(narrow, { before: numberOf(query.cursor), limit: query.limit });
    }
    const byEnd = query.endpoint ?? query.status ?? query.fault;
    if (byEnd !== undefined) return this.#owedThenEnded(narrow);
    return this.byEvent(narrow, (before, limit) => scanEvents(this.#db, narrow, { before, limit }));
  }

  async #owedThenEnded(narrow: Narrow): Promise<Page<DeliveryRow>> {
    const { cursor, limit } = narrow.query;
    if (cursor !== undefined && !cursor.startsWith('p')) {
      const before = cursor === ALL_OWED_SEEN ? undefined : numberOf(cursor);
      return this.#ended(narrow, { before, limit });
    }
    const owed = await this.#owed(narrow);
    if (owed.next !== undefined) return owed;
    const left = limit - owed.items.length;
    if (left === 0) return { ...owed, next: ALL_OWED_SEEN };
    const ended = await this.#ended(narrow, { before: undefined, limit: left });
    return { items: [...owed.items, ...ended.items], next: ended.next };
  }

  async #ended(
    narrow: Narrow,
    at: { readonly before: number | undefined; readonly limit: number },
  ): Promise<Page<DeliveryRow>> {
    const { from, to } = narrow.query;
    const more = new Where();
    more.add(`a.state <> 0 and a.flags & ${FLAG_LATE} = 0`);
    if (from !== undefined) more.add('a.event >= ?', uuidAt(from));
    if (to !== undefined) more.add('a.event < ?', uuidAt(to));
    const found = await scanAttempts(this.#db, narrow, { more, ...at });
    // A decision has no number of its own: the delivery was tried as often as the log says.
    const decided = found.rows.filter(({ n }) => n === 0);
    const sent = await this.#lastLogged(decided, true);
    return pageOf(found, (row) => toEnded(row, row.n > 0 ? row : sent.get(place(row))));
  }

  async #owed({ query, slot, number }: Narrow): Promise<Page<DeliveryRow>> {
    const where = new Where().add('d.slot = ?', slot);
    if (number !== undefined) {
      const first = number * LANE_PARTS;
      where.add('d.lane between ? and ?', first, first + LANE_PARTS - 1);
    }
    if (query.cursor !== undefined) {
      const [lane = '', due = '', event = '', run = ''] = query.cursor.slice(1).split('.');
      where.add(
        '(d.lane, d.due_at, d.event, d.run) > (?, ?, ?, ?)',
        numberOf(lane) ?? 0,
        numberOf(due) ?? 0,
        uuid(event),
        numberOf(run) ?? 0,
      );
    }
    const most = where.value(SCAN_MAX);
    const rows = await this.#db.all<OwedColumns>(
      `select d.slot, d.lane, d.due_at, d.event, d.run, n.id as endpoint
       from delivery d join endpoint n on n.number = d.lane / ${LANE_PARTS}
       where ${where.sql} order by d.slot, d.lane, d.due_at, d.event, d.run limit ${most}`,
      ...where.values,
    );
    const heads = await this.#heads(rows);
    const fitting = rows.filter((row) => fits(heads.get(row.event), query));
    // A page's worth at a time: the last attempt of each is a look-up of its own.
    const items: DeliveryRow[] = [];
    for (let i = 0; i < fitting.length; i += query.limit) {
      const some = fitting.slice(i, i + query.limit);
      const last = await this.#lastLogged(some, false);
      const sent = await this.#lastLogged(some, true);
      for (const row of some) {
        const logged = { last: last.get(place(row)), sent: sent.get(place(row)) };
        const item = toOwed(row, heads.get(row.event) as EventHead, logged);
        if (!fitsDelivery(item, query)) continue;
        items.push(item);
        if (items.length === query.limit) return { items, next: owedCursor(row) };
      }
    }
    const end = rows.length === SCAN_MAX ? rows.at(-1) : undefined;
    return { items, next: end && owedCursor(end) };
  }

  async #heads(rows: readonly OwedColumns[]): Promise<Map<EventId, EventHead>> {
    const found = new Map<EventId, EventHead>();
    const events = [...new Map(rows.map(({ event, slot }) => [event, slot]))];
    const read = async (some: readonly (readonly [EventId, number])[], byDay: boolean) => {
      const heads = await this.#db.all<EventHead & { id: EventId }>(
        `select e.id, e.tenant, e.type, e.subject, e.created_at
         from unnest($1::smallint[], $2::uuid[], $3::int[]) u(slot, id, day)
         join event e on e.slot = u.slot and e.id = u.id ${byDay ? 'and e.day = u.day' : ''}`,
        int2s(some.map(([, slot]) => slot)),
        uuids(some.map(([id]) => id)),
        int4s(some.map(([id]) => dayOfEvent(id))),
      );
      for (const { id, ...head } of heads) found.set(id, head);
    };
    await read(events, true);
    // Events whose log outlived their day have moved.
    const moved = events.filter(([id]) => !found.has(id));
    if (moved.length > 0) await read(moved, false);
    return found;
  }

  /** The last row of each run's log; `sent`: the last exchange in it. */
  async #lastLogged(runs: readonly RunKey[], sent: boolean): Promise<Map<string, LastLogged>> {
    if (runs.length === 0) return new Map();
    const rows = await this.#db.all<LastLogged & RunKey>(
      `select u.slot, u.event, u.lane, u.run, a.*
       from unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::int[]) u(slot, event, lane, run)
       cross join lateral (
         select n, started_at, next_at, status, fault from attempt a
         where a.slot = u.slot and a.event = u.event and a.lane = u.lane and a.run = u.run
           ${sent ? 'and a.n > 0' : ''} order by a.seq desc limit 1) a`,
      int2s(runs.map(({ slot }) => slot)),
      uuids(runs.map(({ event }) => event)),
      int8s(runs.map(({ lane }) => lane)),
      int4s(runs.map(({ run }) => run)),
    );
    return new Map(rows.map((row) => [place(row), row]));
  }

  async #ofEvent({ query, number, event }: Narrow): Promise<Page<DeliveryRow>> {
    if (!event) return NOTHING;
    const after = partOf(query.cursor);
    const { rows, next } = await readParts(this.#db, event, { number, after, limit: query.limit });
    const items = rows.filter((row) => fitsDelivery(row, query));
    return { items, next: next && `${next.lane}.${next.run}` };
  }

  /** Of these events. The cursor is the event under way, and the last of its deliveries if it is not done. */
  async byEvent({ query, slot, number }: Narrow, events: EventSource): Promise<Page<DeliveryRow>> {
    const [at, ...rest] = (query.cursor ?? '').split('.');
    let after = partOf(rest.length > 0 ? rest.join('.') : undefined);
    const items: DeliveryRow[] = [];
    const read = async (id: EventId, limit: number) => {
      const { rows, next } = await readParts(this.#db, { id, slot }, { number, after, limit });
      items.push(...rows.filter((row) => fitsDelivery(row, query)));
      after = undefined;
      if (next) return `${id}.${next.lane}.${next.run}`;
      return items.length === query.limit ? id : undefined;
    };
    if (after && at) {
      const full = await read(at as EventId, query.limit);
      if (full !== undefined) return { items, next: full };
    }
    const found = await events(query.cursor === undefined ? undefined : at, query.limit);
    for (const { id } of found.rows) {
      const full = await read(id, query.limit - items.length);
      if (full !== undefined) return { items, next: full };
    }
    return { items, next: found.next };
  }
}

/** Events newest first, from before the given one on. */
export type EventSource = (
  before: string | undefined,
  limit: number,
) => Promise<Scanned<EventColumns, string>>;

function fits(head: EventHead | undefined, query: LogQuery): boolean {
  return (
    head !== undefined &&
    head.tenant === query.tenant &&
    isWithin(head.created_at, query) &&
    (query.type === undefined || matchesPattern(query.type, head.type)) &&
    (query.subject === undefined || head.subject === query.subject)
  );
}

function place({ event, lane, run }: Omit<RunKey, 'slot'>): string {
  return `${event}.${lane}.${run}`;
}

function toEnded(row: AttemptColumns, sent: LastLogged | undefined): DeliveryRow {
  const { event, endpoint, lane, run, tenant, type } = row;
  return {
    ...{ event, endpoint, lane, run, tenant, type },
    state: STATES[row.state] as DeliveryState,
    attempts: sent?.n ?? 0,
    createdAt: createdOf(event),
    status: row.status ?? undefined,
    fault: row.fault ?? undefined,
    lastAttemptAt: sent?.started_at,
    nextAt: undefined,
  };
}

function toOwed(
  row: OwedColumns,
  head: EventHead,
  { last, sent }: { last: LastLogged | undefined; sent: LastLogged | undefined },
): DeliveryRow {
  const { event, endpoint, lane, run } = row;
  return {
    ...{ event, endpoint, lane, run, tenant: head.tenant, type: head.type },
    state: 'pending',
    attempts: sent?.n ?? 0,
    createdAt: head.created_at,
    status: last?.status ?? undefined,
    fault: (last?.fault ?? undefined) as Fault | undefined,
    lastAttemptAt: sent?.started_at,
    nextAt: last?.next_at ?? (run > 0 ? row.due_at : head.created_at),
  };
}

function partOf(cursor: string | undefined): Part | undefined {
  if (cursor === undefined) return undefined;
  const [lane = '', run = ''] = cursor.split('.');
  return { lane: numberOf(lane) ?? 0, run: numberOf(run) ?? 0 };
}

/** A cursor is a stranger's text; what is no number finds nothing. */
export function numberOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const number = Number(cursor);
  return Number.isSafeInteger(number) ? number : 0;
}

function owedCursor(row: OwedColumns): string {
  return `p${row.lane}.${row.due_at}.${row.event}.${row.run}`;
}
