import { matchesPattern } from '@posthorn/wire';
import { decodeId, timeOfId } from '../../core/ids.ts';
import type {
  AttemptId,
  EndpointId,
  EventId,
  EventMeta,
  Ms,
  StoredEvent,
  TenantId,
} from '../../core/model.ts';
import { fitsAttempt, fitsDelivery, isWithin } from '../log-filter.ts';
import { attemptWords, eventWords, hasWords, isTold } from '../search-words.ts';
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
  Tail,
  WholeAttempt,
} from '../store.ts';
import type { MemoryStats } from './stats.ts';

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
  readonly erasedAt: Ms | undefined;
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
  /** Attempts up to this one may have been removed. */
  removedTo = 0;
  readonly #owed: () => OwedRow[];
  readonly #stats: MemoryStats;
  #lastSeq = 0;

  /** `owed`: all open rows in the order of slot, lane, due time, event and run. */
  constructor(owed: () => OwedRow[], stats: MemoryStats) {
    this.#owed = owed;
    this.#stats = stats;
  }

  keep(event: NewEvent): void {
    const data = Uint8Array.from(event.data);
    const kept = { ...event, data };
    this.events.set(event.id, { seq: eventSeq(event.id), event: kept, erasedAt: undefined });
    this.#stats.stored(event);
  }

  stored(id: EventId): StoredEvent | undefined {
    const { event, erasedAt } = this.events.get(id) ?? {};
    if (!event || erasedAt !== undefined) return undefined;
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
    const said = { n, startedAt, durationMs, status, fault, detail, afterCrash, erased: false };
    const row = { ...address, ...said, state, nextAt: waits ? next.at : undefined } as const;
    const one = { seq, slot, lane, record, late, row };
    const erased = this.events.get(event)?.erasedAt !== undefined;
    this.attempts.push(erased && n > 0 ? blank(one) : one);
    this.#stats.logged(tenant, lane, { ...row, late });
  }

  /** Removes attempts; resolves with how many. */
  remove(goes: (one: Logged) => boolean): number {
    const kept = this.attempts.filter((one) => !goes(one));
    const gone = this.attempts.filter(goes);
    this.removedTo = Math.max(this.removedTo, ...gone.map(({ seq }) => seq));
    this.attempts = kept;
    return gone.length;
  }

  /** Takes an event's payload; false = there is none. */
  erase(id: EventId, now: Ms): boolean {
    const kept = this.events.get(id);
    if (!kept || kept.erasedAt !== undefined) return false;
    const event = { ...kept.event, data: EMPTY, meta: '' };
    this.events.set(id, { ...kept, event, erasedAt: now });
    // Decisions without an exchange hold no bytes.
    const isMeant = ({ row }: Logged) => row.event === id && row.n > 0;
    this.attempts = this.attempts.map((one) => (isMeant(one) ? blank(one) : one));
    return true;
  }

  /** About what a database would take. */
  bytes(): number {
    let bytes = 0;
    for (const { event } of this.events.values()) bytes += ROW_BYTES + event.data.length;
    for (const { record } of this.attempts) {
      const { requestHead, responseHead, responseBody } = record;
      bytes += ROW_BYTES + requestHead.length + responseHead.length + responseBody.length;
    }
    return bytes;
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
          (query.type === undefined || matchesPattern(query.type, event.type)) &&
          this.#isAbout(event.id, query) &&
          isWithin(event.createdAt, query),
      );
  }

  /** What a query says of the event of a row, which may be gone. */
  #isAbout(id: EventId, { idempotencyKey: key, subject, text }: LogQuery): boolean {
    const { event, erasedAt } = this.events.get(id) ?? {};
    return (
      (key === undefined || event?.idempotencyKey === key) &&
      (subject === undefined || (event !== undefined && subjectOf(event) === subject)) &&
      (text === undefined ||
        (event !== undefined && erasedAt === undefined && hasWords(this.#wordsOf(event), text)))
    );
  }

  #wordsOf(event: NewEvent): Set<string> {
    const words = eventWords(event);
    for (const { row, record } of this.attempts) {
      if (row.event !== event.id || !isTold(row)) continue;
      for (const word of attemptWords(record)) words.add(word);
    }
    return words;
  }

  /** Newest first; of a search, those of the newest event first. */
  listAttempts(query: LogQuery): Page<AttemptRow> {
    const fitting = this.attempts.filter(
      ({ row }) => fitsAttempt(row, query) && this.#isAbout(row.event, query),
    );
    if (!isSearch(query)) return page(fitting.reverse(), query, ({ row }) => row);
    const event = ({ row }: Logged) => this.events.get(row.event)?.seq ?? 0;
    const rows = fitting.sort((a, b) => event(b) - event(a) || b.seq - a.seq);
    return pageBehind(
      rows.map(({ row }) => row),
      query,
      ({ id }) => id,
    );
  }

  tail(tenant: TenantId, after: string | undefined, limit: number): Tail {
    const head = this.#lastSeq;
    const from = after === undefined ? head : Number(after);
    if (!(from <= head)) return { items: [], place: String(head), missed: true, behind: 0 };
    const rows = this.attempts.filter(({ row, seq }) => row.tenant === tenant && seq > from);
    const taken = rows.slice(0, limit);
    const place = taken.length < limit ? head : (taken.at(-1)?.seq ?? head);
    const items = taken.map(({ row, seq }) => ({ place: String(seq), row }));
    return { items, place: String(place), missed: this.removedTo > from, behind: head - place };
  }

  /** In the orders that `SqliteDeliveries` describes. */
  listDeliveries(query: LogQuery): Page<DeliveryRow> {
    const rows = this.#deliveriesOf(query).filter(
      (row) => fitsDelivery(row, query) && this.#isAbout(row.event, query),
    );
    return pageBehind(rows, query, (row) => `${row.event}.${row.endpoint}.${row.run}`);
  }

  #eventOf({ event }: { readonly event: EventId }): NewEvent | undefined {
    return this.events.get(event)?.event;
  }

  #deliveriesOf(query: LogQuery): DeliveryRow[] {
    const runs = new Map<string, Logged[]>();
    for (const one of this.attempts) {
      const name = nameOfRun({ ...one, ...one.row });
      runs.set(name, [...(runs.get(name) ?? []), one]);
    }
    const owed = this.#owed().map((one) => this.#toOwed(one, runs.get(nameOfRun(one.due)) ?? []));
    const ended = this.attempts
      .filter(({ row, late }) => row.state !== 'pending' && !late)
      .map((one) => this.#toEnded(one, runs.get(nameOfRun({ ...one, ...one.row })) ?? []));
    const one = query.event !== undefined || query.idempotencyKey !== undefined;
    const byEvent = one || isSearch(query);
    const byEnd = query.state ?? query.endpoint ?? query.status ?? query.fault;
    if (!byEvent && byEnd !== undefined) return [...owed, ...ended.reverse()];
    const seq = (row: DeliveryRow) => this.events.get(row.event)?.seq ?? 0;
    return [...owed, ...ended].sort((a, b) => seq(b) - seq(a) || a.lane - b.lane || a.run - b.run);
  }

  #toOwed({ due, endpoint }: OwedRow, ofRun: readonly Logged[]): DeliveryRow {
    const event = this.events.get(due.event)?.event;
    const logged = ofRun.map(({ row }) => row);
    const last = logged.at(-1);
    const sent = logged.findLast(({ n }) => n > 0);
    return {
      event: due.event,
      endpoint,
      lane: due.lane,
      run: due.run,
      tenant: event?.tenant ?? '',
      type: event?.type ?? '',
      state: 'pending',
      attempts: sent?.n ?? 0,
      createdAt: event?.createdAt ?? 0,
      status: last?.status,
      fault: last?.fault,
      lastAttemptAt: sent?.startedAt,
      nextAt: last?.nextAt ?? (due.run > 0 ? due.dueAt : event?.createdAt),
    };
  }

  #toEnded(logged: Logged, ofRun: readonly Logged[]): DeliveryRow {
    const { event, endpoint, run, tenant, type, state, status, fault, n } = logged.row;
    const sent = n > 0 ? logged.row : ofRun.findLast(({ row }) => row.n > 0)?.row;
    return {
      event,
      endpoint,
      lane: logged.lane,
      run,
      tenant,
      type,
      state,
      attempts: sent?.n ?? 0,
      createdAt: this.#eventOf(logged.row)?.createdAt ?? timeOf(event),
      status,
      fault,
      lastAttemptAt: sent?.startedAt,
      nextAt: undefined,
    };
  }

  /** It is tried again at `now` and not when its last attempt said. */
  hasten(of: Pick<Due, 'event' | 'slot' | 'lane' | 'run'>, now: Ms): void {
    const last = this.ofRun(of).at(-1);
    if (last?.row.nextAt === undefined || last.row.nextAt <= now) return;
    this.attempts[this.attempts.indexOf(last)] = { ...last, row: { ...last.row, nextAt: now } };
  }
}

