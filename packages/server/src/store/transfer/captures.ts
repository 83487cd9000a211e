import type { InboxId } from '../../core/inbox.ts';
import type { Ms } from '../../core/model.ts';
import { byteas, int2s, int4s, int8s, texts } from '../postgres/arrays.ts';
import { CAPTURE_FLAGS, placeOf } from '../postgres/inbox-rows.ts';
import { keptState } from '../postgres/listeners.ts';
import { placeOfCapture, SEQS } from '../sqlite/captures.ts';
import type { Vault } from '../vault.ts';
import { type Step, same, tableStep } from './step.ts';

/** Captures, and who has come how far in them. */

interface InboxRow {
  readonly number: number;
  readonly id: string;
  readonly slot: number;
  readonly head: number;
  readonly captures: number;
  readonly bytes: number;
  readonly keep: string | null;
}

const inboxes = tableStep<InboxRow>({
  name: 'inboxes',
  file: 'captures',
  table: 'inbox',
  key: ['number'],
  least: [-1],
  select: 'select number, id, slot, head, captures, bytes, keep from inbox',
  checks: {
    inboxes: same('count(*) from inbox'),
    'captures they count': same('sum(captures) from inbox'),
    'numbers of captures': same('sum(head) from inbox'),
  },
  async write(rows, _target, tx) {
    await tx.run(
      `insert into inbox (slot, id, number, head, captures, bytes, keep)
       select slot, id, number, head, captures, bytes, keep::jsonb
       from unnest($1::smallint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
         $7::text[]) u(slot, id, number, head, captures, bytes, keep)`,
      int2s(rows.map(({ slot }) => slot)),
      texts(rows.map(({ id }) => id)),
      int8s(rows.map(({ number }) => number)),
      int8s(rows.map(({ head }) => head)),
      int8s(rows.map(({ captures }) => captures)),
      int8s(rows.map(({ bytes }) => bytes)),
      texts(rows.map(({ keep }) => keep)),
    );
  },
});

interface CaptureRow {
  readonly key: number;
  readonly slot: number;
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
  readonly body: Uint8Array;
}

const numberOf = (key: number) => Math.floor(key / SEQS);
const seqOf = (key: number) => key % SEQS;

/** Sealed for the place where it stood, and to be sealed for the one where it will stand. */
function moved(vault: Vault, of: { key: number; slot: number; part?: string }) {
  const part = of.part === undefined ? '' : `/${of.part}`;
  const place = placeOf({ slot: of.slot, number: numberOf(of.key), seq: seqOf(of.key) });
  return (sealed: Uint8Array): Uint8Array =>
    vault.seal(vault.open(sealed, `${placeOfCapture(of.key)}${part}`), `${place}${part}`);
}

const KEPT_FLAGS = CAPTURE_FLAGS.sealed | CAPTURE_FLAGS.bookmarked | CAPTURE_FLAGS.truncated;

const captures = tableStep<CaptureRow>({
  name: 'captures',
  file: 'captures',
  table: 'capture c',
  key: ['c.key'],
  least: [-1],
  // Pieces are joined here, so that a body is one value again; they are few.
  select: `select c.key, i.slot, c.received_at, c.method, c.target, c.path_at, c.remote, c.flags,
      c.body_bytes, c.answered_by, c.status, c.duration, c.error, c.exchanges, c.type, c.message_id,
      c.note, c.head, coalesce(c.body, (
        select unhex(group_concat(hex(p.bytes), '')) from (
          select bytes from piece where capture = c.key order by n) p), zeroblob(0)) as body
    from capture c join inbox i on i.number = c.key / ${SEQS}`,
  bytesOf: ({ body, head }) => body.length + head.length,
  checks: {
    captures: same('count(*) from capture'),
    'bytes of captures': {
      sqlite: `select coalesce(sum(length(body)), 0) + (select coalesce(sum(length(bytes)), 0) from piece) from capture`,
      postgres: 'select coalesce(sum(octet_length(body)), 0) from capture',
    },
  },
  async write(rows, { vault }, tx) {
    await tx.run(
      `insert into capture (slot, inbox, seq, received_at, method, target, path_at, remote, flags,
         body_bytes, answered_by, status, duration, error, exchanges, type, message_id, note, head, body)
       select slot, inbox, seq, received_at, method, target, path_at, remote, flags, body_bytes,
         answered_by, status, duration::float8, error, exchanges, type, message_id, note, head, body
       from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
         $7::int[], $8::text[], $9::smallint[], $10::bigint[], $11::text[], $12::int[], $13::text[],
         $14::text[], $15::int[], $16::text[], $17::text[], $18::text[], $19::bytea[], $20::bytea[])
         u(slot, inbox, seq, received_at, method, target, path_at, remote, flags, body_bytes,
         answered_by, status, duration, error, exchanges, type, message_id, note, head, body)`,
      int2s(rows.map(({ slot }) => slot)),
      int8s(rows.map(({ key }) => numberOf(key))),
      int8s(rows.map(({ key }) => seqOf(key))),
      int8s(rows.map((row) => row.received_at)),
      texts(rows.map(({ method }) => method)),
      texts(rows.map(({ target }) => target)),
      int4s(rows.map((row) => row.path_at)),
      texts(rows.map(({ remote }) => remote)),
      int2s(rows.map(({ flags }) => flags & KEPT_FLAGS)),
      int8s(rows.map((row) => row.body_bytes)),
      texts(rows.map((row) => row.answered_by)),
      int4s(rows.map(({ status }) => status)),
      texts(rows.map(({ duration }) => (duration === null ? null : String(duration)))),
      texts(rows.map(({ error }) => error)),
      int4s(rows.map(({ exchanges }) => exchanges)),
      texts(rows.map(({ type }) => type)),
      texts(rows.map((row) => row.message_id)),
      texts(rows.map(({ note }) => note)),
      byteas(
        rows.map((row) =>
          (row.flags & CAPTURE_FLAGS.sealed) === 0 ? row.head : moved(vault, row)(row.head),
        ),
      ),
      byteas(rows.map(({ body }) => body)),
    );
  },
});

