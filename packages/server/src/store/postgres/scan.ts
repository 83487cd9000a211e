import { isPattern } from '@posthorn/wire';
import { LANE_PARTS } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import { STATES } from '../log-format.ts';
import type { LogQuery } from '../store.ts';
import { uuid, uuidAt } from './arrays.ts';
import type { Querying } from './database.ts';
import {
  ATTEMPT_COLUMNS,
  ATTEMPT_JOINS,
  type AttemptColumns,
  EVENT_COLUMNS,
  type EventColumns,
} from './rows.ts';
import { likeOf, Where } from './where.ts';

/**
 * Newest rows first, out of a bounded number: an index leads to the rows, the other filters are asked
 * of each, and a page that has looked at `SCAN_MAX` of them says where to go on.
 */
export const SCAN_MAX = 5000;

export interface Scanned<R, K> {
  readonly rows: R[];
  /** Where the next scan begins; undefined = there are no more. */
  readonly next: K | undefined;
}

/** A query with what it names looked up. */
export interface Narrow {
  readonly query: LogQuery;
  readonly slot: number;
  /** The one event that can fit; undefined = many. */
  readonly event: EventKey | undefined;
  /** Of the endpoint. */
  readonly number: number | undefined;
}
export type EventKey = Pick<EventColumns, 'id' | 'slot'>;

/** undefined = it names something that there is not, so nothing fits. */
export async function narrowed(db: Querying, query: LogQuery): Promise<Narrow | undefined> {
  const slot = slotOf(query.tenant);
  let number: number | undefined;
  if (query.endpoint !== undefined) {
    const row = await db.get<{ number: number }>(
      'select number from endpoint where id = $1',
      query.endpoint,
    );
    if (!row) return undefined;
    number = row.number;
  }
  if (query.event === undefined && query.idempotencyKey === undefined) {
    return { query, slot, event: undefined, number };
  }
  const event = await findEvent(db, query, slot);
  return event && { query, slot, event, number };
}

/** The one that is all that is given: id, idempotency key, subject. */
async function findEvent(
  db: Querying,
  query: LogQuery,
  slot: number,
): Promise<EventKey | undefined> {
  const where = new Where().add('e.slot = ? and e.tenant = ?', slot, query.tenant);
  if (query.event !== undefined) where.add('e.id = ?', uuid(query.event));
  if (query.subject !== undefined) where.add('e.subject = ?', query.subject);
  if (query.idempotencyKey !== undefined) {
    where.add(
      'e.id = (select event from idem where slot = ? and tenant = ? and key = ?)',
      slot,
      query.tenant,
      query.idempotencyKey,
    );
  }
  return db.get<EventKey>(`select e.id, e.slot from event e where ${where.sql}`, ...where.values);
}

function typeTerm(where: Where, { type }: LogQuery, column: string): void {
  if (type === undefined) return;
  if (isPattern(type)) where.add(`${column} like ?`, likeOf(type));
  else where.add(`${column} = ?`, type);
}

/** An id's time may run ahead of the clock, when more are made in a millisecond than it can count. */
export const AHEAD_MS = 1000;

export async function scanEvents(
  db: Querying,
  { query, slot, event }: Narrow,
  at: { readonly before: string | undefined; readonly limit: number },
): Promise<Scanned<EventColumns, string>> {
  const place = new Where().add('e.slot = ? and e.tenant = ?', slot, query.tenant);
  if (event) place.add('e.id = ?', uuid(event.id));
  if (at.before !== undefined) place.add('e.id < ?', uuid(at.before));
  if (query.from !== undefined) place.add('e.id >= ?', uuidAt(query.from));
  if (query.to !== undefined) place.add('e.id < ?', uuidAt(query.to + AHEAD_MS));
  const filter = new Where();
  eventFilter(filter, query);
  const { rows, next } = await scan<EventColumns>(db, {
    ...{ table: 'event e', key: 'e.id', columns: EVENT_COLUMNS, joins: '' },
    ...{ place, filter, limit: at.limit },
  });
  return { rows, next: next === undefined ? undefined : String(next) };
}

