import type { CaptureId, Keep } from '../../core/inbox.ts';
import type { Ms, Slot } from '../../core/model.ts';
import { captureId } from '../capture-id.ts';
import {
  type Captured,
  type CaptureKey,
  type CaptureQuery,
  type CaptureStore,
  EXCHANGES_MAX,
  type Exchange,
  type ExchangeKind,
  type InboxCounts,
  type InboxKey,
  type NewCapture,
  type NewExchange,
  PAGE_BODY_BYTES,
  type StoredCapture,
} from '../inbox.ts';
import type { Page } from '../store.ts';
import type { Vault } from '../vault.ts';
import type { Committer } from './committer.ts';
import type { Database, Value } from './database.ts';

/** Numbers of captures below it: a key holds both numbers in 53 bits. */
export const SEQS = 2 ** 32;
/** A longer body is kept in pieces of this size, so that no read holds more of it in memory. */
export const PIECE_BYTES = 262_144;

const FLAGS = { sealed: 1, bookmarked: 2, pieces: 4, truncated: 8 } as const;

export interface InboxParts {
  readonly db: Database;
  readonly vault: Vault;
  readonly committer: Committer;
}

interface InboxRow {
  readonly number: number;
  readonly slot: Slot;
  readonly head: number;
  readonly captures: number;
  readonly bytes: number;
  readonly keep: string | null;
}

interface CaptureRow {
  readonly key: number;
  readonly received_at: Ms;
  readonly method: string;
  readonly target: string;
  readonly path_at: number;
  readonly remote: string;
  readonly flags: number;
  readonly body_bytes: number;
  readonly answered_by: string;
  readonly status: number | null;
  readonly duration: number | null;
  readonly error: string | null;
  readonly exchanges: number;
  readonly type: string | null;
  readonly message_id: string | null;
  readonly note: string;
  readonly head: Uint8Array;
  readonly body: Uint8Array | null;
}

const COLUMNS = `key, received_at, method, target, path_at, remote, flags, body_bytes, answered_by, status,
  duration, error, exchanges, type, message_id, note, head`;

/** Of an inbox that has captured nothing yet there is no row. */
export function findInbox(db: Database, key: InboxKey): InboxRow | undefined {
  return db.get<InboxRow>(
    'select number, slot, head, captures, bytes, keep from inbox where id = ?',
    key.inbox,
  );
}

export function ensureInbox(db: Database, key: InboxKey): InboxRow {
  const known = findInbox(db, key);
  if (known) return known;
  db.run(
    `insert into inbox (id, slot, head, captures, bytes, keep) values (?, ?, 0, 0, 0, '{}')`,
    key.inbox,
    key.slot,
  );
  return findInbox(db, key) as InboxRow;
}

export function countsOf(db: Database, key: InboxKey): InboxCounts {
  const row = findInbox(db, key);
  if (!row) return { head: 0, oldest: 1, captures: 0, bytes: 0 };
  const { number, head, captures, bytes } = row;
  const first = db.get<{ key: number }>(
    'select key from capture where key > ? and key <= ? order by key limit 1',
    number * SEQS,
    number * SEQS + head,
  );
  return { head, oldest: first ? first.key % SEQS : head + 1, captures, bytes };
}

export function firstSince(db: Database, key: InboxKey, at: Ms): number | undefined {
  const row = findInbox(db, key);
  if (!row) return undefined;
  const first = db.get<{ key: number }>(
    'select key from capture where key > ? and key <= ? and received_at >= ? order by key limit 1',
    row.number * SEQS,
    row.number * SEQS + row.head,
    at,
  );
  return first && first.key % SEQS;
}

interface Dropped {
  readonly rows: number;
  readonly bytes: number;
}

interface OldRow {
  readonly key: number;
  readonly flags: number;
  readonly stored: number;
  readonly received_at: Ms;
}

