import type { Fault } from '../../core/exchange.ts';
import { type EndpointId, LANE_PARTS, type Ms } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import type { DeliveryRow, LogQuery, Page } from '../store.ts';
import { FLAG_LATE } from './attempts.ts';
import type { Database } from './database.ts';
import { type EventKey, eventId, seqAt, slotOfRest, timeOfSeq } from './keys.ts';
import {
  type AttemptColumns,
  attemptsWhere,
  cursorRow,
  eventRows,
  type Narrow,
  narrowed,
  SELECT_ATTEMPTS,
  toAttempt,
  Where,
} from './rows.ts';

/** Rows one page may look at; a page that found little then says where to go on. */
const SCAN_MAX = 5000;
const NOTHING: Page<DeliveryRow> = { items: [], next: undefined };

interface OwedColumns {
  readonly slot: number;
  readonly lane: number;
  readonly due_at: Ms;
  readonly event: number;
  /** Of the event's id. */
  readonly rest: Uint8Array;
  readonly run: number;
  readonly attempt: number;
  readonly tenant: string;
  readonly type: string;
  readonly created_at: Ms;
  readonly endpoint: EndpointId;
}
const OWED_COLUMNS = `d.slot as slot, d.lane as lane, d.due_at as due_at, d.event as event,
  e.rest as rest, d.run as run, d.attempt as attempt, t.text as tenant, y.text as type,
  e.created_at as created_at, n.endpoint as endpoint`;
const OWED_JOINS = `join word t on t.number = e.tenant join word y on y.number = e.type
  join endpoint_number n on n.number = d.lane / ${LANE_PARTS}`;

/** A place inside an event's fan-out. */
interface Part {
  readonly lane: number;
  readonly run: number;
}

/**
 * Deliveries have no table of their own: what is owed are the open rows, what ended is the attempt
 * that ended it. Each way of asking goes where its answer stands:
 *
 * - of an event: by lane and run, owed or ended, so that a page stays true while states change;
 * - owed: in the order of their lanes;
 * - ended, by state or endpoint: newest end first (of an endpoint without a state, owed ones first);
 * - anything else: newest events first, each with its own.
 */
export class SqliteDeliveries {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  async list(query: LogQuery): Promise<Page<DeliveryRow>> {
    const narrow = narrowed(this.#db, query);
    if (!narrow) return NOTHING;
    if (narrow.event) return this.#ofEvent(narrow);
    if (query.state === 'pending') return this.#owed(narrow);
    if (query.state || narrow.number !== undefined) return this.#ended(narrow);
    return this.#byEvent(query);
  }

