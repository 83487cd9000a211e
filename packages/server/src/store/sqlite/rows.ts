import type { Fault } from '../../core/exchange.ts';
import { type DeliveryState, type EndpointId, LANE_PARTS, type Ms } from '../../core/model.ts';
import { FLAG_AFTER_CRASH, FLAG_ERASED, parseTimings, STATES } from '../log-format.ts';
import type { AttemptRow, EventRow, Page } from '../store.ts';
import { attemptId, eventId, slotOfRest } from './keys.ts';

/** Rows of events and attempts as the lists read them. */

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
  readonly erased_at: Ms | null;
}
export const EVENT_COLUMNS = `e.seq as seq, e.rest as rest, t.text as tenant, y.text as type,
  e.occurred_at as occurred_at, e.created_at as created_at, e.meta as meta, e.idem as idem,
  length(e.data) as size, json_array_length(e.lanes) as deliveries, e.erased_at as erased_at`;
export const EVENT_JOINS = 'join word t on t.number = e.tenant join word y on y.number = e.type';

export interface AttemptColumns {
  readonly seq: number;
  readonly event: number;
  /** Of the event's id. */
  readonly rest: Uint8Array;
  readonly endpoint: EndpointId;
  readonly tenant: string;
  readonly type: string;
  readonly slot: number;
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
  /** Of the event. */
  readonly created_at: Ms | null;
}
/** Also of an event that is lost, so that what names it is still seen; damage alone does that. */
export const REST = 'ifnull(e.rest, zeroblob(8)) as rest';
export const ATTEMPT_COLUMNS = `a.seq as seq, a.event as event, ${REST},
  n.endpoint as endpoint, t.text as tenant, y.text as type,
  a.slot as slot, a.lane as lane, a.run as run, a.n as n,
  a.started_at as started_at, a.state as state, a.next_at as next_at, a.status as status,
  a.fault as fault, a.flags as flags, a.timings as timings, a.detail as detail,
  e.created_at as created_at`;
export const ATTEMPT_JOINS = `left join event e on e.seq = a.event
  join word t on t.number = a.tenant join word y on y.number = a.type join endpoint_number n on n.number = a.lane / ${LANE_PARTS}`;

/** A cursor that is a row's number; what is none finds nothing. */
export function cursorRow(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const row = Number(cursor);
  return Number.isSafeInteger(row) ? row : 0;
}

export function pageOf<R, T>(
  { rows, next }: { readonly rows: readonly R[]; readonly next: number | undefined },
  map: (row: R) => T,
): Page<T> {
  return { items: rows.map(map), next: next === undefined ? undefined : String(next) };
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
    erasedAt: row.erased_at ?? undefined,
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
    erased: (row.flags & FLAG_ERASED) !== 0,
    state: STATES[row.state] as DeliveryState,
    nextAt: row.next_at ?? undefined,
  };
}
