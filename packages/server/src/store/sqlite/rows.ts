import type { Fault } from '../../core/exchange.ts';
import { decodeId, slotOfId } from '../../core/ids.ts';
import {
  type DeliveryState,
  type EndpointId,
  type EventId,
  LANE_PARTS,
  type Ms,
} from '../../core/model.ts';
import type { AttemptRow, EventRow, LogQuery, Page } from '../store.ts';
import { FLAG_AFTER_CRASH, parseTimings } from './attempts.ts';
import type { Database, Value } from './database.ts';
import { idText, STATES } from './engine.ts';

/** Rows of events and attempts as the lists read them, and the conditions a `LogQuery` makes. */

export interface EventColumns {
  readonly rowid: number;
  readonly id: Uint8Array;
  readonly tenant: string;
  readonly type: string;
  readonly occurred_at: Ms;
  readonly created_at: Ms;
  readonly meta: string;
  readonly idem: string | null;
  readonly size: number;
  readonly deliveries: number;
}
export const EVENT_COLUMNS = `e.rowid as rowid, e.id as id, t.text as tenant, y.text as type,
  e.occurred_at as occurred_at, e.created_at as created_at, e.meta as meta, e.idem as idem,
  length(e.data) as size, json_array_length(e.lanes) as deliveries`;

export interface AttemptColumns {
  readonly rowid: number;
  readonly id: Uint8Array;
  readonly event: Uint8Array;
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
export const ATTEMPT_COLUMNS = `a.rowid as rowid, a.id as id, a.event as event,
  n.endpoint as endpoint, t.text as tenant, y.text as type, a.lane as lane, a.run as run, a.n as n,
  a.started_at as started_at, a.state as state, a.next_at as next_at, a.status as status,
  a.fault as fault, a.flags as flags, a.timings as timings, a.detail as detail`;
export const ATTEMPT_JOINS = `join word t on t.number = a.tenant
  join word y on y.number = a.type join endpoint_number n on n.number = a.lane / ${LANE_PARTS}`;
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
  readonly event: Uint8Array | undefined;
  /** Of the endpoint. */
  readonly number: number | undefined;
}

/** undefined = it names an event, endpoint or key that there is not, so nothing fits. */
export function narrowed(db: Database, query: LogQuery): Narrow | undefined {
  const { event: id, endpoint, idempotencyKey: key, ...rest } = query;
  let event = id === undefined ? undefined : decodeId(id);
  if (id !== undefined && !event) return undefined;
  if (key !== undefined) {
    const found = db.get<{ id: Uint8Array }>(
      'select id from event where tenant = (select number from word where text = ?) and idem = ?',
      query.tenant,
      key,
    );
    if (!found || (event && Buffer.compare(event, found.id) !== 0)) return undefined;
    event = found.id;
  }
  if (endpoint === undefined) return { ...rest, event, number: undefined };
  const number = db.get<{ number: number }>(
    'select number from endpoint_number where endpoint = ?',
    endpoint,
  )?.number;
  return number === undefined ? undefined : { ...rest, event, number };
}

/** Unary + keeps the planner from walking a wider index than the one that fits the query. */
export function attemptsWhere(query: Narrow): Where {
  const where = new Where();
  const { event, number } = query;
  if (event) where.add('a.event = ?', event);
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
  const id = query.event === undefined ? undefined : decodeId(query.event);
  if (query.event !== undefined) where.add('e.id = ?', id ?? null);
  if (query.type) where.add('e.type = (select number from word where text = ?)', query.type);
  if (query.idempotencyKey !== undefined) where.add('e.idem = ?', query.idempotencyKey);
  if (query.from !== undefined) where.add('e.created_at >= ?', query.from);
  if (query.to !== undefined) where.add('e.created_at < ?', query.to);
  if (query.before !== undefined) where.add('e.rowid < ?', query.before);
  return db.all<EventColumns>(
    `select ${EVENT_COLUMNS} from event e
     join word t on t.number = e.tenant join word y on y.number = e.type
     where ${where.sql} order by e.rowid desc limit ?`,
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

export function pageOf<R extends { rowid: number }, T>(
  rows: readonly R[],
  limit: number,
  map: (row: R) => T,
): Page<T> {
  const kept = rows.slice(0, limit);
  const more = rows.length > limit;
  return { items: kept.map(map), next: more ? String(kept.at(-1)?.rowid) : undefined };
}

export function toEvent(row: EventColumns): EventRow {
  return {
    id: idText('evt', row.id) satisfies EventId,
    slot: slotOfId(row.id),
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
    id: idText('att', row.id),
    event: idText('evt', row.event),
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