  #ended(query: Narrow): Page<DeliveryRow> {
    if (!query.state && (query.cursor === undefined || query.cursor.startsWith('p'))) {
      const page = this.#owed(query);
      return { items: page.items, next: page.next ?? 'z' };
    }
    const before = query.cursor === 'z' ? undefined : cursorRow(query.cursor);
    const where = attemptsWhere(query);
    if (query.from !== undefined) where.add('a.event >= ?', seqAt(query.from));
    if (query.to !== undefined) where.add('a.event < ?', seqAt(query.to));
    if (before !== undefined) where.add('a.seq < ?', before);
    const rows = this.#db.all<AttemptColumns>(
      `${SELECT_ATTEMPTS} where ${where.sql} order by a.seq desc limit ?`,
      ...where.values,
      SCAN_MAX,
    );
    const items: DeliveryRow[] = [];
    for (const row of rows) {
      if (!isEnd(row)) continue;
      items.push(toDelivery(row));
      if (items.length === query.limit) return { items, next: String(row.seq) };
    }
    const last = rows.length === SCAN_MAX ? rows.at(-1) : undefined;
    return { items, next: last && String(last.seq) };
  }

  #owed(query: Narrow): Page<DeliveryRow> {
    const where = new Where();
    where.add('d.slot = ?', slotOf(query.tenant));
    if (query.number !== undefined) {
      const first = query.number * LANE_PARTS;
      where.add('d.lane between ? and ?', first, first + LANE_PARTS - 1);
    }
    if (query.cursor !== undefined) {
      const [lane, due, event, run] = query.cursor.slice(1).split('.');
      where.add(
        '(d.lane, d.due_at, d.event, d.run) > (?, ?, ?, ?)',
        Number(lane),
        Number(due),
        Number(event),
        Number(run),
      );
    }
    const rows = this.#db.all<OwedColumns>(
      `select ${OWED_COLUMNS} from delivery d join event e on e.seq = d.event ${OWED_JOINS}
       where ${where.sql} order by d.slot, d.lane, d.due_at, d.event, d.run limit ?`,
      ...where.values,
      SCAN_MAX,
    );
    const items: DeliveryRow[] = [];
    for (const row of rows) {
      if (!fits(row, query)) continue;
      items.push(this.#toOwed(row));
      if (items.length === query.limit) return { items, next: owedCursor(row) };
    }
    const last = rows.length === SCAN_MAX ? rows.at(-1) : undefined;
    return { items, next: last && owedCursor(last) };
  }

  #toOwed(row: OwedColumns): DeliveryRow {
    const last =
      row.attempt === 0
        ? undefined
        : this.#db.get<{ status: number | null; fault: Fault | null; started_at: Ms }>(
            `select status, fault, started_at from attempt
             where event = ? and slot = ? and lane = ? and run = ? order by seq desc limit 1`,
            row.event,
            row.slot,
            row.lane,
            row.run,
          );
    return {
      event: eventId(row.event, row.rest),
      endpoint: row.endpoint,
      lane: row.lane,
      run: row.run,
      tenant: row.tenant,
      type: row.type,
      state: 'pending',
      attempts: row.attempt,
      createdAt: row.created_at,
      status: last?.status ?? undefined,
      fault: last?.fault ?? undefined,
      lastAttemptAt: last?.started_at,
      nextAt: row.due_at,
    };
  }

  #ofEvent(query: Narrow): Page<DeliveryRow> {
    const event = query.event as EventKey;
    const page = this.#parts(event, { ...query, after: partOf(query.cursor) });
    const createdAt = timeOfSeq(event.seq);
    const late = query.to !== undefined && createdAt >= query.to;
    if (late || (query.from !== undefined && createdAt < query.from)) return NOTHING;
    const { rows, next } = page;
    return { items: rows.map(({ row }) => row), next: next && `${next.lane}.${next.run}` };
  }

  /** The next deliveries of an event; owed and ended ones meet in the order of lanes and runs. */
  #parts(
    event: EventKey,
    query: Omit<Narrow, 'event'> & { readonly after: Part | undefined },
  ): { rows: (Part & { row: DeliveryRow })[]; next: Part | undefined } {
    const after = query.after ?? { lane: -1, run: 0 };
    const lanes = this.#lanesOf(event.seq, { ...query, from: after.lane });
    const end = lanes.at(-1) ?? -1;
    const owed = this.#db.all<OwedColumns>(
      // cross join: SQLite keeps the order of the tables, which here is that of the fewest rows.
      `select ${OWED_COLUMNS} from json_each(?) f
       cross join delivery d on d.slot = ? and d.lane = f.value and d.event = ?
       cross join event e on e.seq = d.event ${OWED_JOINS}
       where t.text = ? and (d.lane, d.run) > (?, ?)`,
      JSON.stringify(lanes),
      slotOfRest(event.rest),
      event.seq,
      query.tenant,
      after.lane,
      after.run,
    );
    const ended = this.#db.all<AttemptColumns>(
      // Unary +: the rows of the event are few, those of the tenant may be all there are.
      `${SELECT_ATTEMPTS} where a.event = ? and +t.text = ? and (a.lane, a.run) > (?, ?)
       and +a.lane in (select value from json_each(?)) and a.state <> 0
       and a.flags & ${FLAG_LATE} = 0`,
      event.seq,
      query.tenant,
      after.lane,
      after.run,
      JSON.stringify(lanes),
    );
    const all = [
      ...owed.map((one) => ({ lane: one.lane, run: one.run, row: this.#toOwed(one) })),
      ...ended.map((one) => ({ lane: one.lane, run: one.run, row: toDelivery(one) })),
    ].sort((a, b) => a.lane - b.lane || a.run - b.run);
    const taken = all.slice(0, query.limit);
    const rows = taken.filter(
      ({ row }) =>
        (query.state === undefined || row.state === query.state) &&
        (query.type === undefined || row.type === query.type),
    );
    if (all.length > query.limit) return { rows, next: taken.at(-1) };
    const more = lanes.length > query.limit;
    return { rows, next: more ? { lane: end, run: Number.MAX_SAFE_INTEGER } : undefined };
  }

  /** The next lanes that the event goes to: enough for a page, as each has a delivery or will. */
  #lanesOf(
    seq: number,
    { number, from, limit }: Pick<Narrow, 'number' | 'limit'> & { readonly from: number },
  ): number[] {
    const first = number === undefined ? 0 : number * LANE_PARTS;
    const last = number === undefined ? Number.MAX_SAFE_INTEGER : first + LANE_PARTS - 1;
    return this.#db
      .all<{ lane: number }>(
        `select f.value as lane from event e join json_each(e.lanes) f
         where e.seq = ? and f.value between ? and ? order by f.value limit ?`,
        seq,
        Math.max(first, from),
        last,
        limit + 1,
      )
      .map(({ lane }) => lane);
  }

  /** The cursor is the event under way, and the last of its deliveries if it is not done. */
  #byEvent(query: LogQuery): Page<DeliveryRow> {
    const { tenant, limit } = query;
    const [at, ...rest] = (query.cursor ?? '').split('.');
    let part = partOf(rest.length > 0 ? rest.join('.') : undefined);
    const from = cursorRow(query.cursor === undefined ? undefined : at);
    const before = part && from !== undefined ? from + 1 : from;
    const events = eventRows(this.#db, { ...query, before }, limit + 1);
    const items: DeliveryRow[] = [];
    for (const event of events.slice(0, limit)) {
      const left = { tenant, limit: limit - items.length, number: undefined, after: part };
      const { rows, next } = this.#parts(event, left);
      part = undefined;
      items.push(...rows.map(({ row }) => row));
      if (next) return { items, next: `${event.seq}.${next.lane}.${next.run}` };
      if (items.length === limit) return { items, next: String(event.seq) };
    }
    const more = events.length > limit;
    return { items, next: more ? String(events[limit - 1]?.seq) : undefined };
  }
}

