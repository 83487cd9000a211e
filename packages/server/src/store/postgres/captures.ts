import type { CaptureId, Keep } from '../../core/inbox.ts';
import type { Ms } from '../../core/model.ts';
import { captureId } from '../capture-id.ts';
import {
  type Captured,
  type CaptureKey,
  type CaptureQuery,
  type CaptureStore,
  type Exchange,
  type InboxCounts,
  type InboxKey,
  type NewCapture,
  type NewExchange,
  PAGE_BODY_BYTES,
  type StoredCapture,
} from '../inbox.ts';
import type { Page } from '../store.ts';
import type { Vault } from '../vault.ts';
import { WAITING } from './answers.ts';
import { byteas, int2s, int4s, int8s, texts } from './arrays.ts';
import type { Querying, Value } from './database.ts';
import { Exchanges } from './exchanges.ts';
import {
  CAPTURE_COLUMNS,
  CAPTURE_FLAGS,
  type CaptureRow,
  countsOf,
  dropOldest,
  type InboxRow,
  keyArrays,
  lockInbox,
  lockInboxes,
  placeOf,
  subtract,
  toCapture,
} from './inbox-rows.ts';
import type { InboxConnections, InboxParts } from './open-inbox.ts';

/** Read of a long body at once. */
const PIECE_BYTES = 262_144;
/** Dropped in one go at most: what is over is dropped by the next capture, or by housekeeping. */
const DROP_MAX = 500;

/** A capture with its number. */
interface Numbered {
  readonly capture: NewCapture;
  readonly number: number;
  readonly seq: number;
}

export class PgCaptures implements CaptureStore {
  readonly #db: InboxConnections;
  readonly #vault: Vault;
  readonly #exchanges: Exchanges;

  constructor({ db, vault }: InboxParts) {
    this.#db = db;
    this.#vault = vault;
    this.#exchanges = new Exchanges({ db, vault });
  }

