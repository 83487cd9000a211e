import type { Ms } from './model.ts';

const START = 4;
const MOST = 1000;
/** A lane that was full for so long gets less. */
const FULL_MS = 1000;

/**
 * How much a replay may add to an endpoint's lanes, so that live events there need not wait for it. It
 * adds only while fewer deliveries are due than the endpoint gets through in about a second: what
 * drained before the next look doubles that number, what did not drain within a second halves it. So a
 * live event waits about a second longer at most, and where live events alone keep the endpoint busy
 * the replay waits for them.
 */
export class Pace {
  #width = START;
  #roomAt: Ms | undefined;

  /** Deliveries counted above this number change nothing. */
  get width(): number {
    return this.#width;
  }

  /** How many may be added; `due`: those due now. */
  room(due: number, now: Ms): number {
    if (due >= this.#width) {
      this.#roomAt ??= now;
      if (now - this.#roomAt >= FULL_MS) {
        this.#width = Math.max(1, this.#width >> 1);
        this.#roomAt = now;
      }
      return 0;
    }
    if (due === 0 && this.#roomAt !== undefined) this.#width = Math.min(MOST, this.#width * 2);
    this.#roomAt = now;
    return this.#width - due;
  }
}