function subjectOf(event: NewEvent): unknown {
  return event.meta === '' ? undefined : (JSON.parse(event.meta) as EventMeta).subject;
}

function nameOfRun(of: Pick<Due, 'event' | 'slot' | 'lane' | 'run'>): string {
  return `${of.event} ${of.slot} ${of.lane} ${of.run}`;
}

const ROW_BYTES = 300;

/** An attempt without its bytes; of one that was sent the URL stood in its head. */
function blank(one: Logged): Logged {
  const { record, row } = one;
  const nothing = { requestHead: EMPTY, responseHead: EMPTY, responseBody: EMPTY };
  const url = record.requestHead.length > 0 ? '' : record.url;
  const body: SentBody = { kind: 'same' };
  return { ...one, row: { ...row, erased: true }, record: { ...record, ...nothing, body, url } };
}

function toEventRow({ event, erasedAt }: KeptEvent): EventRow {
  const { data, lanes, hash: _hash, ...rest } = event;
  return { ...rest, sizeBytes: data.length, deliveries: lanes.length, erasedAt };
}

function timeOf(id: EventId): Ms {
  return timeOfId(decodeId(id) ?? new Uint8Array(16));
}

function joinBody(body: SentBody, data: Uint8Array): Uint8Array {
  if (body.kind === 'full') return body.bytes;
  return body.kind === 'same' ? EMPTY : Buffer.concat([body.before, data, body.after]);
}

/** What an index of texts and subjects answers, by event. */
function isSearch({ text, subject }: LogQuery): boolean {
  return text !== undefined || subject !== undefined;
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

/** In any order; the cursor is the last row's name. */
function pageBehind<T>(rows: readonly T[], query: LogQuery, name: (row: T) => string): Page<T> {
  const last = rows.findIndex((row) => name(row) === query.cursor);
  const rest = rows.slice(last + 1);
  const items = rest.slice(0, query.limit);
  const end = items.at(-1);
  return { items, next: end && rest.length > query.limit ? name(end) : undefined };
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
