import { closeSync, fdatasync, openSync } from 'node:fs';
import { StoreError } from '../store.ts';

/**
 * The few calls of `node:sqlite` that are used; `@photostructure/sqlite` has the same ones on Node
 * below 24.
 */
export interface Statement {
  run(...values: Value[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...values: Value[]): Row | undefined;
  all(...values: Value[]): Row[];
  iterate(...values: Value[]): Iterable<Row>;
}
interface RawDatabase {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}
export type Value = null | number | string | Uint8Array;
export type Row = Record<string, Value>;

interface Driver {
  DatabaseSync: new (path: string, options?: { readOnly?: boolean }) => RawDatabase;
}

/** WAL databases of older SQLite can be corrupted by a reset race (fixed in 3.51.3). */
const OLDEST_SQLITE = [3, 51, 3];

export async function loadDriver(): Promise<Driver> {
  const major = Number(process.versions.node.split('.')[0]);
  const name = major >= 24 ? 'node:sqlite' : '@photostructure/sqlite';
  try {
    return (await import(name)) as Driver;
  } catch (cause) {
    throw new StoreError(
      'fatal',
      `No SQLite driver: Node ${process.versions.node} needs the package ${name}. Install without --omit=optional, or use Node 24.`,
      cause,
    );
  }
}

export interface DatabaseOptions {
  readonly path: string;
  readonly readOnly: boolean;
  /** What is beyond is refused as `full`; undefined = as much as the disk has. */
  readonly bytesMax?: number | undefined;
  /** Pages in the log at which a commit moves them into the database; 0 = never. Default 1,000. */
  readonly checkpointPages?: number | undefined;
}

export const PAGE_BYTES = 4096;

/** One connection: durable settings asserted, statements prepared once, errors named. */
export class Database {
  readonly #raw: RawDatabase;
  readonly #path: string;
  readonly #readOnly: boolean;
  /** The write-ahead log, opened for flushing. */
  #log: number | undefined;
  readonly #statements = new Map<string, Statement>();

  constructor(driver: Driver, options: DatabaseOptions) {
    this.#path = options.path;
    this.#readOnly = options.readOnly;
    this.#raw = guarded(
      () => new driver.DatabaseSync(options.path, { readOnly: options.readOnly }),
    );
    guarded(() => {
      this.#raw.exec('pragma busy_timeout = 5000');
      this.#raw.exec('pragma temp_store = memory');
      this.#raw.exec('pragma cache_size = -32768');
      if (!options.readOnly) this.#makeDurable(options.checkpointPages ?? 1000);
      if (options.bytesMax !== undefined) {
        this.#raw.exec(`pragma max_page_count = ${Math.ceil(options.bytesMax / PAGE_BYTES)}`);
      }
      this.#requireVersion();
    });
  }

