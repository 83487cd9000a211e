import { type Endpoint, type EndpointId, LANE_PARTS, type Ms } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import { parted } from '../crossing.ts';
import {
  type ConfigChange,
  type ConfigItem,
  type ConfigKind,
  type ConfigQuery,
  type ConfigStore,
  type NewEvent,
  type Page,
  StoreError,
} from '../store.ts';
import { laneState, type MemoryState } from './state.ts';

export class MemoryConfig implements ConfigStore {
  readonly #state: MemoryState;
  #version = 0;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async put(
    changes: readonly ConfigChange[],
    now: Ms,
    events: readonly NewEvent[] = [],
  ): Promise<{ version: number; items: ConfigItem[] }> {
    const { here, crossing } = parted(this.#state.part, events);
    const { version, items } = this.change([...crossing, ...changes]);
    for (const event of here) this.#state.keep(event, now);
    return { version, items: items.slice(crossing.length) };
  }

  async changes(
    since: number,
    limit: number,
    kinds?: readonly ConfigKind[],
  ): Promise<{ version: number; items: ConfigItem[] }> {
    const items = [...this.#state.items.values()]
      .filter((item) => item.version > since && (kinds?.includes(item.kind) ?? true))
      .sort((a, b) => a.version - b.version)
      .slice(0, limit);
    const last = items.length === limit ? items.at(-1)?.version : this.#version;
    return { version: Math.max(since, last ?? 0), items };
  }

  async read(kind: ConfigKind, id: string): Promise<ConfigItem | undefined> {
    const item = this.#state.items.get(`${kind}/${id}`);
    return item?.value === null ? undefined : item;
  }

  async readMany(kind: ConfigKind, ids: readonly string[]): Promise<ConfigItem[]> {
    const found = await Promise.all(ids.map((id) => this.read(kind, id)));
    return found.flatMap((item) => item ?? []);
  }

  async list(kind: ConfigKind, query: ConfigQuery): Promise<Page<ConfigItem>> {
    const { tenant, limit, after } = query;
    const all = [...this.#state.items.values()]
      .filter((item) => item.kind === kind && item.value !== null)
      .filter((item) => tenant === undefined || item.tenant === tenant)
      .filter((item) => after === undefined || item.id < after)
      .sort((a, b) => (a.id < b.id ? 1 : -1));
    const items = all.slice(0, limit);
    return { items, next: all.length > limit ? items.at(-1)?.id : undefined };
  }

  async forget(kind: ConfigKind, ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const item = this.#state.items.get(`${kind}/${id}`);
      if (item && item.version < this.#version) this.#state.items.delete(`${kind}/${id}`);
    }
  }

  /** All or nothing; throws `conflict`. */
  change(changes: readonly ConfigChange[]): { version: number; items: ConfigItem[] } {
    for (const { kind, id, expected } of changes) {
      const item = this.#state.items.get(`${kind}/${id}`);
      const found = item && item.value !== null ? item.version : 0;
      if (expected !== undefined && expected !== found) {
        throw new StoreError('conflict', `${kind} ${id} has version ${found}, not ${expected}.`);
      }
    }
    const items = changes.map((change) => this.#putOne(change));
    return { version: items.at(-1)?.version ?? 0, items };
  }

  #putOne(change: ConfigChange): ConfigItem {
    this.#version += 1;
    const { kind, id, tenant } = change;
    const value =
      kind === 'endpoint' && change.value !== null
        ? { ...(change.value as Endpoint), number: this.#number(change.value as Endpoint) }
        : change.value;
    const item = { kind, id, tenant, version: this.#version, value };
    this.#state.items.set(`${kind}/${id}`, item);
    if (kind === 'endpoint' || kind === 'tenant') this.#state.routing = this.#version;
    if (kind === 'endpoint') {
      this.#state.alerts.delete(this.#number({ id: id as EndpointId, number: 0 }));
      this.#endpointChanged(id as EndpointId, value as Endpoint | null);
    }
    return item;
  }

  #number({ id, number: given }: Pick<Endpoint, 'id' | 'number'>): number {
    const { numbers, endpoints } = this.#state;
    const known = numbers.get(id);
    if (known !== undefined) return known;
    const number = given || endpoints.size + 1;
    numbers.set(id, number);
    endpoints.set(number, id);
    return number;
  }

  #endpointChanged(id: EndpointId, endpoint: Endpoint | null): void {
    const { book } = this.#state;
    if (endpoint?.scope === 'tenant') {
      this.#state.lane(slotOf(endpoint.tenant), endpoint.number * LANE_PARTS);
    }
    for (const entry of book.ofEndpoint(id)) {
      const { fifo, held } = laneState(endpoint);
      entry.fifo = fifo;
      if (entry.held !== held) book.setHeld(entry, held);
      if (entry.closed !== (endpoint === null)) book.setClosed(entry, endpoint === null);
    }
  }
}
