import type { Ms } from '../../core/model.ts';
import type {
  Ack,
  Attach,
  Attached,
  Attachment,
  InboxKey,
  Listener,
  ListenerKey,
  ListenerStore,
  ListenFrom,
} from '../inbox.ts';
import { ListenerBook, type ListenerRow, type ListenerRows } from '../listener-book.ts';
import type { HeldAttachment } from '../listener-state.ts';
import { countsOf, ensureInbox, findInbox, firstSince, type InboxParts } from './captures.ts';
import type { Committer } from './committer.ts';
import type { Database } from './database.ts';

export class SqliteListeners implements ListenerStore {
  readonly #committer: Committer;
  readonly #book: ListenerBook;

  constructor({ db, committer }: Pick<InboxParts, 'db' | 'committer'>) {
    this.#committer = committer;
    this.#book = new ListenerBook(rowsOf(db));
  }

  attach(request: Attach, ttlMs: Ms, now: Ms): Promise<Attached> {
    return this.#run(() => this.#book.attach(request, ttlMs, now));
  }
  renew(attachments: readonly string[], ttlMs: Ms, now: Ms): Promise<string[]> {
    return this.#run(() => this.#book.renew(attachments, ttlMs, now));
  }
  detach(key: ListenerKey, attachment: string, now: Ms): Promise<void> {
    return this.#run(() => this.#book.detach(key, attachment, now));
  }
  ack(acks: readonly Ack[], now: Ms): Promise<boolean[]> {
    return this.#committer.run({
      durable: false,
      lazy: true,
      execute: () => this.#book.ack(acks, now),
    });
  }
  claim(key: ListenerKey, attachment: string, limit: number): Promise<number[]> {
    return this.#run(() => this.#book.claim(key, attachment, limit));
  }
  list(key: InboxKey, now: Ms): Promise<Listener[]> {
    return this.#run(() => this.#book.list(key, now));
  }
  responders(keys: readonly InboxKey[], now: Ms): Promise<(Attachment | undefined)[]> {
    return this.#run(() => keys.map((key) => this.#book.responder(key, now)));
  }
  seek(key: ListenerKey, from: ListenFrom): Promise<boolean> {
    return this.#run(() => this.#book.seek(key, from));
  }
  remove(key: ListenerKey): Promise<boolean> {
    return this.#run(() => this.#book.remove(key));
  }

  /** A lost cursor repeats captures, which at-least-once allows: no flush is waited for. */
  #run<T>(execute: () => T): Promise<T> {
    return this.#committer.run({ durable: false, execute });
  }
}

interface StoredListener extends Pick<ListenerRow, 'name' | 'acked' | 'filter' | 'generation'> {
  readonly done: string;
  readonly created_at: Ms;
  readonly seen_at: Ms;
}

function rowsOf(db: Database): ListenerRows {
  return {
    listeners: (key) =>
      db
        .all<StoredListener>(
          `select name, acked, done, filter, generation, created_at, seen_at from listener
           where inbox = ? order by name`,
          findInbox(db, key)?.number ?? 0,
        )
        .map(({ done, created_at: createdAt, seen_at: seenAt, ...row }) => ({
          ...row,
          done: JSON.parse(done) as number[],
          createdAt,
          seenAt,
        })),
    putListener: (key, row) =>
      db.run(
        `insert or replace into listener
           (inbox, name, acked, done, filter, generation, created_at, seen_at)
         values (?, ?, ?, ?, ?, ?, ?, ?)`,
        ensureInbox(db, key).number,
        row.name,
        row.acked,
        JSON.stringify(row.done),
        row.filter,
        row.generation,
        row.createdAt,
        row.seenAt,
      ),
    deleteListener: (key, name) =>
      db.run(
        'delete from listener where inbox = ? and name = ?',
        findInbox(db, key)?.number ?? 0,
        name,
      ),
    ...attachmentRows(db),
    counts: (key) => countsOf(db, key),
    firstSince: (key, at) => firstSince(db, key, at),
  };
}

type Held = { readonly key: InboxKey; readonly held: HeldAttachment };

function attachmentRows(
  db: Database,
): Pick<ListenerRows, 'attachments' | 'attachment' | 'putAttachment' | 'deleteAttachment'> {
  const parse = (row: { held: string }) => JSON.parse(row.held) as Held;
  return {
    attachments: (key) =>
      db
        .all<{ held: string }>(
          'select held from attachment where inbox = ?',
          findInbox(db, key)?.number ?? 0,
        )
        .map((row) => parse(row).held),
    attachment: (id) => {
      const row = db.get<{ held: string }>('select held from attachment where id = ?', id);
      return row && parse(row);
    },
    putAttachment: ({ slot, inbox }, held) =>
      db.run(
        'insert or replace into attachment (id, inbox, held) values (?, ?, ?)',
        held.attachment,
        ensureInbox(db, { slot, inbox }).number,
        JSON.stringify({ key: { slot, inbox }, held } satisfies Held),
      ),
    deleteAttachment: (id) => db.run('delete from attachment where id = ?', id),
  };
}
