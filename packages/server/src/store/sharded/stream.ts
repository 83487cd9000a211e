import type { Endpoint, Ms } from '../../core/model.ts';
import { isConflict } from '../config-writer.ts';
import { arrived, type Crossing, type Part } from '../crossing.ts';
import type { ConfigChange, ConfigItem, ConfigKind, NewEvent, Store } from '../store.ts';
import { StoreError } from '../store.ts';

export interface StreamOptions {
  readonly from: { readonly store: Store; readonly index: number };
  readonly to: { readonly store: Store; readonly index: number; readonly part: Part };
}

/** How far the target is, as it keeps it. */
interface Marker {
  /** Version of the source up to which everything is applied here. */
  readonly of: number;
  /** Of the last change that routing depends on. */
  readonly routing: number;
}

export interface Reached extends Marker {
  /** Version of the target by which its configuration is what the source had at `routing`, or later. */
  readonly local: number;
}

const PAGE = 200;
/** Others may be carrying the same; each of them moves it on. */
const TRIES = 20;

/**
 * What one store has to hear from another: configuration from the first, decisions about endpoints by
 * the first, events about ourselves by the one that has their slot. It is applied in one transaction
 * with the place it leads to, which only moves on: so nothing is lost and nothing comes twice, whoever
 * dies in between, and whoever else carries at the same time.
 */
export class Stream {
  readonly #o: StreamOptions;
  readonly #kinds: readonly ConfigKind[];
  readonly #id: string;
  #reached: Reached | undefined;
  /** Version of the marker; 0 = there is none. */
  #version = 0;
  /** Of the source: up to there it is applied, or not for this store. */
  #seen = 0;
  /** Applied, and perhaps still kept by the source. */
  readonly #applied = new Set<string>();
  #running: Promise<void> | undefined;

  constructor(options: StreamOptions) {
    this.#o = options;
    this.#kinds =
      options.from.index === 0 ? ['tenant', 'endpoint', 'crossing'] : (['crossing'] as const);
    this.#id = `from-${options.from.index}`;
  }

