import { matchesPattern } from '@posthorn/wire';
import { type DeliveryState, type EndpointId, LANE_PARTS, type Ms } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import { fitsDelivery, isWithin } from '../log-filter.ts';
import { FLAG_LATE, STATES } from '../log-format.ts';
import type { DeliveryRow, Page } from '../store.ts';
import type { Database } from './database.ts';
import { readDeliveries } from './event-deliveries.ts';
import { EventPage } from './event-page.ts';
import type { Finder } from './finder.ts';
import { type EventKey, eventId, timeOfSeq } from './keys.ts';
import { type Narrow, SUBJECT, Where } from './narrow.ts';
import { type AttemptColumns, cursorRow, pageOf } from './rows.ts';
import { SCAN_MAX, type Scan, scanAttempts, scanEvents } from './scan.ts';

/** Between the owed ones of a list and those that ended. */
const ALL_OWED_SEEN = 'z';

interface OwedColumns {
  readonly slot: number;
  readonly lane: number;
  readonly due_at: Ms;
  readonly event: number;
  /** Of the event's id. */
  readonly rest: Uint8Array;
  readonly run: number;
  readonly tenant: string;
  readonly type: string;
  readonly subject: string | null;
  readonly created_at: Ms;
  readonly endpoint: EndpointId;
}
const OWED_COLUMNS = `d.slot as slot, d.lane as lane, d.due_at as due_at, d.event as event,
  e.rest as rest, d.run as run, t.text as tenant, y.text as type, e.created_at as created_at,
  ${SUBJECT} as subject,
  n.endpoint as endpoint`;
const OWED_JOINS = `join word t on t.number = e.tenant join word y on y.number = e.type
  join endpoint_number n on n.number = d.lane / ${LANE_PARTS}`;

/**
 * Deliveries have no table of their own: what is owed are the open rows, what ended is the attempt
 * that ended it. Each way of asking goes where its answer stands:
 *
 * - of an event: by lane and run (event-deliveries.ts);
 * - owed: in the order of their lanes;
 * - by another state, endpoint, status or fault: newest end first (without a state, owed ones first);
 * - anything else: newest events first, each with its own.
 */
export class SqliteDeliveries {
  readonly #db: Database;
  readonly #finder: Finder;

  constructor(db: Database, finder: Finder) {
    this.#db = db;
    this.#finder = finder;
  }

  list(narrow: Narrow): Page<DeliveryRow> {
    const { query } = narrow;
    if (narrow.event) return this.#ofEvent(narrow, narrow.event);
    if (query.state === 'pending') return this.#owed(narrow);
    if (query.state) {
      return this.#ended(narrow, { before: cursorRow(query.cursor), limit: query.limit });
    }
    const byEnd = query.endpoint ?? query.status ?? query.fault;
    return byEnd === undefined ? this.#byEvent(narrow) : this.#owedThenEnded(narrow);
  }

