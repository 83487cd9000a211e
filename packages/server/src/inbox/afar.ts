import type { Clock } from '../core/clock.ts';
import type { Ms } from '../core/model.ts';
import type { AnswerPart, AnswerStore, CaptureKey, InboxKey } from '../store/inbox.ts';
import { type Answering, LiveAnswer, type LiveEnd } from './live-answer.ts';

/**
 * Answers that cross nodes: the listener is attached to one, the sender waits at another. They travel
 * through the store both share, sealed, so nodes need not reach each other. Between one node and the
 * same one none of this is used.
 */

interface AfarOptions {
  readonly store: AnswerStore;
  readonly clock: Clock;
  readonly warn: (error: unknown, message: string) => void;
}

/** While somebody waits, the store is asked this often. */
const POLL_MS: Ms = 10;
/** An answer that has begun and does not go on is cut; so is one whose sender takes nothing. */
const STALL_MS: Ms = 30_000;
/** Of the sender's patience, for deciding who was first: the answer, or the end of the wait. */
const DECIDING_MS: Ms = 5_000;
/** While a sender waits, it is asked this often whether there still is somebody who could answer. */
const ALIVE_MS: Ms = 500;
/** A listener whose connection broke is back by then; one whose node died is not. */
const RETURN_MS: Ms = 2000;
/** Between looks whether a slow sender has taken something. */
const SLOW_MS: Ms = 20;

// ---- where the listener is -----------------------------------------------------------------------

/** The answer to a sender who waits at another node. */
export class AnswerAfar implements Answering {
  readonly #options: AfarOptions;
  readonly #key: CaptureKey;
  readonly #until: Ms;
  #state: 'waiting' | 'answering' | 'over' = 'waiting';
  #n = 0;
  /** What was asked of the store, in order; false = nobody waits any more. */
  #under: Promise<boolean> = Promise.resolve(true);

  constructor(options: AfarOptions, key: CaptureKey, until: Ms) {
    this.#options = options;
    this.#key = key;
    this.#until = until;
  }

