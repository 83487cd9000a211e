import type { Claim, ClaimOptions, CompleteOptions, IdempotencyStore } from './store.ts';
import { newToken } from './token.ts';

/** What is used of a driver: `node:sqlite`, `better-sqlite3`, `bun:sqlite`, `@photostructure/sqlite`. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

export interface SqliteStatement {
  get(...parameters: (string | number | null)[]): unknown;
  run(...parameters: (string | number | null)[]): unknown;
}

export interface SqliteOptions {
  readonly now?: (() => number) | undefined;
}

const SCHEMA = `
create table if not exists posthorn_idempotency (
  key text primary key,
  token text not null,
  fingerprint text,
  until integer not null
) without rowid;
create index if not exists posthorn_idempotency_until on posthorn_idempotency (until);
create table if not exists posthorn_once (key text primary key, at integer not null) without rowid;
`;

/** A finished key is overwritten only by force; one whose time is over by anybody. */
const CLAIM = `
insert into posthorn_idempotency (key, token, fingerprint, until) values (?, ?, null, ?)
on conflict (key) do update
  set token = excluded.token, fingerprint = null, until = excluded.until
  where until <= ? or (? and fingerprint is not null)
returning token`;
const READ = 'select fingerprint, until from posthorn_idempotency where key = ?';
const COMPLETE =
  'update posthorn_idempotency set fingerprint = ?, until = ? where key = ? and token = ?';
const RELEASE = 'delete from posthorn_idempotency where key = ? and token = ?';
const PRUNE = 'delete from posthorn_idempotency where until <= ?';
const ONCE =
  'insert into posthorn_once (key, at) values (?, ?) on conflict do nothing returning key';

const CLAIMS_PER_PRUNE = 1000;
/** The row was released between two statements: its holder failed, so soon is right. */
const VANISHED_RETRY_MS = 1000;

/** For one machine; it makes its tables if they are not there. */
export function sqlite(db: SqliteDatabase, options: SqliteOptions = {}): IdempotencyStore {
  return new SqliteStore(db, options.now ?? Date.now);
}

class SqliteStore implements IdempotencyStore {
  readonly #now: () => number;
  readonly #claim: SqliteStatement;
  readonly #read: SqliteStatement;
  readonly #complete: SqliteStatement;
  readonly #release: SqliteStatement;
  readonly #prune: SqliteStatement;
  #claims = 0;

  constructor(db: SqliteDatabase, now: () => number) {
    db.exec(SCHEMA);
    this.#now = now;
    this.#claim = db.prepare(CLAIM);
    this.#read = db.prepare(READ);
    this.#complete = db.prepare(COMPLETE);
    this.#release = db.prepare(RELEASE);
    this.#prune = db.prepare(PRUNE);
  }

  async claim(key: string, { leaseMs, force = false }: ClaimOptions): Promise<Claim> {
    const now = this.#now();
    this.#claims += 1;
    if (this.#claims % CLAIMS_PER_PRUNE === 0) this.#prune.run(now);
    const token = newToken();
    const taken = this.#claim.get(key, token, now + leaseMs, now, force ? 1 : 0);
    if (isRow(taken)) return { state: 'new', token };
    const row = this.#read.get(key) as { fingerprint: string | null; until: number } | undefined;
    if (!isRow(row)) return { state: 'in_progress', retryAfterMs: VANISHED_RETRY_MS };
    if (row.fingerprint !== null) return { state: 'done', fingerprint: row.fingerprint };
    return { state: 'in_progress', retryAfterMs: row.until - now };
  }

  async complete(key: string, token: string, options: CompleteOptions): Promise<void> {
    this.#complete.run(options.fingerprint, this.#now() + options.ttlMs, key, token);
  }

  async release(key: string, token: string): Promise<void> {
    this.#release.run(key, token);
  }
}

/** Drivers say "no row" with undefined or null. */
function isRow<T>(row: T | undefined | null): row is T {
  return row !== undefined && row !== null;
}

export type Once<T> = { readonly ran: true; readonly value: T } | { readonly ran: false };

/**
 * Runs `fn` unless it ran for this key before. Call it inside your transaction: then the key and what
 * `fn` writes are committed together, or neither is, and the effect happens exactly once.
 *
 * @example
 * db.exec('begin immediate');
 * once(db, delivery.id, () => db.prepare('update account set …').run());
 * db.exec('commit');
 */
export function once<T>(db: SqliteDatabase, key: string, fn: () => T): Once<T> {
  db.exec(SCHEMA);
  const fresh = isRow(db.prepare(ONCE).get(key, Date.now()));
  return fresh ? { ran: true, value: fn() } : { ran: false };
}
