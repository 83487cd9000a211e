import type { Clock } from '../core/clock.ts';
import type { Ms } from '../core/model.ts';

/**
 * Work that is done in rounds, one at a time: each says when the next one is due, or that it waits to
 * be poked. A poke during a round is answered by another one right after it.
 */
export class Rounds {
  readonly #clock: Clock;
  readonly #round: () => Promise<Ms | undefined>;
  #cancel: () => void = () => {};
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  /** `round` must not fail: what goes wrong in it is its own to tell, and a reason to come again. */
  constructor(clock: Clock, round: () => Promise<Ms | undefined>) {
    this.#clock = clock;
    this.#round = round;
  }

  /** A long round ends early then. */
  get stopped(): boolean {
    return this.#stopped;
  }

  start(delayMs: Ms = 0): void {
    this.#next(delayMs);
  }

  /** There is something to do now. */
  poke(): void {
    if (this.#running) this.#again = true;
    else this.#next(0);
  }

  /** Resolves when the round that is under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
  }

  #next(delayMs: Ms): void {
    this.#cancel();
    if (this.#stopped) return;
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#again = false;
      this.#running = this.#round().then((delay) => {
        this.#running = undefined;
        if (this.#again) this.#next(0);
        else if (delay !== undefined) this.#next(delay);
      });
    });
  }
}
