// @ts-check
/** Times from 1 µs to 1,000 s in buckets 1 % apart: constant memory, whatever the count. */
const STEP = Math.log(1.01);
const BUCKETS = Math.ceil(Math.log(1e9) / STEP) + 1;

export class Histogram {
  #buckets = new Uint32Array(BUCKETS);
  count = 0;

  /** @param {number} ms */
  add(ms) {
    const micros = Math.max(1, ms * 1000);
    const index = Math.min(BUCKETS - 1, Math.floor(Math.log(micros) / STEP));
    this.#buckets[index] = /** @type {number} */ (this.#buckets[index]) + 1;
    this.count++;
  }

  clear() {
    this.#buckets.fill(0);
    this.count = 0;
  }

  /** In ms; 0 when empty. @param {number} share 0…1 */
  quantile(share) {
    let left = this.count * share;
    for (let i = 0; i < BUCKETS; i++) {
      left -= /** @type {number} */ (this.#buckets[i]);
      if (left < 0) return Math.exp((i + 0.5) * STEP) / 1000;
    }
    return 0;
  }
}