function remove(db: Database, keys: readonly { key: number; flags: number }[]): void {
  for (const { key, flags } of keys) {
    db.run('delete from capture where key = ?', key);
    db.run('delete from exchange where capture = ?', key);
    if ((flags & FLAGS.pieces) !== 0) db.run('delete from piece where capture = ?', key);
  }
}

/** The oldest captures go while `tooMuch` says so of what would be left. */
export function dropOldest(
  db: Database,
  inbox: Pick<InboxRow, 'number' | 'captures' | 'bytes'>,
  at: { limit: number; tooMuch: (left: Dropped, oldestAt: Ms) => boolean },
): Dropped {
  const { number } = inbox;
  const rows = db.prepare(
    `select key, flags, stored, received_at from capture where key > ? and key < ?
     order by key limit ?`,
  );
  const oldest = rows.iterate(number * SEQS, (number + 1) * SEQS, at.limit);
  const going: OldRow[] = [];
  let left = { rows: inbox.captures, bytes: inbox.bytes };
  // Mostly few of so many have to go: no more of them are read than that.
  for (const row of oldest as unknown as Iterable<OldRow>) {
    if (!at.tooMuch(left, row.received_at)) break;
    going.push(row);
    left = { rows: left.rows - 1, bytes: left.bytes - row.stored };
  }
  remove(db, going);
  return { rows: going.length, bytes: inbox.bytes - left.bytes };
}

/** Dropped in one go at most: what is over is dropped by the next capture, or by housekeeping. */
const DROP_MAX = 500;

export class SqliteCaptures implements CaptureStore {
  readonly #db: Database;
  readonly #vault: Vault;
  readonly #committer: Committer;

  constructor({ db, vault, committer }: InboxParts) {
    this.#db = db;
    this.#vault = vault;
    this.#committer = committer;
  }

  capture(batch: readonly NewCapture[]): Promise<Captured[]> {
    return this.#committer.run({ durable: true, execute: () => this.#insertAll(batch) });
  }

  #insertAll(batch: readonly NewCapture[]): Captured[] {
    const inboxes = new Map<string, { row: InboxRow; last: NewCapture }>();
    const captured = batch.map((capture) => {
      const row = inboxes.get(capture.inbox)?.row ?? ensureInbox(this.#db, capture);
      const seq = row.head + 1;
      this.#insert(capture, row.number * SEQS + seq);
      const bytes = row.bytes + capture.head.length + capture.body.length;
      const next = { ...row, head: seq, captures: row.captures + 1, bytes };
      inboxes.set(capture.inbox, { row: next, last: capture });
      const { receivedAt, slot } = capture;
      const id = captureId({ receivedAt, slot, number: row.number, seq });
      return { id, seq, dropped: 0 };
    });
    for (const { row, last } of inboxes.values()) {
      const dropped = this.#drop(row, last.keep);
      const at = batch.lastIndexOf(last);
      captured[at] = { ...(captured[at] as Captured), dropped };
    }
    return captured;
  }

