import type { Ms, Slot } from '../../core/model.ts';
import { Batches } from '../batches.ts';
import {
  type CaptureKey,
  EXCHANGES_MAX,
  type Exchange,
  type ExchangeKind,
  type NewExchange,
} from '../inbox.ts';
import type { Vault } from '../vault.ts';
import { byteas, int2s, int4s, int8s, texts } from './arrays.ts';
import type { Querying } from './database.ts';
import { CAPTURE_FLAGS, placeOf } from './inbox-rows.ts';
import type { InboxConnections, InboxParts } from './open-inbox.ts';

const BATCH_EXCHANGES_MAX = 200;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;

interface ExchangeRow {
  readonly capture: number;
  readonly inbox: number;
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

/** What was done with captures afterwards. */
export class Exchanges {
  readonly #db: InboxConnections;
  readonly #vault: Vault;
  readonly #batches: Batches<NewExchange, void>;

  constructor({ db, vault }: InboxParts) {
    this.#db = db;
    this.#vault = vault;
    this.#batches = new Batches<NewExchange, void>({
      store: (batch) => this.#store(batch),
      bytesOf: ({ requestBody, responseBody }) =>
        (requestBody?.length ?? 0) + responseBody.length + 500,
      batchCountMax: BATCH_EXCHANGES_MAX,
      batchBytesMax: BATCH_BYTES_MAX,
      now: () => performance.now(),
    });
  }

  async record(exchanges: readonly NewExchange[]): Promise<void> {
    await Promise.all(exchanges.map((exchange) => this.#batches.add(exchange)));
  }

  async #store(batch: readonly NewExchange[]): Promise<undefined[]> {
    await this.#db.progress.transaction(async (tx) => {
      const numbers = await lockCaptures(tx, batch);
      const logged = batch.flatMap((exchange) => {
        const number = numbers.get(nameOf(exchange));
        return number === undefined ? [] : [{ exchange, number }];
      });
      if (logged.length === 0) return;
      await this.#insert(tx, logged);
      for (const capture of await noteLast(tx, logged)) {
        if (capture.exchanges > EXCHANGES_MAX) await trim(tx, capture);
      }
    });
    return batch.map(() => undefined);
  }

  async #insert(tx: Querying, logged: readonly Logged[]): Promise<void> {
    const of = <T>(field: (exchange: NewExchange) => T): T[] =>
      logged.map(({ exchange }) => field(exchange));
    const sealed = (which: 'req' | 'res', field: (exchange: NewExchange) => Uint8Array) =>
      logged.map(({ exchange, number }) => {
        const { slot, seq, secretHeads } = exchange;
        const place = `${placeOf({ slot, number, seq })}/${which}`;
        return secretHeads ? this.#vault.seal(field(exchange), place) : field(exchange);
      });
    await tx.run(
      `insert into exchange (slot, inbox, capture, kind, dest, at, duration, status, error, flags,
         req_head, req_body, res_head, res_body)
       select slot, inbox, capture, kind, dest, at, duration::float8, status, error, flags,
         req_head, req_body, res_head, res_body
       from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[],
         $7::text[], $8::int[], $9::text[], $10::smallint[], $11::bytea[], $12::bytea[],
         $13::bytea[], $14::bytea[]) with ordinality u(slot, inbox, capture, kind, dest, at, duration,
         status, error, flags, req_head, req_body, res_head, res_body, n)
       order by n`,
      int2s(of(({ slot }) => slot)),
      int8s(logged.map(({ number }) => number)),
      int8s(of(({ seq }) => seq)),
      texts(of(({ kind }) => kind)),
      texts(of(({ to }) => to)),
      int8s(of(({ at }) => at)),
      texts(of(({ durationMs }) => String(durationMs))),
      int4s(of(({ status }) => status ?? null)),
      texts(of(({ error }) => error ?? null)),
      int2s(of(flagsOf)),
      byteas(sealed('req', ({ requestHead }) => requestHead)),
      byteas(of(({ requestBody }) => requestBody ?? null)),
      byteas(sealed('res', ({ responseHead }) => responseHead)),
      byteas(of(({ responseBody }) => responseBody)),
    );
  }

  async list({ slot, inbox, seq }: CaptureKey): Promise<Exchange[]> {
    const rows = await this.#db.reads.all<ExchangeRow>(
      `select x.* from inbox i join exchange x on x.slot = i.slot and x.inbox = i.number
       where i.slot = $1 and i.id = $2 and x.capture = $3 order by x.n`,
      slot,
      inbox,
      seq,
    );
    return rows.map((row) => {
      const place = placeOf({ slot, number: row.inbox, seq });
      const open = (bytes: Uint8Array, which: string) =>
        (row.flags & CAPTURE_FLAGS.sealed) === 0
          ? bytes
          : this.#vault.open(bytes, `${place}/${which}`);
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
        responseTruncated: (row.flags & CAPTURE_FLAGS.truncated) !== 0,
      };
    });
  }
}