  capture(batch: readonly NewCapture[], now: Ms): Promise<Captured[]> {
    return this.#db.writes.transaction(async (tx) => {
      const inboxes = await ensureInboxes(tx, batch);
      const numbered = batch.map((capture): Numbered => {
        const row = inboxes.get(capture.inbox) as InboxRow;
        const seq = row.head + 1;
        const bytes = row.bytes + capture.head.length + capture.body.length;
        const { keep } = capture;
        inboxes.set(row.id, { ...row, head: seq, captures: row.captures + 1, bytes, keep });
        return { capture, number: row.number, seq };
      });
      await this.#insert(tx, numbered);
      await expectAnswers(tx, numbered, now);
      const rows = [...inboxes.values()];
      await writeInboxes(tx, rows);
      const dropped = new Map<string, number>();
      for (const row of rows) dropped.set(row.id, await drop(tx, row));
      return numbered.map(({ capture, number, seq }) => {
        const { receivedAt, slot, inbox } = capture;
        const gone = dropped.get(inbox) ?? 0;
        dropped.delete(inbox);
        return { id: captureId({ receivedAt, slot, number, seq }), seq, dropped: gone };
      });
    });
  }

  async #insert(tx: Querying, batch: readonly Numbered[]): Promise<void> {
    const of = <T>(field: (capture: NewCapture) => T): T[] =>
      batch.map(({ capture }) => field(capture));
    await tx.run(
      `insert into capture (slot, inbox, seq, received_at, method, target, path_at, remote, flags,
         body_bytes, answered_by, status, type, message_id, head, body)
       select * from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[],
         $6::text[], $7::int[], $8::text[], $9::smallint[], $10::bigint[], $11::text[], $12::int[],
         $13::text[], $14::text[], $15::bytea[], $16::bytea[])`,
      int2s(of(({ slot }) => slot)),
      int8s(batch.map(({ number }) => number)),
      int8s(batch.map(({ seq }) => seq)),
      int8s(of(({ receivedAt }) => receivedAt)),
      texts(of(({ method }) => method)),
      texts(of(({ target }) => target)),
      int4s(of(({ pathAt }) => pathAt)),
      texts(of(({ remoteAddress }) => remoteAddress)),
      int2s(of(flagsOf)),
      int8s(of(({ bodyBytes }) => bodyBytes)),
      texts(of(({ answeredBy }) => answeredBy)),
      int4s(of(({ status }) => status ?? null)),
      texts(of(({ type }) => type ?? null)),
      texts(of(({ messageId }) => messageId ?? null)),
      byteas(batch.map((one) => this.#headOf(one))),
      byteas(of(({ body }) => body)),
    );
  }

  #headOf({ capture, number, seq }: Numbered): Uint8Array {
    const { slot, head, secretHead } = capture;
    return secretHead ? this.#vault.seal(head, placeOf({ slot, number, seq })) : head;
  }

  async list(query: CaptureQuery): Promise<Page<StoredCapture>> {
    const { slot, inbox, before, after, limit, bodyBytesMax } = query;
    const order = after === undefined ? 'desc' : 'asc';
    // Sizes are added up before a body is read: the page ends where there would be too much.
    const rows = await this.#db.reads.all<CaptureRow & { more: boolean }>(
      `select ${CAPTURE_COLUMNS}, case when octet_length(c.body) <= $5 then c.body end as body,
         c.all_rows > c.place as more
       from (
         select p.*, count(*) over () as all_rows, row_number() over (order by p.seq ${order}) as place,
           coalesce(sum(case when octet_length(p.body) <= $5 then octet_length(p.body) else 0 end)
             over (order by p.seq ${order} rows between unbounded preceding and 1 preceding), 0) as sum
         from (
           select c.* from inbox i join capture c on c.slot = i.slot and c.inbox = i.number
           where i.slot = $1 and i.id = $2 and c.seq > $3 and c.seq < $4
           order by c.seq ${order} limit $6 + 1
         ) p
       ) c
       where c.place <= $6 and (c.place = 1 or c.sum <= ${PAGE_BODY_BYTES})
       order by c.place`,
      slot,
      inbox,
      after ?? 0,
      before ?? Number.MAX_SAFE_INTEGER,
      bodyBytesMax,
      limit,
    );
    const last = rows.at(-1);
    const next = last?.more ? String(last.seq) : undefined;
    return { items: rows.map((row) => toCapture(this.#vault, query, row)), next };
  }

  async read(key: CaptureKey, bodyBytesMax: number): Promise<StoredCapture | undefined> {
    const row = await this.#db.reads.get<CaptureRow>(
      `select ${CAPTURE_COLUMNS}, case when octet_length(c.body) <= $4 then c.body end as body
       from ${OF_KEY}`,
      ...valuesOf(key),
      bodyBytesMax,
    );
    return row && toCapture(this.#vault, key, row);
  }

  async body(key: CaptureKey, offset: number): Promise<Uint8Array> {
    const row = await this.#db.reads.get<{ piece: Uint8Array }>(
      `select substring(c.body from $4 for ${PIECE_BYTES}) as piece from ${OF_KEY}`,
      ...valuesOf(key),
      offset + 1,
    );
    return row?.piece ?? new Uint8Array();
  }

  record(exchanges: readonly NewExchange[]): Promise<void> {
    return this.#exchanges.record(exchanges);
  }

  exchanges(key: CaptureKey): Promise<Exchange[]> {
    return this.#exchanges.list(key);
  }

  async mark(key: CaptureKey, mark: { note?: string; bookmarked?: boolean }): Promise<boolean> {
    const { note, bookmarked } = mark;
    const changed = await this.#db.writes.run(
      `update capture c set note = coalesce($4, c.note), flags = case
         when $5::boolean is null then c.flags
         when $5 then c.flags | ${CAPTURE_FLAGS.bookmarked}
         else c.flags & ~${CAPTURE_FLAGS.bookmarked} end
       from inbox i
       where i.slot = $1 and i.id = $2 and c.slot = i.slot and c.inbox = i.number and c.seq = $3`,
      ...valuesOf(key),
      note?.replaceAll('\0', '\ufffd') ?? null,
      bookmarked ?? null,
    );
    return changed > 0;
  }

  remove(key: InboxKey, seqs: readonly number[]): Promise<number> {
    return this.#db.writes.transaction(async (tx) => {
      const inbox = await lockInbox(tx, key);
      if (!inbox) return 0;
      const these = [inbox.slot, inbox.number, int8s(seqs)] as const;
      await tx.run(
        'delete from exchange where slot = $1 and inbox = $2 and capture = any($3::bigint[])',
        ...these,
      );
      const gone = await tx.all<{ stored: number }>(
        `delete from capture where slot = $1 and inbox = $2 and seq = any($3::bigint[])
         returning octet_length(head) + octet_length(body) as stored`,
        ...these,
      );
      const bytes = gone.reduce((sum, { stored }) => sum + stored, 0);
      await subtract(tx, inbox, { rows: gone.length, bytes });
      return gone.length;
    });
  }

  keep(key: InboxKey, keep: Keep | null): Promise<void> {
    return this.#db.writes.transaction(async (tx) => {
      const inbox = await lockInbox(tx, key);
      if (!inbox) return;
      const changed = { ...inbox, keep };
      await writeInboxes(tx, [changed]);
      if (keep) await drop(tx, changed);
    });
  }

  counts(keys: readonly InboxKey[]): Promise<InboxCounts[]> {
    return countsOf(this.#db.progress, keys);
  }

  async answered({ slot, inbox }: InboxKey): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#db.reads.all<{ answered_by: string; n: number }>(
      `select c.answered_by, count(*) as n
       from inbox i join capture c on c.slot = i.slot and c.inbox = i.number
       where i.slot = $1 and i.id = $2 group by c.answered_by`,
      slot,
      inbox,
    );
    return new Map(rows.map((row) => [row.answered_by, row.n]));
  }

  async sameMessage(key: InboxKey, messageId: string, limit: number): Promise<CaptureId[]> {
    const { slot, inbox } = key;
    const rows = await this.#db.reads.all<{ number: number; seq: number; received_at: Ms }>(
      `select c.inbox as number, c.seq, c.received_at
       from inbox i join capture c on c.slot = i.slot and c.inbox = i.number
       where i.slot = $1 and i.id = $2 and c.message_id = $3 order by c.seq limit $4`,
      slot,
      inbox,
      messageId,
      limit,
    );
    return rows.map(({ number, seq, received_at: receivedAt }) =>
      captureId({ receivedAt, slot, number, seq }),
    );
  }
}