export function eventFilter(where: Where, query: LogQuery): void {
  typeTerm(where, query, 'e.type');
  if (query.subject !== undefined) where.add('e.subject = ?', query.subject);
  if (query.from !== undefined) where.add('e.created_at >= ?', query.from);
  if (query.to !== undefined) where.add('e.created_at < ?', query.to);
}

/** `more`: what else must hold of an attempt. */
export async function scanAttempts(
  db: Querying,
  narrow: Narrow,
  { more, before, limit }: { more: Where; before: number | undefined; limit: number },
): Promise<Scanned<AttemptColumns, number>> {
  const place = attemptPlace(narrow);
  if (before !== undefined) place.add('a.seq < ?', before);
  const filter = attemptFilter(narrow);
  if (!more.isEmpty) filter.add(more.sql.replaceAll(/\$\d+/g, '?'), ...more.values);
  const { rows, next } = await scan<AttemptColumns>(db, {
    ...{ table: 'attempt a', key: 'a.seq', columns: ATTEMPT_COLUMNS, joins: ATTEMPT_JOINS },
    ...{ place, filter, limit },
  });
  return { rows, next: next === undefined ? undefined : Number(next) };
}

/** The index with the fewest rows to look at. */
function attemptPlace({ query, slot, event, number }: Narrow): Where {
  const where = new Where().add('a.slot = ?', slot);
  if (event) return where.add('a.event = ?', uuid(event.id));
  if (query.state === 'failed' || query.state === 'cancelled') {
    return where.add('a.tenant = ? and a.state in (2, 3)', query.tenant);
  }
  if (number !== undefined) return where.add(`a.lane / ${LANE_PARTS} = ?`, number);
  return where.add('a.tenant = ?', query.tenant);
}

export function attemptFilter({ query, number }: Narrow): Where {
  const { state, status, fault, subject } = query;
  const where = new Where();
  const byTenant = state === undefined && number === undefined && query.event === undefined;
  if (!byTenant) where.add('a.tenant = ?', query.tenant);
  if (number !== undefined) where.add(`a.lane / ${LANE_PARTS} = ?`, number);
  typeTerm(where, query, 'a.type');
  if (state !== undefined) where.add('a.state = ?', STATES.indexOf(state));
  if (status !== undefined) where.add('a.status between ? and ?', status.least, status.most);
  if (fault !== undefined) where.add('a.fault = ?', fault);
  if (subject !== undefined) {
    where.add(
      'exists (select 1 from event e where e.slot = a.slot and e.id = a.event and e.subject = ?)',
      subject,
    );
  }
  return where;
}

interface Source {
  /** With the name that terms and columns use. */
  readonly table: 'attempt a' | 'event e';
  readonly key: 'a.seq' | 'e.id';
  readonly columns: string;
  readonly joins: string;
  readonly place: Where;
  readonly filter: Where;
  readonly limit: number;
}

async function scan<R extends { readonly seq?: number; readonly id?: string }>(
  db: Querying,
  source: Source,
): Promise<Scanned<R, string | number>> {
  const { table, key, columns, joins, place, filter, limit } = source;
  const keyOf = (row: R) => row.seq ?? row.id;
  const terms = new Where();
  terms.add(place.sql.replaceAll(/\$\d+/g, '?'), ...place.values);
  let floor: string | number | undefined;
  if (!filter.isEmpty) {
    // Read from the index alone, which costs next to nothing.
    const row = await db.get<{ key: string | number }>(
      `select ${key} as key from ${table} where ${place.sql}
       order by ${key} desc limit 1 offset ${SCAN_MAX - 1}`,
      ...place.values,
    );
    floor = row?.key;
    if (floor !== undefined) {
      terms.add(`${key} >= ?`, typeof floor === 'string' ? uuid(floor) : floor);
    }
    terms.add(filter.sql.replaceAll(/\$\d+/g, '?'), ...filter.values);
  }
  const most = terms.value(limit + 1);
  const rows = await db.all<R>(
    `select ${columns} from ${table} ${joins} where ${terms.sql}
     order by ${key} desc limit ${most}`,
    ...terms.values,
  );
  if (rows.length <= limit) return { rows, next: floor };
  const last = rows[limit - 1];
  return { rows: rows.slice(0, limit), next: last && keyOf(last) };
}
