import type { Ms } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import type {
  ConfigChange,
  ConfigItem,
  ConfigKind,
  ConfigQuery,
  ConfigStore,
  NewEvent,
  Page,
} from '../store.ts';
import type { Shards } from './shards.ts';
import { reaches } from './stream.ts';

/** Configuration is decided on the first shard; the others have copies of what their lanes need. */
export class ShardedConfig implements ConfigStore {
  readonly #shards: Shards;

  constructor(shards: Shards) {
    this.#shards = shards;
  }

  get #first(): ConfigStore {
    return this.#shards.first.config;
  }

  /**
   * Resolves when the shards whose tenants it concerns have it, so that whoever routes by what was
   * before is refused there. One that is away is found so before anything is written; if it goes away
   * between, this rejects although the change is made, and reaches it later.
   */
  async put(
    changes: readonly ConfigChange[],
    now: Ms,
    events: readonly NewEvent[] = [],
  ): Promise<{ version: number; items: ConfigItem[] }> {
    const concerned = await this.#concerned(changes);
    await this.#shards.mustAnswer(concerned);
    const written = await this.#first.put(changes, now, events);
    const told = events.map(({ slot }) => this.#shards.map.shardOf(slot));
    await this.#shards.deliver([...new Set([...concerned, ...told])], now);
    return written;
  }

  async #concerned(changes: readonly ConfigChange[]): Promise<number[]> {
    const { map, stores } = this.#shards;
    const concerned = new Set<number>();
    for (const kind of ['endpoint', 'tenant'] as const) {
      const mine = changes.filter((change) => change.kind === kind);
      if (mine.length === 0) continue;
      const before = await this.#first.readMany(
        kind,
        mine.map(({ id }) => id),
      );
      const values = new Map(before.map(({ id, value }) => [id, value]));
      for (const change of mine) {
        const reach = reaches(change, values.get(change.id));
        if (reach === 'everywhere') for (const shard of stores.keys()) concerned.add(shard);
        else concerned.add(map.shardOf(slotOf(kind === 'tenant' ? change.id : change.tenant)));
      }
    }
    return [...concerned];
  }

  changes(
    since: number,
    limit: number,
    kinds?: readonly ConfigKind[],
  ): Promise<{ version: number; items: ConfigItem[] }> {
    return this.#first.changes(since, limit, kinds);
  }

  read(kind: ConfigKind, id: string): Promise<ConfigItem | undefined> {
    return this.#first.read(kind, id);
  }

  readMany(kind: ConfigKind, ids: readonly string[]): Promise<ConfigItem[]> {
    return this.#first.readMany(kind, ids);
  }

  list(kind: ConfigKind, query: ConfigQuery): Promise<Page<ConfigItem>> {
    return this.#first.list(kind, query);
  }

  forget(kind: ConfigKind, ids: readonly string[]): Promise<void> {
    return this.#first.forget(kind, ids);
  }
}