  #insert(capture: NewCapture, key: number): void {
    const { body } = capture;
    const pieces = body.length > PIECE_BYTES;
    const flags =
      (capture.secretHead ? FLAGS.sealed : 0) |
      (pieces ? FLAGS.pieces : 0) |
      (capture.bodyBytes > body.length ? FLAGS.truncated : 0);
    this.#db.run(
      `insert into capture (key, received_at, method, target, path_at, remote, flags, body_bytes, stored,
         answered_by, status, exchanges, type, message_id, note, head, body)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, '', ?, ?)`,
      key,
      capture.receivedAt,
      capture.method,
      capture.target,
      capture.pathAt,
      capture.remoteAddress,
      flags,
      capture.bodyBytes,
      capture.head.length + body.length,
      capture.answeredBy,
      capture.status ?? null,
      capture.type ?? null,
      capture.messageId ?? null,
      capture.secretHead ? this.#vault.seal(capture.head, placeOfCapture(key)) : capture.head,
      pieces ? null : body,
    );
    if (!pieces) return;
    for (let n = 0; n * PIECE_BYTES < body.length; n++) {
      const bytes = body.subarray(n * PIECE_BYTES, (n + 1) * PIECE_BYTES);
      this.#db.run('insert into piece (capture, n, bytes) values (?, ?, ?)', key, n, bytes);
    }
  }

  /** Writes the inbox's row; resolves with how many captures had to go. */
  #drop(row: InboxRow, keep: Keep): number {
    const over = row.captures > keep.captures || row.bytes > keep.bytes;
    const dropped = over
      ? dropOldest(this.#db, row, {
          limit: DROP_MAX,
          // The newest one stays, however large it is.
          tooMuch: (left) =>
            left.rows > 1 && (left.rows > keep.captures || left.bytes > keep.bytes),
        })
      : { rows: 0, bytes: 0 };
    this.#db.run(
      'update inbox set head = ?, captures = ?, bytes = ?, keep = ? where number = ?',
      row.head,
      row.captures - dropped.rows,
      row.bytes - dropped.bytes,
      JSON.stringify(keep),
      row.number,
    );
    return dropped.rows;
  }

  async list(query: CaptureQuery): Promise<Page<StoredCapture>> {
    const inbox = findInbox(this.#db, query);
    if (!inbox) return { items: [], next: undefined };
    const { before, after, limit, bodyBytesMax } = query;
    const base = inbox.number * SEQS;
    const rows = this.#db.prepare(
      `select ${COLUMNS}, case when body_bytes <= ? then body end as body
       from capture where key > ? and key < ? order by key ${after === undefined ? 'desc' : 'asc'}`,
    );
    const bounds: Value[] = [base + (after ?? 0), base + Math.min(before ?? SEQS, SEQS)];
    const items: StoredCapture[] = [];
    let bytes = 0;
    for (const row of rows.iterate(Math.min(bodyBytesMax, PIECE_BYTES), ...bounds)) {
      const full = items.length === limit || (items.length > 0 && bytes > PAGE_BODY_BYTES);
      if (full) return { items, next: String(items.at(-1)?.seq) };
      const item = this.#toCapture(query, inbox.number, row as unknown as CaptureRow);
      bytes += item.body?.length ?? 0;
      items.push(item);
    }
    return { items, next: undefined };
  }

  async read(key: CaptureKey, bodyBytesMax: number): Promise<StoredCapture | undefined> {
    const inbox = findInbox(this.#db, key);
    if (!inbox) return undefined;
    const row = this.#db.get<CaptureRow>(
      `select ${COLUMNS}, case when body_bytes <= ? then body end as body
       from capture where key = ?`,
      Math.min(bodyBytesMax, PIECE_BYTES),
      inbox.number * SEQS + key.seq,
    );
    return row && this.#toCapture(key, inbox.number, row);
  }

  #toCapture({ slot, inbox }: InboxKey, number: number, row: CaptureRow): StoredCapture {
    const seq = row.key % SEQS;
    const receivedAt = row.received_at;
    const sealed = (row.flags & FLAGS.sealed) !== 0;
    return {
      id: captureId({ receivedAt, slot, number, seq }),
      slot,
      inbox,
      seq,
      receivedAt,
      method: row.method,
      target: row.target,
      pathAt: row.path_at,
      remoteAddress: row.remote,
      head: sealed ? this.#vault.open(row.head, placeOfCapture(row.key)) : row.head,
      bodyBytes: row.body_bytes,
      truncated: (row.flags & FLAGS.truncated) !== 0,
      type: row.type ?? undefined,
      messageId: row.message_id ?? undefined,
      answeredBy: row.answered_by,
      note: row.note,
      bookmarked: (row.flags & FLAGS.bookmarked) !== 0,
      status: row.status ?? undefined,
      durationMs: row.duration ?? undefined,
      error: row.error ?? undefined,
      exchanges: row.exchanges,
      body: row.body ?? undefined,
    };
  }

  async body(key: CaptureKey, offset: number): Promise<Uint8Array> {
    const inbox = findInbox(this.#db, key);
    if (!inbox) return EMPTY;
    const capture = inbox.number * SEQS + key.seq;
    const row = this.#db.get<{ flags: number; body: Uint8Array | null }>(
      'select flags, body from capture where key = ?',
      capture,
    );
    if (!row) return EMPTY;
    if ((row.flags & FLAGS.pieces) === 0) return (row.body ?? EMPTY).subarray(offset);
    const piece = this.#db.get<{ bytes: Uint8Array }>(
      'select bytes from piece where capture = ? and n = ?',
      capture,
      Math.floor(offset / PIECE_BYTES),
    );
    return piece?.bytes.subarray(offset % PIECE_BYTES) ?? EMPTY;
  }

  record(exchanges: readonly NewExchange[]): Promise<void> {
    return this.#committer.run({
      durable: false,
      lazy: true,
      execute: () => {
        for (const exchange of exchanges) this.#record(exchange);
      },
    });
  }

  #record(exchange: NewExchange): void {
    const inbox = findInbox(this.#db, exchange);
    if (!inbox) return;
    const capture = inbox.number * SEQS + exchange.seq;
    const { status, error, durationMs } = exchange;
    const row = this.#db.get<{ exchanges: number }>(
      `update capture set status = ?, duration = ?, error = ?, exchanges = exchanges + 1
       where key = ? returning exchanges`,
      status ?? null,
      durationMs,
      error ?? null,
      capture,
    );
    if (!row) return;
    const seal = (bytes: Uint8Array, which: string) =>
      exchange.secretHeads ? this.#vault.seal(bytes, `${placeOfCapture(capture)}/${which}`) : bytes;
    this.#db.run(
      `insert into exchange (capture, kind, dest, at, duration, status, error, flags,
         req_head, req_body, res_head, res_body) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      capture,
      exchange.kind,
      exchange.to,
      exchange.at,
      durationMs,
      status ?? null,
      error ?? null,
      (exchange.secretHeads ? FLAGS.sealed : 0) |
        (exchange.responseTruncated ? FLAGS.truncated : 0),
      seal(exchange.requestHead, 'req'),
      exchange.requestBody ?? null,
      seal(exchange.responseHead, 'res'),
      exchange.responseBody,
    );
    if (row.exchanges <= EXCHANGES_MAX) return;
    this.#db.run(
      'delete from exchange where seq = (select min(seq) from exchange where capture = ?)',
      capture,
    );
    this.#db.run('update capture set exchanges = ? where key = ?', EXCHANGES_MAX, capture);
  }

  async exchanges(key: CaptureKey): Promise<Exchange[]> {
    const inbox = findInbox(this.#db, key);
    if (!inbox) return [];
    const capture = inbox.number * SEQS + key.seq;
    return this.#db
      .all<ExchangeRow>('select * from exchange where capture = ? order by seq', capture)
      .map((row) => this.#toExchange(row));
  }

  #toExchange(row: ExchangeRow): Exchange {
    const open = (bytes: Uint8Array, which: string) =>
      (row.flags & FLAGS.sealed) === 0
        ? bytes
        : this.#vault.open(bytes, `${placeOfCapture(row.capture)}/${which}`);
    return {
      kind: row.kind,
      to: row.dest,
      at: row.at,
      durationMs: row.duration,
      status: row.status ?? undefined,
      error: row.error ?? undefined,
      requestHead: open(row.req_head, 'req'),
      requestBody: row.req_body ?? undefined,
      responseHead: open(row.res_head, 'res'),
      responseBody: row.res_body,
      responseTruncated: (row.flags & FLAGS.truncated) !== 0,
    };
  }

  mark(key: CaptureKey, mark: { note?: string; bookmarked?: boolean }): Promise<boolean> {
    const { note, bookmarked } = mark;
    return this.#committer.run({
      durable: true,
      execute: () => {
        const inbox = findInbox(this.#db, key);
        if (!inbox) return false;
        const flags =
          bookmarked === undefined
            ? 'flags'
            : bookmarked
              ? `flags | ${FLAGS.bookmarked}`
              : `flags & ~${FLAGS.bookmarked}`;
        const changed = this.#db.run(
          `update capture set note = coalesce(?, note), flags = ${flags} where key = ?`,
          note ?? null,
          inbox.number * SEQS + key.seq,
        );
        return changed > 0;
      },
    });
  }

  remove(key: InboxKey, seqs: readonly number[]): Promise<number> {
    return this.#committer.run({
      durable: true,
      execute: () => {
        const inbox = findInbox(this.#db, key);
        let [rows, bytes] = [0, 0];
        for (const seq of inbox ? seqs : []) {
          const capture = (inbox as InboxRow).number * SEQS + seq;
          const row = this.#db.get<{ key: number; flags: number; stored: number }>(
            'select key, flags, stored from capture where key = ?',
            capture,
          );
          if (!row) continue;
          remove(this.#db, [row]);
          rows += 1;
          bytes += row.stored;
        }
        if (rows > 0) subtract(this.#db, inbox as InboxRow, { rows, bytes });
        return rows;
      },
    });
  }

  keep(key: InboxKey, keep: Keep | null): Promise<void> {
    return this.#committer.run({
      durable: true,
      execute: () => {
        const inbox = findInbox(this.#db, key);
        const text = keep && JSON.stringify(keep);
        if (!inbox) return;
        this.#db.run('update inbox set keep = ? where number = ?', text, inbox.number);
        if (keep) this.#drop(inbox, keep);
      },
    });
  }

  async counts(keys: readonly InboxKey[]): Promise<InboxCounts[]> {
    return keys.map((key) => countsOf(this.#db, key));
  }

  async answered(key: InboxKey): Promise<ReadonlyMap<string, number>> {
    const { number = 0 } = findInbox(this.#db, key) ?? {};
    const rows = this.#db.all<{ answered_by: string; n: number }>(
      `select answered_by, count(*) as n from capture where key > ? and key < ?
       group by answered_by`,
      number * SEQS,
      (number + 1) * SEQS,
    );
    return new Map(rows.map((row) => [row.answered_by, row.n]));
  }

  async sameMessage(key: InboxKey, messageId: string, limit: number): Promise<CaptureId[]> {
    const inbox = findInbox(this.#db, key);
    if (!inbox) return [];
    const { number } = inbox;
    const rows = this.#db.all<{ key: number; received_at: Ms }>(
      `select key, received_at from capture where message_id = ? and key > ? and key < ?
       order by key limit ?`,
      messageId,
      number * SEQS,
      (number + 1) * SEQS,
      limit,
    );
    return rows.map((row) =>
      captureId({
        receivedAt: row.received_at,
        slot: key.slot,
        number,
        seq: row.key % SEQS,
      }),
    );
  }
}

interface ExchangeRow {
  readonly capture: number;
  readonly kind: ExchangeKind;
  readonly dest: string;
  readonly at: Ms;
  readonly duration: number;
  readonly status: number | null;
  readonly error: string | null;
  readonly flags: number;
  readonly req_head: Uint8Array;
  readonly req_body: Uint8Array | null;
  readonly res_head: Uint8Array;
  readonly res_body: Uint8Array;
}

const EMPTY = new Uint8Array();

export function subtract(db: Database, { number }: Pick<InboxRow, 'number'>, gone: Dropped): void {
  db.run(
    'update inbox set captures = captures - ?, bytes = bytes - ? where number = ?',
    gone.rows,
    gone.bytes,
    number,
  );
}

/** What a sealed head is bound to. */
export function placeOfCapture(key: number): string {
  return `capture/${key}`;
}
