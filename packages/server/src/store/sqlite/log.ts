import type { Fault } from '../../core/exchange.ts';
import { decodeId, slotOfId, timeOfId } from '../../core/ids.ts';
import {
  type AttemptId,
  type DeliveryState,
  type EndpointId,
  type EventId,
  LANE_PARTS,
  type Ms,
} from '../../core/model.ts';
import type { AttemptRow, DeliveryRow, EventRow, LogQuery, Page, WholeAttempt } from '../store.ts';
import type { Vault } from '../vault.ts';
import {
  FLAG_AFTER_CRASH,
  FLAG_SAME_BODY,
  FLAG_SEALED,
  FLAG_SPLICED,
  FLAG_TLS,
  FLAG_TRUNCATED,
  parseTimings,
} from './attempts.ts';
import type { Database, Value } from './database.ts';
import { idBytes, idText, STATES } from './engine.ts';

/** Rows one page may look at; a page that found little then says where to go on. */
const SCAN_MAX = 5000;

interface Columns {
  readonly rowid: number;
  readonly id: Uint8Array;
  readonly event: Uint8Array;
  readonly endpoint: EndpointId;
  readonly tenant: string;
  readonly type: string;
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

const ATTEMPT_COLUMNS = `a.rowid as rowid, a.id as id, a.event as event, n.endpoint as endpoint,
  t.text as tenant, y.text as type, a.run as run, a.n as n, a.started_at as started_at,
  a.state as state, a.next_at as next_at, a.status as status, a.fault as fault, a.flags as flags,
  a.timings as timings, a.detail as detail`;
const ATTEMPT_JOINS = `join word t on t.number = a.tenant join word y on y.number = a.type
  join endpoint_number n on n.number = a.lane / ${LANE_PARTS}`;

/** Lists and single reads, on a connection of their own: no list waits for a commit or delays one. */
export class SqliteLogReader {
  readonly #db: Database;
  readonly #vault: Vault;

  constructor(db: Database, vault: Vault) {
    this.#db = db;
    this.#vault = vault;
  }

  async events(query: LogQuery): Promise<Page<EventRow>> {
    const where = new Where();
    where.add('e.tenant = (select number from word where text = ?)', query.tenant);
    if (query.event) where.add('e.id = ?', idBytes(query.event));
    if (query.type) where.add('e.type = (select number from word where text = ?)', query.type);
    if (query.idempotencyKey) where.add('e.idem = ?', query.idempotencyKey);
    if (query.from !== undefined) where.add('e.created_at >= ?', query.from);
    if (query.to !== undefined) where.add('e.created_at < ?', query.to);
    const before = cursorRow(query.cursor);
    if (before !== undefined) where.add('e.rowid < ?', before);
    const rows = this.#db.all<EventColumns>(
      `select ${EVENT_COLUMNS} from event e
       join word t on t.number = e.tenant join word y on y.number = e.type
       where ${where.sql} order by e.rowid desc limit ?`,
      ...where.values,
      query.limit + 1,
    );
    return pageOf(rows, query.limit, (row) => toEvent(row));
  }

