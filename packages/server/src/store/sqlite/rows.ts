import type { Fault } from '../../core/exchange.ts';
import { type DeliveryState, type EndpointId, LANE_PARTS, type Ms } from '../../core/model.ts';
import type { AttemptRow, EventRow, LogQuery, Page } from '../store.ts';
import { FLAG_AFTER_CRASH, parseTimings } from './attempts.ts';
import type { Database, Value } from './database.ts';
import { STATES } from './engine.ts';
import { attemptId, type EventKey, eventId, eventKey, slotOfRest } from './keys.ts';

/** Rows of events and attempts as the lists read them, and the conditions a `LogQuery` makes. */

export interface EventColumns {
  readonly seq: number;
  readonly rest: Uint8Array;
  readonly tenant: string;
  readonly type: string;
  readonly occurred_at: Ms;
  readonly created_at: Ms;
  readonly meta: string;
  readonly idem: string | null;
  readonly size: number;
  readonly deliveries: number;
}
export const EVENT_COLUMNS = `e.seq as seq, e.rest as rest, t.text as tenant, y.text as type,
  e.occurred_at as occurred_at, e.created_at as created_at, e.meta as meta, e.idem as idem,
  length(e.data) as size, json_array_length(e.lanes) as deliveries`;

export interface AttemptColumns {
  readonly seq: number;
  readonly event: number;
  /** Of the event's id. */
  readonly rest: Uint8Array;
  readonly endpoint: EndpointId;
  readonly tenant: string;
  readonly type: string;
  readonly lane: number;
  readonly run: number;
  readonly n: number;
  readonly started_at: Ms;
  readonly state: number;
  readonly next_at: Ms | null;
  readonly status: number | null;
  readonly fault: Fault | null;
  readonly flags: number;
  readonly timings: string;
  readonly detail: string;
}
/** Also of an event that is lost, so that what names it is still seen; damage alone does that. */
export const REST = 'ifnull(e.rest, zeroblob(8)) as rest';
export const ATTEMPT_COLUMNS = `a.seq as seq, a.event as event, ${REST},
  n.endpoint as endpoint, t.text as tenant, y.text as type, a.lane as lane, a.run as run, a.n as n,
  a.started_at as started_at, a.state as state, a.next_at as next_at, a.status as status,
  a.fault as fault, a.flags as flags, a.timings as timings, a.detail as detail`;
export const ATTEMPT_JOINS = `left join event e on e.seq = a.event
  join word t on t.number = a.tenant join word y on y.number = a.type join endpoint_number n on n.number = a.lane / ${LANE_PARTS}`;
export const SELECT_ATTEMPTS = `select ${ATTEMPT_COLUMNS} from attempt a ${ATTEMPT_JOINS}`;

/** Terms that must all hold. */
export class Where {
  readonly values: Value[] = [];
  readonly #terms: string[] = [];
  add(term: string, ...values: Value[]): void {
    this.#terms.push(term);
    this.values.push(...values);
  }
  get sql(): string {
    return this.#terms.length === 0 ? 'true' : this.#terms.join(' and ');
  }
}

/** A query with what it names looked up. */
export interface Narrow extends Omit<LogQuery, 'event' | 'endpoint'> {
  readonly event: EventKey | undefined;
  /** Of the endpoint. */
  readonly number: number | undefined;
}

/** undefined = it names an event, endpoint or key that there is not, so nothing fits. */
export function narrowed(db: Database, query: LogQuery): Narrow | undefined {
  const { event: id, endpoint, idempotencyKey: key, ...rest } = query;
  const event = id === undefined ? undefined : eventKey(id);
  if (id !== undefined && !event) return undefined;
  let found: EventKey | undefined;
  if (event || key !== undefined) {
    found = findEvent(db, { tenant: query.tenant, event, key });
    if (!found) return undefined;
  }
  if (endpoint === undefined) return { ...rest, event: found, number: undefined };
  const number = db.get<{ number: number }>(
    'select number from endpoint_number where endpoint = ?',
    endpoint,
  )?.number;
  return number === undefined ? undefined : { ...rest, event: found, number };
}

