import { decodeId, timeOfId } from '../../core/ids.ts';
import type {
  AttemptId,
  EndpointId,
  EventId,
  Ms,
  StoredEvent,
  TenantId,
} from '../../core/model.ts';
import { attemptId, eventSeq } from '../sqlite/keys.ts';
import type {
  AttemptRecord,
  AttemptRow,
  DeliveryRow,
  Due,
  EventRow,
  LogQuery,
  NewEvent,
  Next,
  Page,
  Result,
  SentBody,
  WholeAttempt,
} from '../store.ts';

/** The memory store's log: what happened, and the lists that are made of it. */

export interface Logged {
  /** Grows with each row; what cursors hold. */
  readonly seq: number;
  readonly slot: number;
  readonly lane: number;
  readonly row: AttemptRow;
  readonly record: AttemptRecord;
  /** Its delivery had ended before. */
  readonly late: boolean;
}
export interface KeptEvent {
  /** Of its id. */
  readonly seq: number;
  readonly event: NewEvent;
}
/** A row that is owed, with what its list shows. */
export interface OwedRow {
  readonly due: Due;
  readonly endpoint: EndpointId;
}

const EMPTY = new Uint8Array();

export class MemoryLog {
  readonly events = new Map<EventId, KeptEvent>();
  attempts: Logged[] = [];
  readonly #owed: () => OwedRow[];
  #lastSeq = 0;

  /** `owed`: all open rows in the order of slot, lane, due time, event and run. */
  constructor(owed: () => OwedRow[]) {
    this.#owed = owed;
  }

  keep(event: NewEvent): void {
    const data = Uint8Array.from(event.data);
    this.events.set(event.id, { seq: eventSeq(event.id), event: { ...event, data } });
  }

  stored(id: EventId): StoredEvent | undefined {
    const event = this.events.get(id)?.event;
    if (!event) return undefined;
    const { lanes: _lanes, hash: _hash, idempotencyKey: _key, ...stored } = event;
    return stored;
  }

  log(
    result: Pick<Result, 'key' | 'attempt'>,
    { next, late }: { readonly next: Next; readonly late: boolean },
  ): void {
    const { key, attempt: record } = result;
    const { endpoint, tenant, type, n, startedAt, status, fault, detail, afterCrash } = record;
    const { event, run, slot, lane } = key;
    const waits = next.kind === 'retry' || next.kind === 'keep';
    const state = waits ? 'pending' : next.kind;
    this.#lastSeq += 1;
    const seq = this.#lastSeq;
    const id = attemptId({ startedAt, seq });
    const durationMs = tenths(record.timings.totalMs);
    const address = { id, event, endpoint, run, tenant, type };
    const said = { n, startedAt, durationMs, status, fault, detail, afterCrash };
    const row = { ...address, ...said, state, nextAt: waits ? next.at : undefined } as const;
    this.attempts.push({ seq, slot, lane, record, late, row });
  }

  /** The rows of one run, oldest first. */
  ofRun(of: Pick<Due, 'event' | 'slot' | 'lane' | 'run'>): Logged[] {
    return this.attempts.filter(
      ({ row, slot, lane }) =>
        row.event === of.event && slot === of.slot && lane === of.lane && row.run === of.run,
    );
  }

  /** The body the run was first sent with. */
  frozen(
    of: Pick<Due, 'event' | 'slot' | 'lane' | 'run'>,
    before = Infinity,
  ): Uint8Array | undefined {
    const first = this.ofRun(of).find((a) => a.record.body.kind !== 'same' && a.seq < before);
    return first && joinBody(first.record.body, this.events.get(of.event)?.event.data ?? EMPTY);
  }

  attempt(tenant: TenantId, id: AttemptId): WholeAttempt | undefined {
    const found = this.attempts.find(({ row }) => row.id === id && row.tenant === tenant);
    if (!found) return undefined;
    const { row, record, seq, slot, lane } = found;
    const { remoteAddress, method, url, requestHead, responseHead } = record;
    const { responseBody, responseTruncated } = record;
    const nothing = requestHead.length === 0;
    return {
      row,
      timings: { ...record.timings, totalMs: tenths(record.timings.totalMs) },
      remoteAddress,
      method: nothing ? '' : method,
      url,
      requestHead,
      requestBody: this.frozen({ ...row, slot, lane }, seq + 1) ?? EMPTY,
      responseHead,
      responseBody,
      responseTruncated,
    };
  }

  event(tenant: TenantId, id: EventId): (EventRow & { data: Uint8Array }) | undefined {
    const kept = this.events.get(id);
    if (kept?.event.tenant !== tenant) return undefined;
    return { ...toEventRow(kept), data: kept.event.data };
  }