interface ExchangeRow {
  readonly seq: number;
  readonly slot: number;
  readonly capture: number;
  readonly kind: string;
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

const exchanges = tableStep<ExchangeRow>({
  name: 'exchanges',
  file: 'captures',
  table: 'exchange x',
  key: ['x.seq'],
  least: [-1],
  select: `select x.seq, i.slot, x.capture, x.kind, x.dest, x.at, x.duration, x.status, x.error, x.flags,
      x.req_head, x.req_body, x.res_head, x.res_body
    from exchange x join inbox i on i.number = x.capture / ${SEQS}`,
  bytesOf: (row) => (row.req_body?.length ?? 0) + row.res_body.length,
  checks: {
    exchanges: same('count(*) from exchange'),
    'bytes of exchanges': same('coalesce(sum(length(res_body)), 0) from exchange'),
  },
  async write(rows, { vault }, tx) {
    const heads = (which: 'req' | 'res') =>
      byteas(
        rows.map((row) => {
          const head = which === 'req' ? row.req_head : row.res_head;
          const { capture: key, slot, flags } = row;
          const sealed = (flags & CAPTURE_FLAGS.sealed) !== 0;
          return sealed ? moved(vault, { key, slot, part: which })(head) : head;
        }),
      );
    await tx.run(
      `insert into exchange (slot, inbox, capture, kind, dest, at, duration, status, error, flags,
         req_head, req_body, res_head, res_body)
       select slot, inbox, capture, kind, dest, at, duration::float8, status, error, flags,
         req_head, req_body, res_head, res_body
       from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[],
         $7::text[], $8::int[], $9::text[], $10::smallint[], $11::bytea[], $12::bytea[], $13::bytea[],
         $14::bytea[]) with ordinality u(slot, inbox, capture, kind, dest, at, duration, status, error,
         flags, req_head, req_body, res_head, res_body, n)
       order by n`,
      int2s(rows.map(({ slot }) => slot)),
      int8s(rows.map(({ capture }) => numberOf(capture))),
      int8s(rows.map(({ capture }) => seqOf(capture))),
      texts(rows.map(({ kind }) => kind)),
      texts(rows.map(({ dest }) => dest)),
      int8s(rows.map(({ at }) => at)),
      texts(rows.map(({ duration }) => String(duration))),
      int4s(rows.map(({ status }) => status)),
      texts(rows.map(({ error }) => error)),
      int2s(rows.map(({ flags }) => flags)),
      heads('req'),
      byteas(rows.map((row) => row.req_body)),
      heads('res'),
      byteas(rows.map((row) => row.res_body)),
    );
  },
});

interface ListenerRow {
  readonly number: number;
  readonly id: InboxId;
  readonly slot: number;
  readonly listeners: string;
}

/** All of an inbox in one row. Who was attached is not any more. */
const listeners = tableStep<ListenerRow>({
  name: 'listeners',
  file: 'captures',
  table: 'inbox i',
  key: ['i.number'],
  least: [-1],
  select: `select i.number, i.id, i.slot, (
      select json_group_array(json_object('name', l.name, 'acked', l.acked, 'done', json(l.done),
        'filter', l.filter, 'generation', l.generation, 'createdAt', l.created_at,
        'seenAt', l.seen_at)) from listener l where l.inbox = i.number) as listeners from inbox i`,
  checks: {
    listeners: {
      sqlite: 'select count(*) from listener',
      postgres:
        "select coalesce(sum(json_array_length(state::json -> 'listeners')), 0) from listening",
    },
  },
  async write(rows, _target, tx) {
    const some = rows.filter((row) => row.listeners !== '[]');
    await tx.run(
      `insert into listening (slot, inbox, state)
       select * from unnest($1::smallint[], $2::text[], $3::text[])`,
      int2s(some.map(({ slot }) => slot)),
      texts(some.map(({ id }) => id)),
      texts(some.map((row) => keptState(JSON.parse(row.listeners)))),
    );
  },
});

export const CAPTURE_STEPS: readonly Step[] = [inboxes, captures, exchanges, listeners];
