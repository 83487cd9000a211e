import { TestPostgres } from '../postgres/cluster.suite.ts';
import type { Store } from '../store.ts';
import type { OpenOptions } from '../suite/world.suite.ts';
import { SlotMap } from './slot-map.ts';
import { createShardedStore } from './store.ts';

/** A trouble is a failure of the test. */
export function throwTrouble(_: number, error: unknown): never {
  throw error;
}

/** One store of two databases, for the tests of one file. */
export class TwoDatabases {
  readonly map = new SlotMap(2);
  readonly #first = new TestPostgres();
  readonly #second = new TestPostgres();

  /** As `TestPostgres.open`. */
  async open(options: OpenOptions): Promise<Store> {
    const { map } = this;
    const place = { map, shard: 0, installation: undefined };
    const first = await this.#first.open(options, undefined, place);
    const other = { ...place, shard: 1, installation: first.place?.installation };
    const second = await this.#second.open(options, undefined, other);
    for (const one of [first, second]) await one.place?.record();
    return createShardedStore({ stores: [first, second], map, trouble: throwTrouble });
  }

  /** Of what is open. */
  async urls(): Promise<[string, string]> {
    return [await this.#first.url, await this.#second.url];
  }

  /** An empty database. */
  database(): Promise<string> {
    return this.#first.database();
  }
}