/** The one that is all that is given. */
function findEvent(
  db: Database,
  by: { tenant: string; event: EventKey | undefined; key: string | undefined },
): EventKey | undefined {
  const where = new Where();
  where.add('tenant = (select number from word where text = ?)', by.tenant);
  if (by.event) where.add('seq = ? and rest = ?', by.event.seq, by.event.rest);
  if (by.key !== undefined) where.add('idem = ?', by.key);
  return db.get<{ seq: number; rest: Uint8Array }>(
    `select seq, rest from event where ${where.sql}`,
    ...where.values,
  );
}

/** Unary + keeps the planner from walking a wider index than the one that fits the query. */
export function attemptsWhere(query: Narrow): Where {
  const where = new Where();
  const { event, number } = query;
  if (event) where.add('a.event = ?', event.seq);
  if (number !== undefined) where.add(`${event ? '+' : ''}a.lane / ${LANE_PARTS} = ?`, number);
  const tenant = 'a.tenant = (select number from word where text = ?)';
  where.add(event || number !== undefined ? `+${tenant}` : tenant, query.tenant);
  if (query.type) where.add('a.type = (select number from word where text = ?)', query.type);
  // Spelled out, the partial index of ended-badly attempts can be used.
  if (query.state === 'failed' || query.state === 'cancelled') where.add('a.state in (2, 3)');
  if (query.state) where.add('a.state = ?', STATES.indexOf(query.state));
  return where;
}

export function eventRows(
  db: Database,
  query: LogQuery & { readonly before: number | undefined },
  limit: number,
): EventColumns[] {
  const where = new Where();
  where.add('e.tenant = (select number from word where text = ?)', query.tenant);
  if (query.event !== undefined) {
    const key = eventKey(query.event);
    if (!key) return [];
    where.add('e.seq = ? and e.rest = ?', key.seq, key.rest);
  }
  if (query.type) where.add('e.type = (select number from word where text = ?)', query.type);
  if (query.idempotencyKey !== undefined) where.add('e.idem = ?', query.idempotencyKey);
  if (query.from !== undefined) where.add('e.created_at >= ?', query.from);
  if (query.to !== undefined) where.add('e.created_at < ?', query.to);
  if (query.before !== undefined) where.add('e.seq < ?', query.before);
  return db.all<EventColumns>(
    `select ${EVENT_COLUMNS} from event e
     join word t on t.number = e.tenant join word y on y.number = e.type
     where ${where.sql} order by e.seq desc limit ?`,
    ...where.values,
    limit,
  );
}

/** A cursor that is a row's number; what is none finds nothing. */
export function cursorRow(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const row = Number(cursor);
  return Number.isSafeInteger(row) ? row : 0;
}

export function pageOf<R extends { seq: number }, T>(
  rows: readonly R[],
  limit: number,
  map: (row: R) => T,
): Page<T> {
  const kept = rows.slice(0, limit);
  const more = rows.length > limit;
  return { items: kept.map(map), next: more ? String(kept.at(-1)?.seq) : undefined };
}

export function toEvent(row: EventColumns): EventRow {
  return {
    id: eventId(row.seq, row.rest),
    slot: slotOfRest(row.rest),
    tenant: row.tenant,
    type: row.type,
    occurredAt: row.occurred_at,
    createdAt: row.created_at,
    meta: row.meta,
    idempotencyKey: row.idem ?? undefined,
    sizeBytes: row.size,
    deliveries: row.deliveries,
  };
}

export function toAttempt(row: AttemptColumns): AttemptRow {
  return {
    id: attemptId({ startedAt: row.started_at, seq: row.seq }),
    event: eventId(row.event, row.rest),
    endpoint: row.endpoint,
    run: row.run,
    tenant: row.tenant,
    type: row.type,
    n: row.n,
    startedAt: row.started_at,
    durationMs: parseTimings(row.timings).totalMs,
    status: row.status ?? undefined,
    fault: row.fault ?? undefined,
    detail: row.detail,
    afterCrash: (row.flags & FLAG_AFTER_CRASH) !== 0,
    state: STATES[row.state] as DeliveryState,
    nextAt: row.next_at ?? undefined,
  };
}
