import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../../store.ts';
import { Database, type loadDriver } from '../database.ts';
import { createDerived, DERIVED_VERSION, derivedVersion } from './schema.ts';

export type Driver = Awaited<ReturnType<typeof loadDriver>>;

export interface DerivedFileOptions {
  readonly driver: Driver;
  readonly directory: string;
  /** Names the log that this is derived from: another log's is thrown away. */
  readonly logId: string;
  /** Called whenever it was opened; throws `fatal` = it does not belong to this log. */
  readonly opened: (db: Database) => void;
  /** Told when it is made anew although there was one. */
  readonly replaced: (reason: string) => void;
  /** Size; writes beyond it reject `full`. Default: what the disk has. */
  readonly bytesMax?: number | undefined;
}

const NAME = 'derived.db';

/**
 * The file of what is derived. Whatever is wrong with it, it is thrown away and made again: it holds
 * nothing of its own. Its faults are `full` or `unavailable`, never `fatal`.
 */
export class DerivedFile {
  readonly #options: DerivedFileOptions;
  #db: Database | undefined;

  constructor(options: DerivedFileOptions) {
    this.#options = options;
  }

  /** Done by the first use, if not before; whatever is wrong then is told by the next one. */
  open(): void {
    try {
      this.#db ??= this.#open();
    } catch (error) {
      this.#replaceIfPossible(error as Error);
    }
  }

  read<T>(body: (db: Database) => T): T {
    return this.#use(body);
  }

  /** All of `body` or nothing. */
  write<T>(body: (db: Database) => T): T {
    return this.#use((db) => db.transaction(() => body(db)));
  }

  close(): void {
    const db = this.#db;
    this.#db = undefined;
    db?.close();
  }

  #use<T>(body: (db: Database) => T): T {
    this.open();
    if (!this.#db) this.#replace(undefined);
    try {
      return body(this.#db as Database);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'fatal') throw error;
      this.#replaceIfPossible(error);
      throw new StoreError('unavailable', 'Statistics and search are being made anew.', error);
    }
  }

  #replaceIfPossible(cause: Error): void {
    try {
      this.#replace(cause);
    } catch {
      // The next use tries again, and says what is in the way.
    }
  }

  #open(): Database {
    const { driver, directory, bytesMax, logId } = this.#options;
    const db = new Database(driver, { path: join(directory, NAME), readOnly: false, bytesMax });
    try {
      // Words of what was erased are not left in freed pages.
      db.exec('pragma secure_delete = on');
      const version = derivedVersion(db);
      if (version === 0) this.#create(db);
      else if (version !== DERIVED_VERSION) {
        throw new StoreError('fatal', `it has version ${version}, not ${DERIVED_VERSION}`);
      }
      if (readMeta(db, 'log') !== logId) throw new StoreError('fatal', 'it is of another log');
      this.#options.opened(db);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  }

  #create(db: Database): void {
    createDerived(db);
    writeMeta(db, 'log', this.#options.logId);
  }

  /** `cause` undefined = it was replaced already, in vain. */
  #replace(cause: Error | undefined): void {
    try {
      this.close();
    } catch {
      // It is removed in any case.
    }
    if (cause) this.#options.replaced(cause.message);
    try {
      for (const end of ['', '-wal', '-shm']) {
        rmSync(join(this.#options.directory, NAME + end), { force: true });
      }
      this.#db = this.#open();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new StoreError('unavailable', `Statistics and search cannot be kept: ${why}`, error);
    }
  }
}

export function readMeta(db: Database, key: string): string | number | undefined {
  return db.get<{ value: string | number }>('select value from meta where key = ?', key)?.value;
}

export function writeMeta(db: Database, key: string, value: string | number): void {
  db.run('insert or replace into meta (key, value) values (?, ?)', key, value);
}