  /** Brings the target to where the source is. One at a time; who comes during one has a new one after it. */
  async catchUp(now: Ms): Promise<void> {
    const running = this.#running;
    if (running) {
      await running.catch(() => {});
      if (this.#running) return this.#running;
    }
    this.#running = this.#catchUp(now).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** The same, unless it is known to be there. */
  async upTo(version: number, now: Ms): Promise<Reached> {
    if (!this.#reached || this.#seen < version) await this.catchUp(now);
    return this.#reached ?? this.reread();
  }

  /** Others moved it on, or the target was changed. */
  async reread(): Promise<Reached> {
    const { config } = this.#o.to.store;
    // One answer, so that the marker and the version are of the same moment.
    const since = this.#reached?.local ?? 0;
    const { version, items } = await config.changes(since, PAGE, ['shard']);
    const marker = items.findLast(({ id }) => id === this.#id);
    const before = this.#reached ?? { of: 0, routing: 0 };
    const value = (marker?.value ?? before) as Marker;
    if (marker) this.#version = marker.version;
    const local = Math.max(since, version);
    this.#reached = { of: value.of, routing: value.routing, local };
    this.#seen = Math.max(this.#seen, value.of);
    return this.#reached;
  }

  async #catchUp(now: Ms): Promise<void> {
    if (!this.#reached) await this.reread();
    for (let tries = 0; tries < TRIES; tries++) {
      const { version, items } = await this.#o.from.store.config.changes(
        this.#seen,
        PAGE,
        this.#kinds,
      );
      try {
        const mine = items.filter((item) => this.#concerns(item));
        if (mine.length > 0) await this.#apply(mine, { upTo: version, now });
      } catch (error) {
        if (!isConflict(error)) throw error;
        await this.reread();
        continue;
      }
      this.#seen = Math.max(this.#seen, version);
      await this.#release();
      if (items.length < PAGE) return;
      tries = 0;
    }
    throw new StoreError('unavailable', 'The shards keep changing; it is tried again.');
  }

  #concerns({ kind, value }: ConfigItem): boolean {
    if (kind !== 'crossing') return true;
    const crossing = value as Crossing | null;
    if (!crossing) return false;
    const { part } = this.#o.to;
    return crossing.do === 'disable' ? part.first : part.holds(crossing.event.slot);
  }

  async #apply(items: readonly ConfigItem[], at: { upTo: number; now: Ms }): Promise<void> {
    const { config } = this.#o.to.store;
    const { routing: before = 0 } = this.#reached ?? {};
    const crossed = items.filter(({ kind }) => kind === 'crossing');
    const copied = items.filter(({ kind }) => kind !== 'crossing');
    const routing = copied.at(-1)?.version ?? before;
    const place: ConfigChange = {
      kind: 'shard',
      id: this.#id,
      tenant: '',
      value: { of: at.upTo, routing } satisfies Marker,
      expected: this.#version,
    };
    const events: NewEvent[] = [];
    const changes = await this.#copies(copied);
    for (const { value } of crossed) {
      const { change, told } = await this.#decide(value as Crossing);
      if (change) changes.push(change);
      events.push(...told);
    }
    const { version } = await config.put([...changes, place], at.now, events);
    this.#version = version;
    this.#reached = { of: at.upTo, routing, local: version };
    for (const { id } of crossed) this.#applied.add(id);
  }

  /** As the source has them, in place of what the target had when it was asked. */
  async #copies(items: readonly ConfigItem[]): Promise<ConfigChange[]> {
    const { config } = this.#o.to.store;
    const ids = items.filter(({ kind }) => kind === 'endpoint').map(({ id }) => id);
    const known = ids.length > 0 ? await config.readMany('endpoint', ids) : [];
    const versions = new Map(known.map(({ id, version }) => [id, version]));
    return items.map(({ kind, id, tenant, value }) => ({
      ...{ kind, id, tenant, value },
      expected: kind === 'endpoint' ? (versions.get(id) ?? 0) : undefined,
    }));
  }

  async #decide(
    crossing: Crossing,
  ): Promise<{ change: ConfigChange | undefined; told: readonly NewEvent[] }> {
    if (crossing.do === 'tell') return { change: undefined, told: [arrived(crossing.event)] };
    const { endpoint: id, at, reason, events } = crossing;
    const item = await this.#o.to.store.config.read('endpoint', id);
    const endpoint = item?.value as Endpoint | undefined;
    if (!item || !endpoint || endpoint.disabled) return { change: undefined, told: [] };
    const value: Endpoint = { ...endpoint, disabled: { at, reason }, updatedAt: at };
    const { tenant, version: expected } = item;
    const change = { kind: 'endpoint', id, tenant, value, expected } as const;
    return { change, told: events.map(arrived) };
  }

  /** What is there need not be kept here. It may be the newest of all, which stays: then later. */
  async #release(): Promise<void> {
    if (this.#applied.size === 0) return;
    const ids = [...this.#applied];
    await this.#o.from.store.config.forget('crossing', ids);
    const left = await this.#o.from.store.config.readMany('crossing', ids);
    this.#applied.clear();
    for (const { id } of left) this.#applied.add(id);
  }
}

/** Where a change has to have arrived before anybody may rely on it: everywhere, or where its tenant is. */
export function reaches(
  { kind, value }: Pick<ConfigChange, 'kind' | 'value'>,
  before: unknown,
): 'everywhere' | 'its tenant' | 'nowhere' {
  if (kind === 'endpoint') {
    const wide = [value, before].some((one) => one && (one as Endpoint).scope !== 'tenant');
    return wide ? 'everywhere' : 'its tenant';
  }
  if (kind !== 'tenant') return 'nowhere';
  const parentOf = (one: unknown) => (one as { parent?: unknown } | null | undefined)?.parent;
  const moved = before !== undefined && parentOf(value) !== parentOf(before);
  return moved ? 'everywhere' : 'its tenant';
}