  async event(tenant: string, id: EventId): Promise<(EventRow & { data: Uint8Array }) | undefined> {
    const bytes = decodeId(id);
    if (!bytes) return undefined;
    const row = this.#db.get<EventColumns & { data: Uint8Array }>(
      `select ${EVENT_COLUMNS}, e.data as data from event e
       join word t on t.number = e.tenant join word y on y.number = e.type
       where e.id = ? and t.text = ?`,
      bytes,
      tenant,
    );
    return row && { ...toEvent(row), data: row.data };
  }

  async attempts(query: LogQuery): Promise<Page<AttemptRow>> {
    const rows = this.#attemptRows(query, query.limit + 1);
    return pageOf(rows, query.limit, toAttempt);
  }

  #attemptRows(query: LogQuery, limit: number): Columns[] {
    const where = new Where();
    if (query.event) where.add('a.event = ?', idBytes(query.event));
    const lanes = query.endpoint ? this.#lanesOf(query.endpoint) : undefined;
    if (query.endpoint && !lanes) return [];
    if (lanes && !query.event) where.add('a.lane between ? and ?', lanes[0], lanes[1]);
    else if (lanes) where.add('+a.lane between ? and ?', lanes[0], lanes[1]);
    // Unary + keeps the planner from walking a wider index than the one that fits the query.
    const narrower = query.event !== undefined || lanes !== undefined;
    const tenant = 'a.tenant = (select number from word where text = ?)';
    where.add(narrower ? `+${tenant}` : tenant, query.tenant);
    if (query.type) where.add('a.type = (select number from word where text = ?)', query.type);
    if (query.state === 'failed' || query.state === 'cancelled') where.add('a.state in (2, 3)');
    if (query.state) where.add('a.state = ?', STATES.indexOf(query.state));
    if (query.from !== undefined) where.add('a.started_at >= ?', query.from);
    if (query.to !== undefined) where.add('a.started_at < ?', query.to);
    const before = cursorRow(query.cursor);
    if (before !== undefined) where.add('a.rowid < ?', before);
    return this.#db.all<Columns>(
      `select ${ATTEMPT_COLUMNS} from attempt a ${ATTEMPT_JOINS}
       where ${where.sql} order by a.rowid desc limit ?`,
      ...where.values,
      limit,
    );
  }

  async attempt(tenant: string, id: AttemptId): Promise<WholeAttempt | undefined> {
    const bytes = decodeId(id);
    if (!bytes) return undefined;
    const row = this.#db.get<WholeColumns>(
      `select ${ATTEMPT_COLUMNS}, a.slot as slot, a.lane as lane, a.remote as remote, a.url as url,
         a.req_head as req_head, a.body_before as body_before, a.body_after as body_after,
         a.res_head as res_head, a.res_body as res_body
       from attempt a ${ATTEMPT_JOINS} where a.id = ? and t.text = ?`,
      bytes,
      tenant,
    );
    if (!row) return undefined;
    const head = (sealed: Uint8Array | null): Uint8Array => {
      if (!sealed || sealed.length === 0) return new Uint8Array();
      return row.flags & FLAG_SEALED ? this.#vault.open(sealed, `attempt/${id}`) : sealed;
    };
    const requestHead = head(row.req_head);
    return {
      row: toAttempt(row),
      timings: parseTimings(row.timings),
      remoteAddress: row.remote ?? undefined,
      ...requestLine(requestHead, row),
      requestHead,
      requestBody: this.#body(row),
      responseHead: head(row.res_head),
      responseBody: row.res_body ?? new Uint8Array(),
      responseTruncated: (row.flags & FLAG_TRUNCATED) !== 0,
    };
  }

  #body(row: WholeColumns): Uint8Array {
    if (row.flags & FLAG_SAME_BODY) {
      const first = this.#db.get<WholeColumns>(
        `select event, flags, body_before, body_after from attempt
         where event = ? and slot = ? and lane = ? and run = ? and body_before is not null
         order by rowid limit 1`,
        row.event,
        row.slot,
        row.lane,
        row.run,
      );
      return first ? this.#body(first) : new Uint8Array();
    }
    const before = row.body_before ?? new Uint8Array();
    if ((row.flags & FLAG_SPLICED) === 0) return before;
    const data = this.#db.get<{ data: Uint8Array }>(
      'select data from event where id = ?',
      row.event,
    )?.data;
    return Buffer.concat([before, data ?? new Uint8Array(), row.body_after ?? new Uint8Array()]);
  }

  /**
   * Deliveries have no table of their own: what is owed are the open rows, what ended is the attempt
   * that ended it. Each way of asking goes where its answer stands.
   */
  async deliveries(query: LogQuery): Promise<Page<DeliveryRow>> {
    if (query.event) return this.#deliveriesOfEvent(query);
    if (query.state === 'pending') return this.#pending(query);
    if (query.state || query.endpoint) return this.#ended(query);
    return this.#byEvent(query);
  }

  /** Ended deliveries, newest end first; of an endpoint without a state, its owed ones come first. */
  async #ended(query: LogQuery): Promise<Page<DeliveryRow>> {
    if (!query.state && (query.cursor === undefined || query.cursor.startsWith('p'))) {
      const page = await this.#pending(query);
      return { items: page.items, next: page.next ?? 'z' };
    }
    const cursor = query.cursor === 'z' ? undefined : query.cursor;
    const rows = this.#attemptRows({ ...query, cursor }, SCAN_MAX);
    const items: DeliveryRow[] = [];
    for (const row of rows) {
      if (row.state === 0) continue;
      items.push(toDelivery(row));
      if (items.length === query.limit) return { items, next: String(row.rowid) };
    }
    const last = rows.at(-1);
    return { items, next: rows.length === SCAN_MAX && last ? String(last.rowid) : undefined };
  }

  /** Owed deliveries in the order of their lanes. The cursor is the last row's key. */
  async #pending(query: LogQuery): Promise<Page<DeliveryRow>> {
    const where = new Where();
    const lanes = query.endpoint ? this.#lanesOf(query.endpoint) : undefined;
    if (query.endpoint && !lanes) return { items: [], next: undefined };
    if (lanes) where.add('d.lane between ? and ?', lanes[0], lanes[1]);
    if (query.cursor) {
      const [slot, lane, due, event, run] = query.cursor.slice(1).split('.');
      where.add(
        '(d.slot, d.lane, d.due_at, d.event, d.run) > (?, ?, ?, ?, ?)',
        Number(slot),
        Number(lane),
        Number(due),
        decodeId(`evt_${event}`) ?? new Uint8Array(),
        Number(run),
      );
    }
    const rows = this.#db.all<PendingColumns>(
      `select d.slot, d.lane, d.due_at, d.event, d.run, d.attempt, t.text as tenant, y.text as type,
         e.created_at as created_at, n.endpoint as endpoint
       from delivery d join event e on e.id = d.event
       join word t on t.number = e.tenant join word y on y.number = e.type
       join endpoint_number n on n.number = d.lane / ${LANE_PARTS}
       where ${where.sql} order by d.slot, d.lane, d.due_at, d.event, d.run limit ?`,
      ...where.values,
      SCAN_MAX,
    );
    const items: DeliveryRow[] = [];
    for (const row of rows) {
      if (!fits(row, query)) continue;
      items.push(this.#toPending(row));
      if (items.length === query.limit) return { items, next: pendingCursor(row) };
    }
    const last = rows.at(-1);
    return { items, next: rows.length === SCAN_MAX && last ? pendingCursor(last) : undefined };
  }

  #toPending(row: PendingColumns): DeliveryRow {
    const last =
      row.attempt === 0
        ? undefined
        : this.#db.get<{ status: number | null; fault: Fault | null; started_at: Ms }>(
            `select status, fault, started_at from attempt
             where event = ? and slot = ? and lane = ? and run = ? order by rowid desc limit 1`,
            row.event,
            row.slot,
            row.lane,
            row.run,
          );
    return {
      event: idText('evt', row.event),
      endpoint: row.endpoint,
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

  async #deliveriesOfEvent(query: LogQuery): Promise<Page<DeliveryRow>> {
    const id = decodeId(query.event as string);
    if (!id) return { items: [], next: undefined };
    const lanes = query.endpoint ? this.#lanesOf(query.endpoint) : undefined;
    const open = this.#db
      .all<PendingColumns>(
        `select d.slot, d.lane, d.due_at, d.event, d.run, d.attempt, t.text as tenant,
           y.text as type, e.created_at as created_at, n.endpoint as endpoint
         from event e join json_each(e.lanes) f
         join delivery d on d.slot = ? and d.lane = f.value and d.event = e.id
         join word t on t.number = e.tenant join word y on y.number = e.type
         join endpoint_number n on n.number = d.lane / ${LANE_PARTS}
         where e.id = ? and t.text = ? ${lanes ? 'and d.lane between ? and ?' : ''}`,
        slotOfId(id),
        id,
        query.tenant,
        ...(lanes ?? []),
      )
      .map((row) => this.#toPending(row));
    const ended = this.#attemptRows({ ...query, cursor: undefined, state: undefined }, SCAN_MAX)
      .filter((row) => row.state !== 0)
      .map(toDelivery);
    const all = [...open, ...ended].filter((row) => !query.state || row.state === query.state);
    const from = Number(query.cursor ?? 0);
    const items = all.slice(from, from + query.limit);
    const end = from + items.length;
    return { items, next: end < all.length ? String(end) : undefined };
  }

  /** Newest events first, each with all it is owed and was; cuts between events. */
  async #byEvent(query: LogQuery): Promise<Page<DeliveryRow>> {
    const items: DeliveryRow[] = [];
    const page = await this.events({ ...query, limit: Math.min(query.limit, 200) });
    for (const [i, event] of page.items.entries()) {
      const of = await this.#deliveriesOfEvent({
        tenant: query.tenant,
        event: event.id,
        limit: SCAN_MAX,
      });
      items.push(...of.items);
      if (items.length >= query.limit && i + 1 < page.items.length) {
        return { items, next: String(this.#rowOfEvent(event.id)) };
      }
    }
    return { items, next: page.next };
  }

  #rowOfEvent(id: EventId): number | undefined {
    return this.#db.get<{ r: number }>('select rowid as r from event where id = ?', idBytes(id))?.r;
  }

  #lanesOf(endpoint: EndpointId): readonly [number, number] | undefined {
    const row = this.#db.get<{ number: number }>(
      'select number from endpoint_number where endpoint = ?',
      endpoint,
    );
    return row && [row.number * LANE_PARTS, row.number * LANE_PARTS + LANE_PARTS - 1];
  }

  counts(): { events: number; attempts: number } {
    const count = (table: string) =>
      Number(
        this.#db.get<{ n: number | null }>(`select max(rowid) - min(rowid) + 1 as n from ${table}`)
          ?.n ?? 0,
      );
    return { events: count('event'), attempts: count('attempt') };
  }
}

