import type { Keep } from '../../core/inbox.ts';
import type { Ms, Slot } from '../../core/model.ts';
import { captureId } from '../capture-id.ts';
import type { InboxCounts, InboxKey, StoredCapture } from '../inbox.ts';
import type { Vault } from '../vault.ts';
import { int2s, texts } from './arrays.ts';
import type { Querying } from './database.ts';

export const CAPTURE_FLAGS = { sealed: 1, bookmarked: 2, truncated: 8 } as const;

export interface InboxRow {
  readonly slot: Slot;
  readonly id: string;
  readonly number: number;
  readonly head: number;
  readonly captures: number;
  readonly bytes: number;
  /** null = the inbox is gone. */
  readonly keep: Partial<Keep> | null;
}

const INBOX = 'i.slot, i.id, i.number, i.head, i.captures, i.bytes, i.keep';

export function keyArrays(keys: readonly InboxKey[]): [Buffer, Buffer] {
  return [int2s(keys.map(({ slot }) => slot)), texts(keys.map(({ inbox }) => inbox))];
}

/** Inboxes that have captured something, locked in one order for all. */
export async function lockInboxes(tx: Querying, keys: readonly InboxKey[]): Promise<InboxRow[]> {
  return tx.all<InboxRow>(
    `select ${INBOX} from unnest($1::smallint[], $2::text[]) u(slot, id)
     join inbox i on i.slot = u.slot and i.id = u.id
     order by i.slot, i.id for update of i`,
    ...keyArrays(keys),
  );
}

export async function lockInbox(tx: Querying, key: InboxKey): Promise<InboxRow | undefined> {
  return (await lockInboxes(tx, [key]))[0];
}

export async function countsOf(db: Querying, keys: readonly InboxKey[]): Promise<InboxCounts[]> {
  if (keys.length === 0) return [];
  const rows = await db.all<Partial<InboxCounts>>(
    `select i.head, i.captures, i.bytes, (
       select c.seq from capture c where c.slot = i.slot and c.inbox = i.number
       order by c.seq limit 1) as oldest
     from unnest($1::smallint[], $2::text[]) with ordinality u(slot, id, n)
     left join inbox i on i.slot = u.slot and i.id = u.id order by u.n`,
    ...keyArrays(keys),
  );
  return rows.map(({ head, oldest, captures, bytes }) => ({
    head: head ?? 0,
    oldest: oldest ?? (head ?? 0) + 1,
    captures: captures ?? 0,
    bytes: bytes ?? 0,
  }));
}

export async function firstSince(
  db: Querying,
  { slot, inbox }: InboxKey,
  at: Ms,
): Promise<number | undefined> {
  const row = await db.get<{ seq: number }>(
    `select c.seq from inbox i join capture c on c.slot = i.slot and c.inbox = i.number
     where i.slot = $1 and i.id = $2 and c.received_at >= $3 order by c.seq limit 1`,
    slot,
    inbox,
    at,
  );
  return row?.seq;
}

interface Dropped {
  readonly rows: number;
  readonly bytes: number;
}

/** The oldest captures of a locked inbox go while `tooMuch` says so of what would be left. */
export async function dropOldest(
  tx: Querying,
  inbox: InboxRow,
  at: { limit: number; tooMuch: (left: Dropped, oldestAt: Ms) => boolean },
): Promise<Dropped> {
  const { slot, number } = inbox;
  const rows = await tx.all<{ seq: number; stored: number; received_at: Ms }>(
    `select seq, octet_length(head) + octet_length(body) as stored, received_at from capture
     where slot = $1 and inbox = $2 order by seq limit $3`,
    slot,
    number,
    at.limit,
  );
  let left = { rows: inbox.captures, bytes: inbox.bytes };
  let upTo: number | undefined;
  for (const row of rows) {
    if (!at.tooMuch(left, row.received_at)) break;
    upTo = row.seq;
    left = { rows: left.rows - 1, bytes: left.bytes - row.stored };
  }
  if (upTo === undefined) return { rows: 0, bytes: 0 };
  const range = [slot, number, upTo] as const;
  await tx.run('delete from exchange where slot = $1 and inbox = $2 and capture <= $3', ...range);
  await tx.run('delete from capture where slot = $1 and inbox = $2 and seq <= $3', ...range);
  return { rows: inbox.captures - left.rows, bytes: inbox.bytes - left.bytes };
}

export async function subtract(tx: Querying, inbox: InboxRow, gone: Dropped): Promise<void> {
  await tx.run(
    `update inbox set captures = captures - $3, bytes = bytes - $4
     where slot = $1 and id = $2`,
    inbox.slot,
    inbox.id,
    gone.rows,
    gone.bytes,
  );
}

export const CAPTURE_COLUMNS = `c.slot, c.inbox, c.seq, c.received_at, c.method, c.target, c.path_at, c.remote,
  c.flags, c.body_bytes, c.answered_by, c.status, c.duration, c.error, c.exchanges, c.type,
  c.message_id, c.note, c.head`;

export interface CaptureRow {
  readonly slot: Slot;
  readonly inbox: number;
  readonly seq: number;
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

export function toCapture(vault: Vault, { slot, inbox }: InboxKey, row: CaptureRow): StoredCapture {
  const { seq, received_at: receivedAt, inbox: number } = row;
  const sealed = (row.flags & CAPTURE_FLAGS.sealed) !== 0;
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
    head: sealed ? vault.open(row.head, placeOf({ slot, number, seq })) : row.head,
    bodyBytes: row.body_bytes,
    truncated: (row.flags & CAPTURE_FLAGS.truncated) !== 0,
    type: row.type ?? undefined,
    messageId: row.message_id ?? undefined,
    answeredBy: row.answered_by,
    note: row.note,
    bookmarked: (row.flags & CAPTURE_FLAGS.bookmarked) !== 0,
    status: row.status ?? undefined,
    durationMs: row.duration ?? undefined,
    error: row.error ?? undefined,
    exchanges: row.exchanges,
    body: row.body ?? undefined,
  };
}

/** What a sealed head is bound to. */
export function placeOf(at: { slot: Slot; number: number; seq: number }): string {
  return `capture/${at.slot}/${at.number}/${at.seq}`;
}
