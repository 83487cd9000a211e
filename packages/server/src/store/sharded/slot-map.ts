import type { Slot } from '../../core/model.ts';
import type { Part } from '../crossing.ts';

const SLOTS = 256;

/** As many stores as one map may have. */
export const SHARDS_MAX = 64;

/** Which of `count` stores has which slots: equal, contiguous parts of them, in the order of the stores. */
export class SlotMap {
  readonly count: number;

  constructor(count: number) {
    this.count = count;
  }

  shardOf(slot: Slot): number {
    return Math.floor((slot * this.count) / SLOTS);
  }

  /** The slots of one of them: from `first` on, and before `end`. */
  range(shard: number): { readonly first: Slot; readonly end: Slot } {
    const startOf = (index: number) => Math.ceil((index * SLOTS) / this.count);
    return { first: startOf(shard), end: startOf(shard + 1) };
  }

  part(shard: number): Part {
    return { holds: (slot) => this.shardOf(slot) === shard, first: shard === 0 };
  }

  /** What of `items` goes to each of the stores, and where in `items` it stood. */
  split<T>(items: readonly T[], slotOf: (item: T) => Slot): Split<T>[] {
    const parts = new Map<number, Split<T>>();
    for (const [place, item] of items.entries()) {
      const shard = this.shardOf(slotOf(item));
      const part = parts.get(shard) ?? { shard, items: [], places: [] };
      parts.set(shard, part);
      part.items.push(item);
      part.places.push(place);
    }
    return [...parts.values()];
  }

  /** Asks each store for its part of `items`, side by side; the answers stand in the order of `items`. */
  async gather<T, R>(
    items: readonly T[],
    slotOf: (item: T) => Slot,
    ask: (shard: number, items: readonly T[]) => Promise<readonly R[]>,
  ): Promise<R[]> {
    const answers = new Array<R>(items.length);
    await Promise.all(
      this.split(items, slotOf).map(async ({ shard, items: mine, places }) => {
        const given = await ask(shard, mine);
        for (const [i, place] of places.entries()) answers[place] = given[i] as R;
      }),
    );
    return answers;
  }
}

interface Split<T> {
  readonly shard: number;
  readonly items: T[];
  readonly places: number[];
}
