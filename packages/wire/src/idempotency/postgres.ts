import type { Claim, ClaimOptions, CompleteOptions, IdempotencyStore } from './store.ts';
import { newToken } from './token.ts';

/** What is used of a driver: a `Pool` or `Client` of `pg`, PGlite, and what has their `query`. */
export interface PostgresClient {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

/** To run once, by your migrations; `setup` runs it too. */
export const SCHEMA = `
create table if not exists posthorn_idempotency (
  key text primary key,
  token text not null,
  fingerprint text,
  until timestamptz not null
);
create index if not exists posthorn_idempotency_until on posthorn_idempotency (until);
create table if not exists posthorn_once (
  key text primary key,
  at timestamptz not null default now()
);
`;

/** Leases are judged by the database's clock alone: those of its clients may differ. */
const CLAIM = `
insert into posthorn_idempotency as held (key, token, fingerprint, until)
values ($1, $2, null, clock_timestamp() + $3 * interval '1 millisecond')
on conflict (key) do update
  set token = excluded.token, fingerprint = null, until = excluded.until
  where held.until <= clock_timestamp() or ($4 and held.fingerprint is not null)
returning token`;
const READ = `
select fingerprint, extract(epoch from until - clock_timestamp())::float8 * 1000 as "leftMs"
from posthorn_idempotency where key = $1`;
const COMPLETE = `
update posthorn_idempotency
set fingerprint = $1, until = clock_timestamp() + $2 * interval '1 millisecond'
where key = $3 and token = $4`;
const RELEASE = 'delete from posthorn_idempotency where key = $1 and token = $2';
const PRUNE = 'delete from posthorn_idempotency where until <= clock_timestamp()';
const ONCE = 'insert into posthorn_once (key) values ($1) on conflict do nothing returning key';

const CLAIMS_PER_PRUNE = 1000;
/** The row was released between two statements: its holder failed, so soon is right. */
const VANISHED_RETRY_MS = 1000;

/** For any number of machines. The tables must be there: `await setup(pool)`, or `SCHEMA`. */
export function postgres(client: PostgresClient): IdempotencyStore {
  return new PostgresStore(client);
}

/** Makes the tables; harmless if they are there. */
export async function setup(client: PostgresClient): Promise<void> {
  // One statement a call: drivers that use prepared statements take no more. The lock keeps two
  // programs that start together from making the same table.
  const statements = SCHEMA.split(';').map((one) => one.trim());
  const ddl = statements.filter((one) => one !== '').map((one) => `execute $ddl$${one}$ddl$;`);
  await client.query(
    `do $$ begin perform pg_advisory_xact_lock(7463891); ${ddl.join(' ')} end $$`,
    [],
  );
}

class PostgresStore implements IdempotencyStore {
  readonly #client: PostgresClient;
  #claims = 0;

  constructor(client: PostgresClient) {
    this.#client = client;
  }

  async claim(key: string, { leaseMs, force = false }: ClaimOptions): Promise<Claim> {
    this.#claims += 1;
    if (this.#claims % CLAIMS_PER_PRUNE === 0) await this.#client.query(PRUNE, []);
    const token = newToken();
    const taken = await this.#client.query(CLAIM, [key, token, leaseMs, force]);
    if (taken.rows.length > 0) return { state: 'new', token };
    const [row] = (await this.#client.query(READ, [key])).rows as [Row?];
    if (row === undefined) return { state: 'in_progress', retryAfterMs: VANISHED_RETRY_MS };
    if (row.fingerprint !== null) return { state: 'done', fingerprint: row.fingerprint };
    return { state: 'in_progress', retryAfterMs: Math.max(0, row.leftMs) };
  }

  async complete(key: string, token: string, options: CompleteOptions): Promise<void> {
    await this.#client.query(COMPLETE, [options.fingerprint, options.ttlMs, key, token]);
  }

  async release(key: string, token: string): Promise<void> {
    await this.#client.query(RELEASE, [key, token]);
  }
}

interface Row {
  readonly fingerprint: string | null;
  readonly leftMs: number;
}

export type Once<T> = { readonly ran: true; readonly value: T } | { readonly ran: false };

/**
 * Runs `fn` unless it ran for this key before. `tx` is a client inside your transaction: the key and
 * what `fn` writes are committed together, or neither is, so the effect happens exactly once. A second
 * transaction with the same key waits for the first one's end.
 *
 * @example
 * await client.query('begin');
 * await once(client, delivery.id, () => client.query('update account set …'));
 * await client.query('commit');
 */
export async function once<T>(
  tx: PostgresClient,
  key: string,
  fn: () => T | Promise<T>,
): Promise<Once<T>> {
  const { rows } = await tx.query(ONCE, [key]);
  return rows.length > 0 ? { ran: true, value: await fn() } : { ran: false };
}