  listEvents(query: LogQuery): Page<EventRow> {
    return page(this.#eventsOf(query), query, toEventRow);
  }

  #eventsOf(query: LogQuery): KeptEvent[] {
    return [...this.events.values()]
      .sort((a, b) => b.seq - a.seq)
      .filter(
        ({ event }) =>
          event.tenant === query.tenant &&
          (!query.event || event.id === query.event) &&
          (!query.type || event.type === query.type) &&
          (query.idempotencyKey === undefined || event.idempotencyKey === query.idempotencyKey) &&
          isWithin(event.createdAt, query),
      );
  }

  listAttempts(query: LogQuery): Page<AttemptRow> {
    const fitting = this.attempts.filter(
      ({ row }) => this.#matches(row, query) && isWithin(row.startedAt, query),
    );
    return page(fitting.reverse(), query, ({ row }) => row);
  }

  /** In the orders that `SqliteDeliveries` describes; the cursor is the last row itself. */
  listDeliveries(query: LogQuery): Page<DeliveryRow> {
    const rows = this.#deliveriesOf(query).filter(
      (row) => this.#matches(row, query) && isWithin(row.createdAt, query),
    );
    const name = (row: DeliveryRow) => `${row.event}.${row.endpoint}.${row.run}`;
    const last = rows.findIndex((row) => name(row) === query.cursor);
    const rest = rows.slice(last + 1);
    const items = rest.slice(0, query.limit);
    const end = items.at(-1);
    return { items, next: end && rest.length > query.limit ? name(end) : undefined };
  }

  #deliveriesOf(query: LogQuery): DeliveryRow[] {
    const owed = this.#owed().map((row) => this.#toOwed(row));
    const ended = this.attempts.filter(({ row, late }) => row.state !== 'pending' && !late);
    const newest = ended.toReversed().map(toDelivery);
    const byEvent = query.event !== undefined || query.idempotencyKey !== undefined;
    if (!byEvent && (query.state || query.endpoint)) return [...owed, ...newest];
    const seq = (row: DeliveryRow) => this.events.get(row.event)?.seq ?? 0;
    return [...owed, ...ended.map(toDelivery)].sort(
      (a, b) => seq(b) - seq(a) || a.lane - b.lane || a.run - b.run,
    );
  }

  #toOwed({ due, endpoint }: OwedRow): DeliveryRow {
    const event = this.events.get(due.event)?.event;
    const last = due.attempt === 0 ? undefined : this.ofRun(due).at(-1)?.row;
    return {
      event: due.event,
      endpoint,
      lane: due.lane,
      run: due.run,
      tenant: event?.tenant ?? '',
      type: event?.type ?? '',
      state: 'pending',
      attempts: due.attempt,
      createdAt: event?.createdAt ?? 0,
      status: last?.status,
      fault: last?.fault,
      lastAttemptAt: last?.startedAt,
      nextAt: due.dueAt,
    };
  }

  #matches(row: AttemptRow | DeliveryRow, query: LogQuery): boolean {
    const key = query.idempotencyKey;
    return (
      row.tenant === query.tenant &&
      (!query.event || row.event === query.event) &&
      (!query.endpoint || row.endpoint === query.endpoint) &&
      (!query.type || row.type === query.type) &&
      (!query.state || row.state === query.state) &&
      (key === undefined || this.events.get(row.event)?.event.idempotencyKey === key)
    );
  }
}

function toEventRow({ event }: KeptEvent): EventRow {
  const { data, lanes, hash: _hash, ...rest } = event;
  return { ...rest, sizeBytes: data.length, deliveries: lanes.length };
}

function toDelivery({ row, lane }: Logged): DeliveryRow {
  const { event, endpoint, run, tenant, type, state, status, fault } = row;
  return {
    event,
    endpoint,
    lane,
    run,
    tenant,
    type,
    state,
    attempts: row.n,
    createdAt: timeOfId(decodeId(event) ?? new Uint8Array(16)),
    status,
    fault,
    lastAttemptAt: row.n > 0 ? row.startedAt : undefined,
    nextAt: undefined,
  };
}

function joinBody(body: SentBody, data: Uint8Array): Uint8Array {
  if (body.kind === 'full') return body.bytes;
  return body.kind === 'same' ? EMPTY : Buffer.concat([body.before, data, body.after]);
}

function isWithin(at: Ms, { from, to }: LogQuery): boolean {
  return (from === undefined || at >= from) && (to === undefined || at < to);
}

/** Newest first; the cursor is the last row's place, so rows that are added move nothing. */
function page<R extends { seq: number }, T>(
  rows: readonly R[],
  query: LogQuery,
  map: (row: R) => T,
): Page<T> {
  const before = Number(query.cursor ?? Infinity);
  const rest = rows.filter(({ seq }) => seq < before);
  const items = rest.slice(0, query.limit);
  const more = rest.length > query.limit;
  return { items: items.map(map), next: more ? String(items.at(-1)?.seq) : undefined };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
