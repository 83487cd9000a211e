import { decode, encode } from '../encoding.ts';
import type { SqliteDatabase, SqliteStatement } from '../idempotency/sqlite.ts';
import type { DeliveryQueue, QueuedMessage, Receiver } from '../receiver.ts';
import { WebhookError } from '../webhook-error.ts';

/**
 * A durable queue in a table: requests are answered when they are on the disk, and worked on behind
 * that, again and again until it succeeds. One process works on one database.
 */

export interface SqliteQueueOptions {
  readonly now?: (() => number) | undefined;
}

export interface WorkerOptions {
  /** Messages worked on at once; 4 unless told. */
  readonly concurrency?: number | undefined;
  /** Told when a message failed and will be tried again, or was set aside (`again` false). */
  readonly onFailure?: ((failure: QueueFailure) => void) | undefined;
}

export interface QueueFailure {
  readonly error: unknown;
  readonly attempts: number;
  readonly again: boolean;
}

export interface QueueWorker {
  /** Waits for what is being worked on, and takes nothing more. */
  stop(): Promise<void>;
}

export interface SqliteQueue extends DeliveryQueue {
  start(receiver: Pick<Receiver, 'process'>, options?: WorkerOptions): QueueWorker;
  /** How many wait, and how many were set aside because no retry can help. */
  counts(): { readonly waiting: number; readonly aside: number };
}

const SCHEMA = `
create table if not exists posthorn_queue (
  id integer primary key,
  message text not null,
  attempts integer not null default 0,
  due_at integer not null,
  error text,
  aside integer not null default 0
);
create index if not exists posthorn_queue_due on posthorn_queue (aside, due_at);
`;

/** `pragma synchronous`: FULL. Below it a commit may be lost with the power. */
const SYNCHRONOUS_FULL = 2;
const BACKOFF_FIRST_MS = 1000;
const BACKOFF_MAX_MS = 3_600_000;
const IDLE_MS = 60_000;

export function sqliteQueue(db: SqliteDatabase, options: SqliteQueueOptions = {}): SqliteQueue {
  const { synchronous } = db.prepare('pragma synchronous').get() as { synchronous: number };
  if (synchronous < SYNCHRONOUS_FULL) {
    throw new TypeError('a durable queue needs `pragma synchronous = full` on its connection');
  }
  return new Queue(db, options.now ?? Date.now);
}

interface Row {
  readonly id: number;
  readonly message: string;
  readonly attempts: number;
}

class Queue implements SqliteQueue {
  readonly durable = true;
  readonly #now: () => number;
  readonly #insert: SqliteStatement;
  readonly #take: SqliteStatement;
  readonly #next: SqliteStatement;
  readonly #delete: SqliteStatement;
  readonly #fail: SqliteStatement;
  readonly #counts: SqliteStatement;
  readonly #workers = new Set<Worker>();

  constructor(db: SqliteDatabase, now: () => number) {
    db.exec(SCHEMA);
    this.#now = now;
    this.#insert = db.prepare('insert into posthorn_queue (message, due_at) values (?, ?)');
    // In flight = due far away: a restart calls them back (below), so nothing is lost with a process.
    this.#take = db.prepare(
      `update posthorn_queue set due_at = ${Number.MAX_SAFE_INTEGER} where id =
         (select id from posthorn_queue where aside = 0 and due_at <= ? order by due_at, id limit 1)
       returning id, message, attempts`,
    );
    this.#next = db.prepare('select min(due_at) as at from posthorn_queue where aside = 0');
    this.#delete = db.prepare('delete from posthorn_queue where id = ?');
    this.#fail = db.prepare(
      'update posthorn_queue set attempts = ?, due_at = ?, error = ?, aside = ? where id = ?',
    );
    this.#counts = db.prepare(
      'select count(*) filter (where aside = 0) as waiting, count(*) filter (where aside = 1) as aside from posthorn_queue',
    );
    db.prepare('update posthorn_queue set due_at = ? where aside = 0 and due_at > ?').run(
      now(),
      now() + BACKOFF_MAX_MS * 2,
    );
  }

  async enqueue(message: QueuedMessage): Promise<void> {
    const { raw, verified, ...rest } = message;
    const stored = { ...rest, raw: encode(raw, 'base64'), verified };
    this.#insert.run(JSON.stringify(stored), this.#now());
    for (const worker of this.#workers) worker.wake();
  }

  start(receiver: Pick<Receiver, 'process'>, options: WorkerOptions = {}): QueueWorker {
    const worker = new Worker({
      concurrency: options.concurrency ?? 4,
      step: () => this.#step(receiver, options),
      waitMs: () => this.#waitMs(),
      ended: () => this.#workers.delete(worker),
    });
    this.#workers.add(worker);
    worker.wake();
    return worker;
  }

  counts(): { readonly waiting: number; readonly aside: number } {
    return { ...(this.#counts.get() as { waiting: number; aside: number }) };
  }

  /** Works on the next message that is due; undefined = there is none. */
  #step(
    receiver: Pick<Receiver, 'process'>,
    { onFailure }: WorkerOptions,
  ): Promise<void> | undefined {
    const row = this.#take.get(this.#now()) as Row | undefined | null;
    if (row === undefined || row === null) return undefined;
    return receiver.process(restore(row.message)).then(
      () => {
        this.#delete.run(row.id);
      },
      (error: unknown) => {
        const attempts = row.attempts + 1;
        const again = !(error instanceof WebhookError && error.status < 500);
        const backoffMs = Math.min(BACKOFF_FIRST_MS * 2 ** (attempts - 1), BACKOFF_MAX_MS);
        const text = error instanceof Error ? error.message : String(error);
        this.#fail.run(attempts, this.#now() + backoffMs, text, again ? 0 : 1, row.id);
        onFailure?.({ error, attempts, again });
      },
    );
  }

  #waitMs(): number {
    const { at } = this.#next.get() as { at: number | null };
    return at === null ? IDLE_MS : Math.min(Math.max(at - this.#now(), 0), IDLE_MS);
  }
}

function restore(text: string): QueuedMessage {
  const { raw, verified, ...rest } = JSON.parse(text) as {
    raw: string;
    headers: QueuedMessage['headers'];
    url?: string;
    method?: string;
    verified: { scheme: string; id?: string; sentAt?: string; keyIndex: number };
  };
  const { sentAt } = verified;
  return {
    raw: decode(raw, 'base64') ?? new Uint8Array(0),
    headers: rest.headers,
    url: rest.url,
    method: rest.method,
    verified: {
      scheme: verified.scheme,
      id: verified.id,
      sentAt: sentAt === undefined ? undefined : new Date(sentAt),
      keyIndex: verified.keyIndex,
    },
  };
}

interface WorkerParts {
  readonly concurrency: number;
  readonly step: () => Promise<void> | undefined;
  readonly waitMs: () => number;
  readonly ended: () => void;
}

/** Keeps up to `concurrency` steps going; sleeps until something is due or it is woken. */
class Worker implements QueueWorker {
  readonly #parts: WorkerParts;
  readonly #running = new Set<Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  wake(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const { concurrency, step, waitMs } = this.#parts;
    while (this.#running.size < concurrency) {
      const running = step();
      if (running === undefined) {
        this.#timer = setTimeout(() => this.wake(), waitMs());
        return;
      }
      this.#running.add(running);
      void running.finally(() => {
        this.#running.delete(running);
        this.wake();
      });
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#parts.ended();
    await Promise.allSettled(this.#running);
  }
}
