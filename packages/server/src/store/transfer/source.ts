import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { nowhere } from '../../core/crash-sites.ts';
import { Database, loadDriver, type Value } from '../sqlite/database.ts';
import { readMoved, writeMoved } from '../sqlite/moved.ts';
import { lockDirectory, openSqlite } from '../sqlite/open.ts';
import { INBOX_FILE, openSqliteInbox } from '../sqlite/open-inbox.ts';
import { StoreError } from '../store.ts';
import { createVault, type Vault } from '../vault.ts';
import type { Cursor } from './step.ts';

export type SourceFile = 'main' | 'captures';

/** What is known of the source as a whole. */
export interface SourceFacts {
  /** Numbers up to these were given out, and are not given out again. */
  readonly endpoint: number;
  readonly attempt: number;
  readonly inbox: number;
  /** Attempts up to it may have been removed; 0 = none was. */
  readonly removed: number;
}

/** A data directory that nobody else uses: its lock is held while it is read. */
export class SqliteSource {
  readonly vault: Vault;
  /** It has been carried over before: says to where. */
  readonly moved: string | undefined;
  readonly #directory: string;
  readonly #files: Readonly<Record<SourceFile, Database | undefined>>;
  readonly #lock: { close(): void };

  private constructor(parts: {
    directory: string;
    vault: Vault;
    moved: string | undefined;
    files: Readonly<Record<SourceFile, Database | undefined>>;
    lock: { close(): void };
  }) {
    this.#directory = parts.directory;
    this.vault = parts.vault;
    this.moved = parts.moved;
    this.#files = parts.files;
    this.#lock = parts.lock;
  }

  /** Rejects when a Posthorn runs on the directory, or the master key is not its own. */
  static async open(of: { directory: string; masterKey: string }): Promise<SqliteSource> {
    const { directory, masterKey } = of;
    const driver = await loadDriver();
    const main = join(directory, 'posthorn.db');
    if (!existsSync(main)) {
      throw new StoreError(
        'fatal',
        `There is no store in ${directory}: name the data directory of the Posthorn that is to move.`,
      );
    }
    const moved = readMoved(directory);
    if (moved === undefined) await bringUpToDate({ directory, masterKey });
    const lock = lockDirectory(driver, directory);
    const captures = join(directory, INBOX_FILE);
    const open = (path: string) => new Database(driver, { path, readOnly: true });
    try {
      const files = {
        main: open(main),
        captures: existsSync(captures) ? open(captures) : undefined,
      };
      const vault = createVault(masterKey);
      return new SqliteSource({ directory, vault, moved, files, lock });
    } catch (error) {
      lock.close();
      throw error;
    }
  }

  *iterate<R>(file: SourceFile, sql: string, after: Cursor): Iterable<R> {
    const db = this.#files[file];
    if (db) yield* db.prepare(sql).iterate(...(after as Value[])) as Iterable<R>;
  }

  all<R>(file: SourceFile, sql: string, ...values: Value[]): R[] {
    return this.#files[file]?.all<R>(sql, ...values) ?? [];
  }

  /** The only number of the only row; 0 where there is none. */
  number(file: SourceFile, sql: string, values: Cursor = []): number {
    const [row] = this.all<Record<string, number | null>>(file, sql, ...(values as Value[]));
    return Number(Object.values(row ?? {})[0] ?? 0);
  }

  /** Told apart from every other store, of whose key something random was made at its first start. */
  identity(): string {
    const [row] = this.all<{ value: string }>(
      'main',
      "select value from meta where key = 'master_key_check'",
    );
    return createHash('sha256').update(String(row?.value)).digest('hex');
  }

  facts(): SourceFacts {
    const given = (file: SourceFile, table: string) =>
      this.number(file, `select max(seq) from sqlite_sequence where name = '${table}'`);
    const removed = this.number('main', "select value from meta where key = 'attempt_removed'");
    const newest = this.number('main', 'select max(seq) from attempt');
    return {
      endpoint: given('main', 'endpoint_number'),
      attempt: Math.max(removed, newest),
      inbox: given('captures', 'inbox'),
      removed,
    };
  }

  moveTo(url: string): void {
    writeMoved(this.#directory, url);
  }

  close(): void {
    for (const db of Object.values(this.#files)) db?.close();
    this.#lock.close();
  }
}

/** As a start of the program does: schema, and what people had asked of lanes that were held. */
async function bringUpToDate({
  directory,
  masterKey,
}: {
  directory: string;
  masterKey: string;
}): Promise<void> {
  const now = () => Date.now();
  const store = await openSqlite({ directory, masterKey, now, at: nowhere, readsElsewhere: true });
  try {
    if (existsSync(join(directory, INBOX_FILE))) {
      await (await openSqliteInbox({ directory, masterKey })).close();
    }
  } finally {
    await store.close();
  }
}
