import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './database.ts';

/** No transaction of ours lives longer: the server ends what is idle or slow before that. */
const TRANSACTION_MAX_MS = 60_000;
const LOOK_AGAIN_MS = 5;

interface Mark {
  readonly seq: number;
  /** Transactions from this one on began after `seq` was given out. */
  readonly next: bigint;
  readonly at: number;
}

/**
 * How far the log can be followed. Numbers of the log are given out before their rows are committed,
 * and in no order of commits: who read up to the highest one would miss what comes below it later. A
 * number is final once every transaction that had begun when it was given out has ended.
 */
export class Horizon {
  readonly #db: Database;
  readonly #sequence: 'attempt_seq' | 'event_seq';
  #final = 0;
  #mark: Mark | undefined;

  constructor(db: Database, sequence: 'attempt_seq' | 'event_seq') {
    this.#db = db;
    this.#sequence = sequence;
  }

  /** Everything up to `final` is there for good; `head` is the highest number given out. */
  async look(): Promise<{ final: number; head: number }> {
    const first = await this.#look();
    if (first.final === first.head) return first;
    await delay(LOOK_AGAIN_MS);
    return this.#look();
  }

  async #look(): Promise<{ final: number; head: number }> {
    const { reads } = this.#db;
    const now = performance.now();
    const head = await reads.get<{ seq: number }>(
      `select case when is_called then last_value else 0 end as seq from ${this.#sequence}`,
    );
    // After the number: whoever took one up to it had begun by then.
    const running = await reads.get<{ oldest: string; next: string }>(
      `select pg_snapshot_xmin(pg_current_snapshot())::text as oldest,
         pg_snapshot_xmax(pg_current_snapshot())::text as next`,
    );
    const seq = head?.seq ?? 0;
    const oldest = BigInt(running?.oldest ?? 0);
    const next = BigInt(running?.next ?? 0);
    const mark = this.#mark;
    if (mark && (oldest >= mark.next || now - mark.at > TRANSACTION_MAX_MS)) {
      this.#final = Math.max(this.#final, mark.seq);
      this.#mark = undefined;
    }
    if (oldest >= next) this.#final = Math.max(this.#final, seq);
    else this.#mark ??= { seq, next, at: now };
    return { final: this.#final, head: seq };
  }
}
