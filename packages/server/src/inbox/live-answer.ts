import type { Clock } from '../core/clock.ts';
import type { Ms } from '../core/model.ts';

/** `gone`: the sender did not wait. */
export type LiveEnd = 'answered' | 'cut' | 'fallback' | 'gone';

/** Where an answer goes: a sender who waits. */
export interface LiveSink {
  head(status: number, headers: readonly string[]): void;
  /** Resolves when more may come; undefined = at once. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  end(): void;
  /** Part of the answer is out and the rest will not come. */
  abort(): void;
  /** Nobody answered in time: what the inbox says then. */
  fallback(): void;
}

/** How a listener answers a sender who waits, on this node or on another. */
export interface Answering {
  readonly waiting: boolean;
  readonly remainingMs: Ms;
  /** false = too late: the sender was answered otherwise, or is gone. */
  head(status: number, headers: readonly string[]): boolean;
  /** Resolves when more may come; undefined = at once. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  end(): void;
  /** The listener will not answer (any further). */
  fail(): void;
}

/**
 * The answer to one sender who waits for a listener: it comes in time, or the fallback does. States:
 * waiting → answering → over, or waiting → over.
 */
export class LiveAnswer implements Answering {
  readonly #deadline: Ms;
  readonly #clock: Clock;
  readonly #cancel: () => void;
  readonly #over: (how: LiveEnd) => void;
  #state: 'waiting' | 'answering' | 'over' = 'waiting';
  #sink: LiveSink | undefined;

  /** `over` is called once, when nothing can come of it any more. */
  constructor(clock: Clock, waitMs: Ms, over: (how: LiveEnd) => void) {
    this.#clock = clock;
    this.#deadline = clock.now() + waitMs;
    this.#over = over;
    this.#cancel = clock.after(waitMs, () => this.fail());
  }

  get waiting(): boolean {
    return this.#state === 'waiting';
  }
  /** The sender can be answered. */
  get ready(): boolean {
    return this.#sink !== undefined && this.#state !== 'over';
  }
  get remainingMs(): Ms {
    return this.waiting ? Math.max(0, this.#deadline - this.#clock.now()) : 0;
  }

  /** The sender is ready to be answered; what was decided meanwhile is answered now. */
  deliver(sink: LiveSink): void {
    if (this.#state === 'over') sink.fallback();
    else this.#sink = sink;
  }

  head(status: number, headers: readonly string[]): boolean {
    if (this.#state !== 'waiting' || !this.#sink) return false;
    this.#state = 'answering';
    this.#cancel();
    this.#sink.head(status, headers);
    return true;
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#state === 'answering' ? this.#sink?.write(bytes) : undefined;
  }

  end(): void {
    if (this.#state !== 'answering') return;
    this.#sink?.end();
    this.#finish('answered');
  }

  fail(): void {
    if (this.#state === 'over') return;
    const cut = this.#state === 'answering';
    if (cut) this.#sink?.abort();
    else this.#sink?.fallback();
    this.#finish(cut ? 'cut' : 'fallback');
  }

  /** The sender went away. */
  gone(): void {
    if (this.#state !== 'over') this.#finish('gone');
  }

  #finish(how: LiveEnd): void {
    this.#state = 'over';
    this.#cancel();
    this.#over(how);
  }
}
