import { inherited, lineOf } from '../core/inherit.ts';
import type {
  ApiKey,
  Endpoint,
  EndpointId,
  Session,
  Tenant,
  TenantDefaults,
  TenantId,
} from '../core/model.ts';
import { RoutingIndex } from '../core/routing.ts';
import { CatalogueIndex } from './catalogue-index.ts';
import { GrantIndex } from './grant-index.ts';
import type { ConfigItem, ConfigKind, ConfigStore } from './store.ts';

const PAGE = 1000;

/**
 * All configuration in memory, kept current by the store's change feed. Reads never wait; `refresh`
 * brings it to what the store holds now.
 */
export class ConfigView {
  readonly routing = new RoutingIndex((id) => this.lineage(id));
  readonly catalogue = new CatalogueIndex();
  readonly grants = new GrantIndex();
  readonly #store: ConfigStore;
  readonly #kinds: readonly ConfigKind[] | undefined;
  readonly #endpoints = new Map<EndpointId, Endpoint>();
  readonly #tenants = new Map<TenantId, Tenant>();
  readonly #keys = new Map<string, ApiKey>();
  readonly #keyHashes = new Map<string, string>();
  readonly #sessions = new SessionIndex();
  readonly #listeners = new Set<(items: readonly ConfigItem[]) => void>();
  #version = 0;
  #refreshing: Promise<void> | undefined;

  /** `kinds`: what is looked at, if not everything. */
  constructor(store: ConfigStore, kinds?: readonly ConfigKind[]) {
    this.#store = store;
    this.#kinds = kinds;
  }

  get version(): number {
    return this.#version;
  }
  endpoint(id: string): Endpoint | undefined {
    return this.#endpoints.get(id as EndpointId);
  }
  endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }
  tenant(id: string): Tenant | undefined {
    return this.#tenants.get(id);
  }
  tenants(): Iterable<Tenant> {
    return this.#tenants.values();
  }
  /** The tenant, then its parents. */
  lineage(id: TenantId): readonly Tenant[] {
    return lineOf(id, (tenant) => this.#tenants.get(tenant));
  }
  /** What a tenant or the nearest of its parents says; null = none of them says anything. */
  inherited<K extends keyof TenantDefaults>(id: TenantId, name: K): TenantDefaults[K] {
    return inherited<K>(null as TenantDefaults[K], name, this.lineage(id));
  }
  keyByHash(hash: string): ApiKey | undefined {
    return this.#keys.get(hash);
  }
  keyById(id: string): ApiKey | undefined {
    const hash = this.#keyHashes.get(id);
    return hash === undefined ? undefined : this.#keys.get(hash);
  }
  /** An opened session whose key, if one made it, is still there. The caller looks at its end. */
  sessionByHash(hash: string): Session | undefined {
    const session = this.#sessions.get(hash);
    if (!session?.opened) return undefined;
    return session.madeBy === null || this.#keyHashes.has(session.madeBy) ? session : undefined;
  }

  /** Called with what changed, after it is visible here. */
  onChange(listener: (items: readonly ConfigItem[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** One at a time; whoever asks during one gets a fresh one after it, never an older answer. */
  async refresh(): Promise<void> {
    const running = this.#refreshing;
    if (running) {
      await running.catch(() => {});
      if (this.#refreshing) return this.#refreshing;
    }
    this.#refreshing = this.#readAll().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #readAll(): Promise<void> {
    for (;;) {
      const { version, items } = await this.#store.changes(this.#version, PAGE, this.#kinds);
      for (const item of items) this.#apply(item);
      this.#version = version;
      if (items.length > 0) for (const listener of this.#listeners) listener(items);
      if (items.length < PAGE) return;
    }
  }

  #apply(item: ConfigItem): void {
    if (item.kind === 'endpoint') {
      const endpoint = (item.value ?? undefined) as Endpoint | undefined;
      const id = item.id as EndpointId;
      if (endpoint) this.#endpoints.set(id, endpoint);
      else this.#endpoints.delete(id);
      this.routing.set(id, endpoint);
    } else if (item.kind === 'tenant') {
      if (item.value) this.#tenants.set(item.id, item.value as Tenant);
      else this.#tenants.delete(item.id);
      this.routing.tenantsChanged();
    } else if (item.kind === 'session') {
      this.#sessions.set(item.id, (item.value ?? undefined) as Session | undefined);
    } else if (item.kind === 'event-type') {
      this.catalogue.apply(item);
    } else if (item.kind === 'app' || item.kind === 'grant') {
      this.grants.apply(item);
    } else if (item.kind === 'key') {
      const before = this.#keyHashes.get(item.id);
      if (before !== undefined) this.#keys.delete(before);
      this.#keyHashes.delete(item.id);
      if (!item.value) return;
      const key = item.value as ApiKey;
      this.#keys.set(key.hash, key);
      this.#keyHashes.set(item.id, key.hash);
    }
  }
}

/** Sessions by hash. The store forgets the ended ones without a word, so they are dropped here too. */
class SessionIndex {
  readonly #byId = new Map<string, Session>();
  readonly #byHash = new Map<string, Session>();

  get(hash: string): Session | undefined {
    return this.#byHash.get(hash);
  }

  set(id: string, session: Session | undefined): void {
    const before = this.#byId.get(id);
    if (before) this.#drop(before);
    if (!session) return;
    // A new one tells the time: what ended before it is never asked for again.
    for (const other of this.#byId.values()) {
      if (other.expiresAt < session.createdAt) this.#drop(other);
    }
    this.#byId.set(id, session);
    this.#byHash.set(session.hash, session);
  }

  #drop(session: Session): void {
    this.#byId.delete(session.id);
    this.#byHash.delete(session.hash);
  }
}
