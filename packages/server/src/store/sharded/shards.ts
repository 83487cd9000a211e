import type { Endpoint, Ms, Slot, TenantId } from '../../core/model.ts';
import { slotOf, spansTenants } from '../../core/routing.ts';
import type { Store } from '../store.ts';
import type { SlotMap } from './slot-map.ts';
import { type Reached, Stream } from './stream.ts';

export interface ShardsOptions {
  /** In the order of the map; each was opened as its part of it (`SlotMap.part`). */
  readonly stores: readonly Store[];
  readonly map: SlotMap;
  /** A shard did not do what the others did, and is asked again later. */
  readonly trouble: (shard: number, error: unknown) => void;
}

/** The stores by what lies in them, and what goes from each to the others. */
export class Shards {
  readonly stores: readonly Store[];
  readonly map: SlotMap;
  readonly #trouble: ShardsOptions['trouble'];
  /** By source and target. */
  readonly #streams: readonly (readonly Stream[])[];
  readonly #behind = new Set<Promise<void>>();

  constructor({ stores, map, trouble }: ShardsOptions) {
    this.stores = stores;
    this.map = map;
    this.#trouble = trouble;
    this.#streams = stores.map((from, i) =>
      stores.map((to, j) => {
        const target = { store: to, index: j, part: map.part(j) };
        return new Stream({ from: { store: from, index: i }, to: target });
      }),
    );
  }

  get first(): Store {
    return this.at(0);
  }

  at(shard: number): Store {
    return this.stores[shard] as Store;
  }

  of(slot: Slot): Store {
    return this.at(this.map.shardOf(slot));
  }

  ofTenant(tenant: TenantId): Store {
    return this.of(slotOf(tenant));
  }

  /** The shards that may owe an endpoint something, or have; of one that is not known, any may. */
  ofEndpoint(endpoint: Pick<Endpoint, 'tenant' | 'scope'> | undefined): readonly number[] {
    if (!endpoint || spansTenants(endpoint)) return [...this.stores.keys()];
    return [this.map.shardOf(slotOf(endpoint.tenant))];
  }

  // ---- asking several ----

  /** What each says; one that fails is told of and left out. Rejects if all do. */
  async each<T>(ask: (store: Store) => Promise<T>): Promise<T[]> {
    const asked = await Promise.allSettled(this.stores.map((store) => ask(store)));
    const answers = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = asked.flatMap((one, shard) =>
      one.status === 'rejected' ? [{ shard, error: one.reason as unknown }] : [],
    );
    if (answers.length === 0) throw failed[0]?.error;
    for (const { shard, error } of failed) this.#trouble(shard, error);
    return answers;
  }

  /** The first answer there is; undefined = none of them has one. One that fails might have had it. */
  async find<T>(ask: (store: Store) => Promise<T | undefined>): Promise<T | undefined> {
    const asked = await Promise.allSettled(this.stores.map((store) => ask(store)));
    for (const one of asked) {
      if (one.status === 'fulfilled' && one.value !== undefined) return one.value;
    }
    for (const one of asked) if (one.status === 'rejected') throw one.reason;
    return undefined;
  }

  // ---- between them ----

  /** How far a shard has the configuration, which is at least `version`. */
  configured(shard: number, version: number, now: Ms): Promise<Reached> {
    return this.#stream(0, shard).upTo(version, now);
  }

  reread(shard: number): Promise<Reached> {
    return this.#stream(0, shard).reread();
  }

  /** What `from` has for the others, and what the first makes of it for them; a shard that is away gets it later. */
  async carryFrom(from: number, now: Ms): Promise<void> {
    await this.#carry(from, now);
    if (from !== 0) await this.#carry(0, now);
  }

  /** The same behind what goes on: who sends does not wait for a shard that is slow to be found away. */
  carryBehind(from: number, now: Ms): void {
    const carrying = this.carryFrom(from, now).finally(() => this.#behind.delete(carrying));
    this.#behind.add(carrying);
  }

  async close(): Promise<void> {
    await Promise.all(this.#behind);
    await Promise.all(this.stores.map((store) => store.close()));
  }

  /** All that is on its way, as after the death of a process that should have carried it. */
  async carryAll(now: Ms): Promise<void> {
    for (const from of this.stores.keys()) if (from !== 0) await this.#carry(from, now);
    await this.#carry(0, now);
  }

  /** Rejects if one of them is away. */
  async mustAnswer(shards: readonly number[]): Promise<void> {
    await Promise.all(shards.filter((shard) => shard !== 0).map((shard) => this.reread(shard)));
  }

  /** From the first to these, which have it when this resolves. */
  async deliver(to: readonly number[], now: Ms): Promise<void> {
    await Promise.all(
      to.filter((shard) => shard !== 0).map((shard) => this.#stream(0, shard).catchUp(now)),
    );
  }

  /** From one to each of the others. */
  async #carry(from: number, now: Ms): Promise<void> {
    await Promise.all(
      [...this.stores.keys()].map(async (to) => {
        if (to === from) return;
        try {
          await this.#stream(from, to).catchUp(now);
        } catch (error) {
          this.#trouble(to === 0 ? from : to, error);
        }
      }),
    );
  }

  #stream(from: number, to: number): Stream {
    return this.#streams[from]?.[to] as Stream;
  }
}