  #owedThenEnded(narrow: Narrow): Page<DeliveryRow> {
    const { cursor, limit } = narrow.query;
    if (cursor !== undefined && !cursor.startsWith('p')) {
      const before = cursor === ALL_OWED_SEEN ? undefined : cursorRow(cursor);
      return this.#ended(narrow, { before, limit });
    }
    const owed = this.#owed(narrow);
    if (owed.next !== undefined) return owed;
    const left = limit - owed.items.length;
    if (left === 0) return { ...owed, next: ALL_OWED_SEEN };
    const ended = this.#ended(narrow, { before: undefined, limit: left });
    return { items: [...owed.items, ...ended.items], next: ended.next };
  }

  #ended(narrow: Narrow, at: Pick<Scan, 'before' | 'limit'>): Page<DeliveryRow> {
    const { from, to } = narrow.query;
    const more = new Where();
    more.add(`a.state <> 0 and a.flags & ${FLAG_LATE} = 0`);
    if (from !== undefined) more.add('e.created_at >= ?', from);
    if (to !== undefined) more.add('e.created_at < ?', to);
    // Nothing is attempted before it is stored.
    const time = { from, to: undefined };
    const scan = { more, time, finder: this.#finder, ...at };
    return pageOf(scanAttempts(this.#db, narrow, scan), (row) => this.#toEnded(row));
  }

  /** A decision has no number of its own: the delivery was tried as often as the log says. */
  #toEnded(row: AttemptColumns): DeliveryRow {
    const sent = row.n > 0 ? row : this.#lastLogged(row, 'and n > 0');
    return {
      event: eventId(row.event, row.rest),
      endpoint: row.endpoint,
      lane: row.lane,
      run: row.run,
      tenant: row.tenant,
      type: row.type,
      state: STATES[row.state] as DeliveryState,
      attempts: sent?.n ?? 0,
      createdAt: row.created_at ?? timeOfSeq(row.event),
      status: row.status ?? undefined,
      fault: row.fault ?? undefined,
      lastAttemptAt: sent?.started_at,
      nextAt: undefined,
    };
  }

  #owed(narrow: Narrow): Page<DeliveryRow> {
    const { query, number } = narrow;
    const where = new Where();
    where.add('d.slot = ?', slotOf(query.tenant));
    if (number !== undefined) {
      const first = number * LANE_PARTS;
      where.add('d.lane between ? and ?', first, first + LANE_PARTS - 1);
    }
    if (query.cursor !== undefined) {
      const [lane, due, event, run] = query.cursor.slice(1).split('.').map(Number);
      where.add(
        '(d.lane, d.due_at, d.event, d.run) > (?, ?, ?, ?)',
        lane ?? Number.NaN,
        due ?? Number.NaN,
        event ?? Number.NaN,
        run ?? Number.NaN,
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
      // First what the row itself says: its last attempt is a look-up of its own.
      if (row.tenant !== query.tenant || !isWithin(row.created_at, query)) continue;
      if (query.type !== undefined && !matchesPattern(query.type, row.type)) continue;
      if (query.subject !== undefined && row.subject !== query.subject) continue;
      const item = this.#toOwed(row);
      if (!fitsDelivery(item, query)) continue;
      items.push(item);
      if (items.length === query.limit) return { items, next: owedCursor(row) };
    }
    const last = rows.length === SCAN_MAX ? rows.at(-1) : undefined;
    return { items, next: last && owedCursor(last) };
  }

  #toOwed(row: OwedColumns): DeliveryRow {
    const last = this.#lastLogged(row, '');
    const sent = last && last.n === 0 ? this.#lastLogged(row, 'and n > 0') : last;
    return {
      event: eventId(row.event, row.rest),
      endpoint: row.endpoint,
      lane: row.lane,
      run: row.run,
      tenant: row.tenant,
      type: row.type,
      state: 'pending',
      attempts: sent?.n ?? 0,
      createdAt: row.created_at,
      status: last?.status ?? undefined,
      fault: last?.fault ?? undefined,
      lastAttemptAt: sent?.started_at,
      nextAt: last?.next_at ?? (row.run > 0 ? row.due_at : row.created_at),
    };
  }

  #lastLogged(
    of: Pick<AttemptColumns, 'event' | 'slot' | 'lane' | 'run'>,
    more: '' | 'and n > 0',
  ): LastLogged | undefined {
    return this.#db.get<LastLogged>(
      `select n, status, fault, started_at, next_at from attempt
       where event = ? and slot = ? and lane = ? and run = ? ${more} order by seq desc limit 1`,
      of.event,
      of.slot,
      of.lane,
      of.run,
    );
  }

  #ofEvent(narrow: Narrow, event: EventKey): Page<DeliveryRow> {
    const { cursor: inside, limit } = narrow.query;
    return readDeliveries(this.#db, event, { narrow, inside, limit });
  }

  #byEvent(narrow: Narrow): Page<DeliveryRow> {
    const { limit } = narrow.query;
    const page = new EventPage<DeliveryRow>(narrow.query);
    const scan = { before: page.before, limit, finder: this.#finder };
    const events = scanEvents(this.#db, narrow, scan);
    const full = page.fill(events.rows, (event, at) =>
      readDeliveries(this.#db, event, { narrow, ...at }),
    );
    const end = events.next === undefined ? undefined : String(events.next);
    return { items: page.items, next: full ?? end };
  }
}

type LastLogged = Pick<AttemptColumns, 'n' | 'status' | 'fault' | 'started_at' | 'next_at'>;

function owedCursor(row: OwedColumns): string {
  return `p${row.lane}.${row.due_at}.${row.event}.${row.run}`;
}