  get waiting(): boolean {
    return this.#state === 'waiting' && this.remainingMs > 0;
  }
  get remainingMs(): Ms {
    return Math.max(0, this.#until - this.#options.clock.now());
  }

  head(status: number, headers: readonly string[]): boolean {
    if (!this.waiting) return false;
    this.#state = 'answering';
    const bytes = Buffer.from(JSON.stringify({ status, headers } satisfies Head));
    void this.#next(() => this.#options.store.begin(this.#key, bytes));
    return true;
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#state !== 'answering' || bytes.length === 0) return undefined;
    // A copy: the packet it lies in is used again.
    const copy = Uint8Array.from(bytes);
    return this.#next(() => this.#part('body', copy));
  }

  end(): void {
    if (this.#state !== 'answering') return;
    this.#state = 'over';
    void this.#next(() => this.#part('end', NOTHING));
  }

  fail(): void {
    if (this.#state === 'over') return;
    const begun = this.#state === 'answering';
    this.#state = 'over';
    const { store } = this.#options;
    void this.#next(() => (begun ? this.#part('cut', NOTHING) : store.decline(this.#key)));
  }

  async #part(kind: 'body' | 'end' | 'cut', bytes: Uint8Array): Promise<boolean> {
    const { store, clock } = this.#options;
    this.#n += 1;
    let state = await store.write({ ...this.#key, n: this.#n }, { kind, bytes }, clock.now());
    const until = clock.now() + STALL_MS;
    while (state === 'wait' && kind === 'body' && clock.now() < until) {
      await new Promise<void>((resolve) => void clock.after(SLOW_MS, resolve));
      state = await store.ahead(this.#key);
    }
    return state !== 'gone';
  }

  #next(step: () => Promise<boolean>): Promise<void> {
    this.#under = this.#under.then(async (goes) => {
      try {
        return goes && (await step());
      } catch (error) {
        this.#options.warn(error, 'an answer did not reach the node where its sender waits');
        return false;
      }
    });
    return this.#under.then(() => {});
  }
}

interface Head {
  readonly status: number;
  readonly headers: readonly string[];
}
const NOTHING = new Uint8Array();

// ---- where the sender waits ----------------------------------------------------------------------

interface Wait {
  readonly key: CaptureKey;
  readonly live: LiveAnswer;
  readonly until: Ms;
  /** The next part. */
  n: number;
  /** When the last one came. */
  heardAt: Ms;
  /** When there was last known to be a listener who could answer. */
  aliveAt: Ms;
  /** The sender is being given something. */
  busy: boolean;
}

interface SendersOptions extends AfarOptions {
  /** Of each inbox: somebody is attached who answers senders. */
  readonly answered: (inboxes: readonly InboxKey[]) => Promise<boolean[]>;
}

/** Senders on this node who wait for a listener on another. */
export class SendersWaiting {
  readonly #options: SendersOptions;
  readonly #waits = new Set<Wait>();
  #polling = false;
  #askedAt: Ms = 0;

  constructor(options: SendersOptions) {
    this.#options = options;
  }

  /** `over` is told how it ended. */
  expect(key: CaptureKey, waitMs: Ms, over: (how: LiveEnd) => void): LiveAnswer {
    const { clock, store, warn } = this.#options;
    const live = new LiveAnswer(clock, waitMs + DECIDING_MS, (how) => {
      this.#waits.delete(wait);
      over(how);
      store.forget(key).catch((error: unknown) => warn(error, 'an answer was not cleared away'));
    });
    const now = clock.now();
    const since = { heardAt: now, aliveAt: now };
    const wait: Wait = { key, live, until: now + waitMs, n: 0, ...since, busy: false };
    this.#waits.add(wait);
    this.#poll();
    return live;
  }

  /** Nobody waits any longer: they get what the inbox says then. */
  end(): void {
    for (const { live } of [...this.#waits]) live.fail();
  }

  #poll(): void {
    if (this.#polling || this.#waits.size === 0) return;
    this.#polling = true;
    this.#options.clock.after(POLL_MS, () => {
      void this.#look()
        .catch((error: unknown) => this.#options.warn(error, 'answers could not be read'))
        .finally(() => {
          this.#polling = false;
          this.#poll();
        });
    });
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#options;
    const waits = [...this.#waits].filter(({ busy, live }) => !busy && live.ready);
    if (waits.length === 0) return;
    const parts = await store.take(waits.map(({ key, n }) => ({ ...key, n })));
    await this.#askWhoLives(waits.filter(({ n }) => n === 0));
    for (const [i, wait] of waits.entries()) {
      const came = parts[i] ?? [];
      if (came.length > 0) void this.#give(wait, came);
      else if (wait.n === 0 && isOver(wait, clock.now())) {
        if (await store.giveUp(wait.key)) wait.live.fail();
      } else if (wait.n > 0 && clock.now() - wait.heardAt > STALL_MS) wait.live.fail();
    }
  }

  /** The leases of a dead node's listeners end before the patience of a sender does. */
  async #askWhoLives(waits: readonly Wait[]): Promise<void> {
    const { answered, clock } = this.#options;
    if (waits.length === 0 || clock.now() - this.#askedAt < ALIVE_MS) return;
    this.#askedAt = clock.now();
    const alive = await answered(waits.map(({ key }) => key));
    for (const [i, wait] of waits.entries()) if (alive[i]) wait.aliveAt = clock.now();
  }

  async #give(wait: Wait, parts: readonly AnswerPart[]): Promise<void> {
    const { store, clock, warn } = this.#options;
    const { key, live } = wait;
    wait.busy = true;
    for (const { n, kind, bytes } of parts) {
      wait.n = n + 1;
      if (kind === 'head') {
        const { status, headers } = JSON.parse(Buffer.from(bytes).toString()) as Head;
        live.head(status, headers);
      } else if (kind === 'body') await live.write(bytes);
      else if (kind === 'end') live.end();
      else live.fail();
    }
    wait.heardAt = clock.now();
    wait.busy = false;
    if (wait.n > 1 && this.#waits.has(wait)) {
      await store
        .taken({ ...key, n: wait.n - 1 })
        .catch((error: unknown) => warn(error, 'an answer was not cleared away'));
    }
  }
}

function isOver({ until, aliveAt }: Wait, now: Ms): boolean {
  return now >= until || now - aliveAt > RETURN_MS;
}
