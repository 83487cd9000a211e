/**
 * How far one attachment has come: which captures are with the client, which are done, and up to where
 * everything is. Numbers are given in ascending order.
 */
export class Progress {
  readonly #out = new Set<number>();
  /** Done while an earlier one is still out. */
  readonly #ahead = new Set<number>();
  /** Done before this attachment; passed over when their turn comes. */
  readonly #before: Set<number>;
  #frontier: number;

  constructor(acked: number, done: readonly number[]) {
    this.#frontier = acked;
    this.#before = new Set(done);
  }

  /** The last number that was given or passed over. */
  get frontier(): number {
    return this.#frontier;
  }
  get outstanding(): number {
    return this.#out.size;
  }
  isOut(seq: number): boolean {
    return this.#out.has(seq);
  }
  wasDone(seq: number): boolean {
    return this.#before.has(seq);
  }

  give(seq: number): void {
    this.#frontier = Math.max(this.#frontier, seq);
    this.#out.add(seq);
  }

  /** It will not be given: it does not fit, was done before, or is gone. */
  pass(seq: number): void {
    this.#frontier = Math.max(this.#frontier, seq);
    if (this.#before.delete(seq) && this.#out.size > 0) this.#ahead.add(seq);
  }

  /** false = it was not out (any more). */
  finish(seq: number): boolean {
    if (!this.#out.delete(seq)) return false;
    this.#ahead.add(seq);
    return true;
  }

  /** What the store is told. */
  position(): { acked: number; done: number[] } {
    // Sets keep the order of insertion, which is ascending.
    const [oldest] = this.#out;
    const acked = oldest === undefined ? this.#frontier : oldest - 1;
    for (const seq of this.#ahead) if (seq <= acked) this.#ahead.delete(seq);
    return { acked, done: [...this.#ahead, ...this.#before].sort((a, b) => a - b) };
  }
}