  /**
   * A commit writes to the log and returns; `flush` brings the log to the disk. That is what
   * synchronous=full does inside the commit, only that the thread need not wait for it. SQLite itself
   * flushes the log before it moves pages out of it (https://www.sqlite.org/wal.html, "normal").
   */
  #makeDurable(checkpointPages: number): void {
    this.#raw.exec('pragma journal_mode = wal');
    this.#raw.exec('pragma synchronous = normal');
    this.#raw.exec(`pragma wal_autocheckpoint = ${checkpointPages}`);
    // Deleted rows are zeroed where that costs no writing; `securely` does it everywhere.
    this.#raw.exec('pragma secure_delete = fast');
    const mode = this.#raw.prepare('pragma journal_mode').get()?.['journal_mode'];
    const synchronous = this.#raw.prepare('pragma synchronous').get()?.['synchronous'];
    if (mode !== 'wal' || synchronous !== 1) {
      throw new StoreError(
        'fatal',
        `SQLite must run with journal_mode=wal and synchronous=normal, but has ${mode} and ${synchronous}.`,
      );
    }
  }

  /** Resolves when all that was committed before the call is on the disk. */
  flush(): Promise<void> {
    this.#log ??= openSync(`${this.#path}-wal`, 'r+');
    const log = this.#log;
    return new Promise((resolve, reject) => {
      fdatasync(log, (error) => (error ? reject(error) : resolve()));
    });
  }

  #requireVersion(): void {
    const text = String(this.#raw.prepare('select sqlite_version() as v').get()?.['v']);
    const parts = text.split('.').map(Number);
    for (const [i, least] of OLDEST_SQLITE.entries()) {
      const part = parts[i] ?? 0;
      if (part > least) return;
      if (part < least) {
        throw new StoreError(
          'fatal',
          `SQLite ${text} is too old (${OLDEST_SQLITE.join('.')} is needed): update the driver or Node.`,
        );
      }
    }
  }

  prepare(sql: string): Statement {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = guarded(() => this.#raw.prepare(sql));
    this.#statements.set(sql, statement);
    return statement;
  }

  exec(sql: string): void {
    guarded(() => this.#raw.exec(sql));
  }

  get<T>(sql: string, ...values: Value[]): T | undefined {
    return guarded(() => this.prepare(sql).get(...values)) as T | undefined;
  }

  all<T>(sql: string, ...values: Value[]): T[] {
    return guarded(() => this.prepare(sql).all(...values)) as T[];
  }

  run(sql: string, ...values: Value[]): number {
    return Number(guarded(() => this.prepare(sql).run(...values)).changes);
  }

  /** All of `body` or nothing; durable once flushed. */
  transaction<T>(body: () => T): T {
    this.exec('begin immediate');
    try {
      const result = body();
      this.exec('commit');
      return result;
    } catch (error) {
      // A failed COMMIT or a full disk may have rolled back already.
      try {
        this.#raw.exec('rollback');
      } catch {
        // Nothing was open any more.
      }
      throw storeError(error);
    }
  }

  /** What `body` deletes is overwritten with zeros (https://www.sqlite.org/pragma.html#pragma_secure_delete). */
  securely<T>(body: () => T): T {
    this.exec('pragma secure_delete = on');
    try {
      return body();
    } finally {
      this.exec('pragma secure_delete = fast');
    }
  }

  /** The last one to close a file leaves no log behind: all of it is in the database then. */
  close(): void {
    this.#statements.clear();
    if (!this.#readOnly) this.#emptyLog();
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
    this.#raw.close();
  }

  /** SQLite does it when a connection ends, which with one of the drivers is when it is collected. */
  #emptyLog(): void {
    try {
      this.#raw.exec('pragma busy_timeout = 0');
      this.#raw.exec('pragma wal_checkpoint(truncate)');
    } catch {
      // Others use it, or the disk is full: the next one to open it reads the log.
    }
  }
}

/** Runs `body` and names what SQLite reports (https://www.sqlite.org/rescode.html). */
function guarded<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw storeError(error);
  }
}

const FSYNC_FAULTS = new Set([1034 /* IOERR_FSYNC */, 1290 /* IOERR_DIR_FSYNC */]);

export function storeError(error: unknown): Error {
  if (!(error instanceof Error) || error instanceof StoreError) return error as Error;
  const code = Number((error as { errcode?: number }).errcode ?? Number.NaN);
  if (Number.isNaN(code)) {
    const closed = (error as { code?: string }).code === 'ERR_INVALID_STATE';
    return closed ? new StoreError('unavailable', 'The store has been closed.', error) : error;
  }
  const primary = code & 255;
  if (primary === 13)
    return new StoreError('full', 'The disk of the data directory is full.', error);
  // After a failed fsync the kernel may have dropped what it could not write: only a restart, which
  // reads the log again, knows what is there.
  if (FSYNC_FAULTS.has(code))
    return new StoreError('fatal', `The disk failed to flush (${code}).`, error);
  if (primary === 8) {
    return new StoreError(
      'unavailable',
      'The data directory is read-only; make it writable.',
      error,
    );
  }
  if (primary === 11 || primary === 26) {
    return new StoreError(
      'fatal',
      `The database is damaged (${error.message}). Keep it, look at the disk, and restore a backup (posthorn restore).`,
      error,
    );
  }
  return new StoreError('unavailable', `SQLite: ${error.message} (${code})`, error);
}
