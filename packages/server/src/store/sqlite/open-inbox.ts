import { join } from 'node:path';
import { nowhere } from '../../core/crash-sites.ts';
import type { Keep } from '../../core/inbox.ts';
import type { Ms } from '../../core/model.ts';
import type { InboxStore } from '../inbox.ts';
import { createVault } from '../vault.ts';
import { dropOldest, SqliteCaptures, subtract } from './captures.ts';
import { Committer } from './committer.ts';
import { Database, loadDriver } from './database.ts';
import { INBOX_MIGRATIONS } from './inbox-schema.ts';
import { SqliteListeners } from './listeners.ts';
import { migrate } from './schema.ts';

export interface SqliteInboxOptions {
  /** Of a store that is open in this process: its lock covers captures.db too. */
  readonly directory: string;
  readonly masterKey: string;
  /** Another thread moves pages out of the log (checkpoint.ts). */
  readonly checkpointsElsewhere?: boolean;
  readonly fatal?: (error: Error) => void;
}

export const INBOX_FILE = 'captures.db';
/** 64 MiB of log: another thread has moved all but the last moments of it. */
const LEFT_PAGES = 16_000;

export async function openSqliteInbox(options: SqliteInboxOptions): Promise<InboxStore> {
  const db = new Database(await loadDriver(), {
    path: join(options.directory, INBOX_FILE),
    readOnly: false,
    checkpointPages: options.checkpointsElsewhere ? LEFT_PAGES : undefined,
  });
  try {
    migrate(db, INBOX_MIGRATIONS);
    // Whoever held a listener is dead: one process owns the directory.
    db.run('delete from attachment');
  } catch (error) {
    db.close();
    throw error;
  }
  const committer = new Committer({
    db,
    at: nowhere,
    flush: () => db.flush(),
    // Nothing of it is mirrored in memory.
    rolledBack: () => {},
    fatal: options.fatal ?? (() => {}),
  });
  const housekeeping = new Housekeeping(db);
  return {
    captures: new SqliteCaptures({ db, vault: createVault(options.masterKey), committer }),
    listeners: new SqliteListeners({ db, committer }),
    maintain: (chunk, now) =>
      committer.run({ durable: false, execute: () => housekeeping.step(chunk, now) }),
    async close() {
      try {
        await committer.close();
      } finally {
        db.close();
      }
    },
  };
}

interface KeptInbox {
  readonly number: number;
  readonly captures: number;
  readonly bytes: number;
  readonly keep: string | null;
}

/** Inboxes looked at in one step; one with little to remove costs one read. */
const INBOXES_MAX = 200;

/** Goes round all inboxes and removes what is too old, too much, or of an inbox that is gone. */
class Housekeeping {
  readonly #db: Database;
  #after = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** true = the round is not over. */
  step(chunk: number, now: Ms): boolean {
    const inboxes = this.#db.all<KeptInbox>(
      'select number, captures, bytes, keep from inbox where number > ? order by number limit ?',
      this.#after,
      INBOXES_MAX,
    );
    let left = chunk;
    for (const inbox of inboxes) {
      left -=
        inbox.keep === null
          ? this.#db.securely(() => this.#clear(inbox, left))
          : this.#expire(inbox, left, now);
      if (left <= 0) return true;
      this.#after = inbox.number;
    }
    const over = inboxes.length < INBOXES_MAX;
    if (over) this.#after = 0;
    return !over;
  }

  #expire(inbox: KeptInbox, limit: number, now: Ms): number {
    const keep = JSON.parse(inbox.keep ?? '{}') as Partial<Keep>;
    const { captures = Infinity, bytes = Infinity, ageMs = Infinity } = keep;
    const gone = dropOldest(this.#db, inbox, {
      limit,
      tooMuch: (left, oldestAt) =>
        oldestAt < now - ageMs || (left.rows > 1 && (left.rows > captures || left.bytes > bytes)),
    });
    if (gone.rows > 0) subtract(this.#db, inbox, gone);
    return gone.rows;
  }

  #clear(inbox: KeptInbox, limit: number): number {
    const gone = dropOldest(this.#db, inbox, { limit, tooMuch: () => true });
    if (gone.rows < limit) {
      for (const table of ['listener', 'attachment']) {
        this.#db.run(`delete from ${table} where inbox = ?`, inbox.number);
      }
      this.#db.run('delete from inbox where number = ?', inbox.number);
    } else subtract(this.#db, inbox, gone);
    return gone.rows;
  }
}