interface Logged {
  readonly exchange: NewExchange;
  /** Of its inbox. */
  readonly number: number;
}

const nameOf = ({ slot, inbox, seq }: CaptureKey): string => `${slot}/${inbox}/${seq}`;

function flagsOf({ secretHeads, responseTruncated }: NewExchange): number {
  return (
    (secretHeads ? CAPTURE_FLAGS.sealed : 0) | (responseTruncated ? CAPTURE_FLAGS.truncated : 0)
  );
}

/** Numbers of the inboxes of those that are still kept; they are locked in one order for all. */
async function lockCaptures(
  tx: Querying,
  keys: readonly CaptureKey[],
): Promise<Map<string, number>> {
  const rows = await tx.all<CaptureKey & { readonly number: number }>(
    `select i.slot, i.id as inbox, c.seq, i.number
     from unnest($1::smallint[], $2::text[], $3::bigint[]) u(slot, id, seq)
     join inbox i on i.slot = u.slot and i.id = u.id
     join capture c on c.slot = i.slot and c.inbox = i.number and c.seq = u.seq
     order by i.slot, i.number, c.seq for update of c`,
    int2s(keys.map(({ slot }) => slot)),
    texts(keys.map(({ inbox }) => inbox)),
    int8s(keys.map(({ seq }) => seq)),
  );
  return new Map(rows.map((row) => [nameOf(row), row.number]));
}

/** A row that exchanges were added to. */
interface Noted {
  readonly slot: Slot;
  /** Of its inbox. */
  readonly number: number;
  readonly seq: number;
  readonly exchanges: number;
}

/** The last exchange of each capture shows in lists. */
async function noteLast(tx: Querying, logged: readonly Logged[]): Promise<Noted[]> {
  return tx.all<Noted>(
    `update capture c set status = u.status, duration = u.duration::float8, error = u.error,
       exchanges = c.exchanges + u.added
     from (
       select distinct on (slot, inbox, seq) slot, inbox, seq, status, duration, error,
         count(*) over (partition by slot, inbox, seq) as added
       from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::int[], $5::text[], $6::text[])
         with ordinality v(slot, inbox, seq, status, duration, error, n)
       order by slot, inbox, seq, n desc
     ) u
     where c.slot = u.slot and c.inbox = u.inbox and c.seq = u.seq
     returning c.slot, c.inbox as number, c.seq, c.exchanges`,
    int2s(logged.map(({ exchange }) => exchange.slot)),
    int8s(logged.map(({ number }) => number)),
    int8s(logged.map(({ exchange }) => exchange.seq)),
    int4s(logged.map(({ exchange }) => exchange.status ?? null)),
    texts(logged.map(({ exchange }) => String(exchange.durationMs))),
    texts(logged.map(({ exchange }) => exchange.error ?? null)),
  );
}

/** Of very many the oldest go. */
async function trim(tx: Querying, { slot, number, seq, exchanges }: Noted): Promise<void> {
  const key = [slot, number, seq] as const;
  await tx.run(
    `delete from exchange where slot = $1 and inbox = $2 and capture = $3 and n in (
       select n from exchange where slot = $1 and inbox = $2 and capture = $3 order by n limit $4)`,
    ...key,
    exchanges - EXCHANGES_MAX,
  );
  await tx.run(
    'update capture set exchanges = $4 where slot = $1 and inbox = $2 and seq = $3',
    ...key,
    EXCHANGES_MAX,
  );
}
