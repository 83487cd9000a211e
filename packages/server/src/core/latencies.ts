import type { Ms } from './model.ts';

/**
 * Durations, counted in buckets 9 % apart: bounded in size whatever the count, exact to 5 %, and two of
 * them merge without loss. From 1 ms to a minute, beyond which no exchange lasts.
 */

const STEPS_PER_OCTAVE = 8;
const BUCKETS = 128;

export class Latencies {
  readonly #counts = new Map<number, number>();

  /** Of bytes that `encode` made. */
  static decode(bytes: Uint8Array): Latencies {
    const made = new Latencies();
    const numbers = readVarints(bytes);
    let bucket = -1;
    for (let i = 0; i + 1 < numbers.length; i += 2) {
      bucket += numbers[i] as number;
      made.#counts.set(bucket, numbers[i + 1] as number);
    }
    return made;
  }

  add(ms: Ms): void {
    const bucket = Math.floor(Math.log2(Math.max(1, ms)) * STEPS_PER_OCTAVE);
    this.#addTo(Math.min(bucket, BUCKETS - 1), 1);
  }

  merge(other: Latencies): void {
    for (const [bucket, count] of other.#counts) this.#addTo(bucket, count);
  }

  #addTo(bucket: number, count: number): void {
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
  }

  /** The duration that `share` (0…1) of all stay below, in ms; undefined = there is none. */
  quantile(share: number): Ms | undefined {
    const sorted = this.#sorted();
    let left = share * sorted.reduce((sum, [, count]) => sum + count, 0);
    for (const [bucket, count] of sorted) {
      left -= count;
      if (left <= 0) return rounded(2 ** ((bucket + 0.5) / STEPS_PER_OCTAVE));
    }
    return undefined;
  }

  /** Pairs of numbers: how far to the next bucket, and how many are in it. */
  encode(): Uint8Array {
    const numbers: number[] = [];
    let before = -1;
    for (const [bucket, count] of this.#sorted()) {
      numbers.push(bucket - before, count);
      before = bucket;
    }
    return writeVarints(numbers);
  }

  #sorted(): [number, number][] {
    return [...this.#counts].sort(([a], [b]) => a - b);
  }
}

function rounded(ms: number): Ms {
  return ms < 100 ? Math.round(ms * 10) / 10 : Math.round(ms);
}

/** Seven bits a byte, the last one without the eighth. */
function writeVarints(numbers: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (const number of numbers) {
    let rest = number;
    while (rest >= 128) {
      bytes.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

function readVarints(bytes: Uint8Array): number[] {
  const numbers: number[] = [];
  let number = 0;
  let weight = 1;
  for (const byte of bytes) {
    number += (byte & 127) * weight;
    weight *= 128;
    if (byte >= 128) continue;
    numbers.push(number);
    number = 0;
    weight = 1;
  }
  return numbers;
}