function partOf(cursor: string | undefined): Part | undefined {
  if (cursor === undefined) return undefined;
  const [lane, run] = cursor.split('.').map(Number);
  return { lane: lane ?? Number.NaN, run: run ?? Number.NaN };
}

function owedCursor(row: OwedColumns): string {
  return `p${row.lane}.${row.due_at}.${row.event}.${row.run}`;
}

function fits(row: OwedColumns, query: Narrow): boolean {
  return (
    row.tenant === query.tenant &&
    (query.type === undefined || row.type === query.type) &&
    (query.from === undefined || row.created_at >= query.from) &&
    (query.to === undefined || row.created_at < query.to)
  );
}

function isEnd(row: AttemptColumns): boolean {
  return row.state !== 0 && (row.flags & FLAG_LATE) === 0;
}

function toDelivery(row: AttemptColumns): DeliveryRow {
  const attempt = toAttempt(row);
  const { event, endpoint, run, tenant, type, state, status, fault } = attempt;
  return {
    event,
    endpoint,
    lane: row.lane,
    run,
    tenant,
    type,
    state,
    attempts: attempt.n,
    createdAt: timeOfSeq(row.event),
    status,
    fault,
    lastAttemptAt: attempt.n > 0 ? attempt.startedAt : undefined,
    nextAt: undefined,
  };
}
