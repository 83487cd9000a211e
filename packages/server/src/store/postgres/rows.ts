import type { Fault } from '../../core/exchange.ts';
import { decodeId, timeOfId } from '../../core/ids.ts';
import type { DeliveryState, EndpointId, EventId, Ms } from '../../core/model.ts';
import { FLAG_AFTER_CRASH, FLAG_ERASED, parseTimings, STATES } from '../log-format.ts';
import { attemptId } from '../sqlite/keys.ts';
import type { AttemptRow, EventRow, Page } from '../store.ts';

/** Rows of events and attempts as the lists read them. */

export interface EventColumns {
  readonly slot: number;
  readonly id: EventId;
  readonly tenant: string;
  readonly type: string;
  readonly occurred_at: Ms;
  readonly created_at: Ms;
  readonly meta: string;
  readonly idem: string | null;
  readonly size: number;
  readonly erased_at: Ms | null;
  readonly deliveries: number;
}
export const EVENT_COLUMNS = `e.slot, e.id, e.tenant, e.type, e.occurred_at, e.created_at, e.meta,
  e.idem, e.erased_at, length(e.data) as size, cardinality(e.lanes) as deliveries`;

export interface AttemptColumns {
  readonly seq: number;
  readonly slot: number;
  readonly event: EventId;
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
export const ATTEMPT_COLUMNS = `a.seq, a.slot, a.event, n.id as endpoint, a.tenant, a.type, a.lane,
  a.run, a.n, a.started_at, a.state, a.next_at, a.status, a.fault, a.flags, a.timings, a.detail`;
export const ATTEMPT_JOINS = 'join endpoint n on n.number = a.lane / 16';

export function pageOf<R, T>(
  { rows, next }: { readonly rows: readonly R[]; readonly next: string | number | undefined },
  map: (row: R) => T,
): Page<T> {
  return { items: rows.map(map), next: next === undefined ? undefined : String(next) };
}

/** When an event was stored, as its id tells. */
export function createdOf(event: EventId): Ms {
  return timeOfId(decodeId(event) ?? new Uint8Array(16));
}

export function toEvent(row: EventColumns): EventRow {
  return {
    id: row.id,
    slot: row.slot,
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
    event: row.event,
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
