/** Events of a window of the store that are owed; where there are too many the window ends earlier. */
export class OwedSet {
  readonly from: number;
  readonly #max: number;
  #until: number;
  #seqs = new Set<number>();

  constructor(window: { readonly from: number; readonly until: number }, max: number) {
    this.from = window.from;
    this.#until = window.until;
    this.#max = max;
  }

  /** Events from it on are not known. */
  get until(): number {
    return this.#until;
  }

  has(seq: number): boolean {
    return this.#seqs.has(seq);
  }

  add(seq: number): void {
    if (seq < this.from || seq >= this.#until) return;
    this.#seqs.add(seq);
    if (this.#seqs.size > this.#max) this.#shorten();
  }

  /** Keeps the older half. */
  #shorten(): void {
    const sorted = Float64Array.from(this.#seqs).sort();
    const kept = sorted.subarray(0, Math.ceil(sorted.length / 2));
    this.#until = sorted[kept.length] as number;
    this.#seqs = new Set(kept);
  }
}