const OF_KEY = `inbox i join capture c on c.slot = i.slot and c.inbox = i.number
  where i.slot = $1 and i.id = $2 and c.seq = $3`;

function valuesOf({ slot, inbox, seq }: CaptureKey): Value[] {
  return [slot, inbox, seq];
}

function flagsOf({ secretHead, bodyBytes, body }: NewCapture): number {
  return (
    (secretHead ? CAPTURE_FLAGS.sealed : 0) |
    (bodyBytes > body.length ? CAPTURE_FLAGS.truncated : 0)
  );
}

/** Locked, and made first where this is the first capture. */
async function ensureInboxes(
  tx: Querying,
  batch: readonly NewCapture[],
): Promise<Map<string, InboxRow>> {
  const keys = [...new Map(batch.map((capture) => [capture.inbox, capture])).values()];
  let rows = await lockInboxes(tx, keys);
  if (rows.length < keys.length) {
    await tx.run(
      `insert into inbox (slot, id) select * from unnest($1::smallint[], $2::text[]) u(slot, id)
       order by 1, 2 on conflict do nothing`,
      ...keyArrays(keys),
    );
    rows = await lockInboxes(tx, keys);
  }
  return new Map(rows.map((row) => [row.id, row]));
}

async function writeInboxes(tx: Querying, rows: readonly InboxRow[]): Promise<void> {
  await tx.run(
    `update inbox i set head = u.head, captures = u.captures, bytes = u.bytes, keep = u.keep::jsonb
     from unnest($1::smallint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
       u(slot, id, head, captures, bytes, keep)
     where i.slot = u.slot and i.id = u.id`,
    int2s(rows.map(({ slot }) => slot)),
    texts(rows.map(({ id }) => id)),
    int8s(rows.map(({ head }) => head)),
    int8s(rows.map(({ captures }) => captures)),
    int8s(rows.map(({ bytes }) => bytes)),
    texts(rows.map(({ keep }) => keep && JSON.stringify(keep))),
  );
}

/** Resolves with how many captures had to go. */
async function drop(tx: Querying, row: InboxRow): Promise<number> {
  const { captures = Infinity, bytes = Infinity } = row.keep ?? {};
  if (row.captures <= captures && row.bytes <= bytes) return 0;
  const gone = await dropOldest(tx, row, {
    limit: DROP_MAX,
    // The newest one stays, however large it is.
    tooMuch: (left) => left.rows > 1 && (left.rows > captures || left.bytes > bytes),
  });
  if (gone.rows > 0) await subtract(tx, row, gone);
  return gone.rows;
}

/** In the transaction of the captures: whoever sees one sees that its sender waits. */
async function expectAnswers(tx: Querying, batch: readonly Numbered[], now: Ms): Promise<void> {
  const waiting = batch.filter(({ capture }) => capture.waits);
  if (waiting.length === 0) return;
  await tx.run(
    `insert into answer (slot, inbox, seq, n, kind, at)
     select slot, inbox, seq, 0, ${WAITING}, $4
     from unnest($1::smallint[], $2::text[], $3::bigint[]) u(slot, inbox, seq)`,
    int2s(waiting.map(({ capture }) => capture.slot)),
    texts(waiting.map(({ capture }) => capture.inbox)),
    int8s(waiting.map(({ seq }) => seq)),
    now,
  );
}