interface EventColumns {
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
const EVENT_COLUMNS = `e.rowid as rowid, e.id as id, t.text as tenant, y.text as type,
  e.occurred_at as occurred_at, e.created_at as created_at, e.meta as meta, e.idem as idem,
  length(e.data) as size, json_array_length(e.lanes) as deliveries`;

interface PendingColumns {
  readonly slot: number;
  readonly lane: number;
  readonly due_at: Ms;
  readonly event: Uint8Array;
  readonly run: number;
  readonly attempt: number;
  readonly tenant: string;
  readonly type: string;
  readonly created_at: Ms;
  readonly endpoint: EndpointId;
}

interface WholeColumns extends Columns {
  readonly slot: number;
  readonly lane: number;
  readonly remote: string | null;
  readonly url: string | null;
  readonly req_head: Uint8Array | null;
  readonly body_before: Uint8Array | null;
  readonly body_after: Uint8Array | null;
  readonly res_head: Uint8Array | null;
  readonly res_body: Uint8Array | null;
}

class Where {
  readonly values: Value[] = [];
  #terms: string[] = [];
  add(term: string, ...values: Value[]): void {
    this.#terms.push(term);
    this.values.push(...values);
  }
  get sql(): string {
    return this.#terms.length === 0 ? 'true' : this.#terms.join(' and ');
  }
}

function cursorRow(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const row = Number(cursor);
  return Number.isSafeInteger(row) ? row : 0;
}

function pageOf<R extends { rowid: number }, T>(
  rows: readonly R[],
  limit: number,
  map: (row: R) => T,
): Page<T> {
  const kept = rows.slice(0, limit);
  const more = rows.length > limit;
  return { items: kept.map(map), next: more ? String(kept.at(-1)?.rowid) : undefined };
}

function pendingCursor(row: PendingColumns): string {
  const { slot, lane, due_at, event, run } = row;
  return `p${slot}.${lane}.${due_at}.${idText('evt', event).slice(4)}.${run}`;
}

function fits(row: PendingColumns, query: LogQuery): boolean {
  return (
    row.tenant === query.tenant &&
    (query.type === undefined || row.type === query.type) &&
    (query.from === undefined || row.created_at >= query.from) &&
    (query.to === undefined || row.created_at < query.to)
  );
}

function toEvent(row: EventColumns): EventRow {
  return {
    id: idText('evt', row.id),
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

function toAttempt(row: Columns): AttemptRow {
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

function toDelivery(row: Columns): DeliveryRow {
  const attempt = toAttempt(row);
  const { event, endpoint, run, tenant, type, state, status, fault } = attempt;
  return {
    event,
    endpoint,
    run,
    tenant,
    type,
    state,
    attempts: attempt.n,
    createdAt: timeOfId(row.event),
    status,
    fault,
    lastAttemptAt: attempt.n > 0 ? attempt.startedAt : undefined,
    nextAt: undefined,
  };
}

/** Method and URL as they were sent; from the head, or from the row if nothing was sent. */
function requestLine(head: Uint8Array, row: WholeColumns): { method: string; url: string } {
  const text = Buffer.from(head).toString('latin1');
  const [method = '', target = ''] = text.slice(0, text.indexOf('\r\n')).split(' ');
  if (!target) return { method: '', url: row.url ?? '' };
  const host = /\r\nhost: *([^\r]*)/i.exec(text)?.[1] ?? '';
  return { method, url: `${row.flags & FLAG_TLS ? 'https' : 'http'}://${host}${target}` };
}
