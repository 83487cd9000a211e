import { AppError } from '../../core/errors.ts';
import { ANCESTORS_MAX } from '../../core/inherit.ts';
import type { Ms, Tenant, TenantId } from '../../core/model.ts';
import { INHERITED } from '../../core/stored.ts';
import {
  type ConfigWriter,
  deletion,
  everyItem,
  invalid,
  isConflict,
  type Versioned,
} from '../../store/config-writer.ts';
import type { ConfigStore } from '../../store/store.ts';
import { checkInheriting } from './inheriting.ts';

export const DEFAULT_TENANT: TenantId = 'default';

const BELONGINGS_MAX = 4000;
/** What goes with it. Grants that have endpoints were revoked before. */
const BELONGINGS = [
  'key',
  'session',
  'event-type',
  'grant',
  'grant-name',
  'visit',
  'audit',
] as const;

export type TenantInput = Pick<
  Tenant,
  'alias' | 'name' | 'parent' | 'defaults' | 'portal' | 'metadata'
>;

export interface TenantsOptions {
  readonly store: ConfigStore;
  readonly now: () => Ms;
  /** It is being removed with all that it has. */
  readonly isPurged: (tenant: TenantId) => Promise<boolean>;
}

export class Tenants {
  readonly #options: TenantsOptions;
  readonly #writer: ConfigWriter;

  constructor(options: TenantsOptions, writer: ConfigWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /** The tenant `default` exists afterwards. */
  async ensureDefault(): Promise<void> {
    const { store, now } = this.#options;
    if (await store.read('tenant', DEFAULT_TENANT)) return;
    const value = newTenant({ id: DEFAULT_TENANT, ...DEFAULT_TENANT_INPUT }, now());
    const change = { kind: 'tenant', id: value.id, tenant: value.id, value, expected: 0 } as const;
    try {
      await this.#writer.put([change]);
    } catch (error) {
      // Another node made it at the same time: that is what was wanted.
      if (!isConflict(error)) throw error;
    }
  }

  /** Creates or replaces. Rejects `invalid_request` for a parent that is missing or a descendant. */
  async put(id: TenantId, input: TenantInput, version?: number): Promise<Versioned<Tenant>> {
    if (await this.#options.isPurged(id)) {
      const message =
        'The tenant is being purged: wait until its purge is done, then create it anew.';
      throw new AppError('conflict', message);
    }
    await this.#checkParent(id, input.parent);
    if (input.defaults.dialect === 'custom') {
      throw invalid('defaults.dialect', 'custom has no format to inherit: set it on the endpoints');
    }
    const { now, store } = this.#options;
    return this.#writer.write<Tenant>({
      kind: 'tenant',
      id,
      version,
      next: async (current) => {
        const value = newTenant({ id, ...input }, now(), current);
        await checkInheriting(store, current, value);
        return { tenant: id, value };
      },
    });
  }

  async #checkParent(id: TenantId, parent: TenantId | null): Promise<void> {
    let at = parent;
    for (let depth = 0; at !== null; depth++) {
      if (at === id) throw invalid('parent', 'a tenant cannot be its own ancestor');
      if (depth === ANCESTORS_MAX) throw invalid('parent', `more than ${ANCESTORS_MAX} ancestors`);
      const item = await this.#options.store.read('tenant', at);
      if (!item?.value) throw invalid('parent', `there is no tenant ${at}`);
      at = (item.value as Tenant).parent;
    }
  }

  /** What belongs to it goes with it. Rejects `conflict` while it has endpoints or children. */
  async delete(id: TenantId): Promise<void> {
    const { store } = this.#options;
    const item = await this.#writer.read<Tenant>('tenant', id);
    if (id === DEFAULT_TENANT) throw new AppError('conflict', 'The tenant default always exists.');
    const endpoints = await store.list('endpoint', { tenant: id, limit: 1, after: undefined });
    if (endpoints.items.length > 0) {
      throw new AppError('conflict', 'The tenant still has endpoints: delete them first.');
    }
    const inboxes = await store.list('inbox', { tenant: id, limit: 1, after: undefined });
    if (inboxes.items.length > 0) {
      throw new AppError('conflict', 'The tenant still has inboxes: delete them first.');
    }
    const apps = await store.list('app', { tenant: id, limit: 1, after: undefined });
    if (apps.items.length > 0) {
      throw new AppError('conflict', 'The tenant still has apps: delete them first.');
    }
    if (await this.#hasChildren(id)) {
      throw new AppError('conflict', 'The tenant still has children: delete or move them first.');
    }
    const changes = [deletion(item, item.version)];
    for (const kind of BELONGINGS) {
      for await (const one of everyItem(store, kind, id)) {
        changes.push(deletion(one, undefined));
        if (changes.length > BELONGINGS_MAX) {
          const message = `The tenant has more than ${BELONGINGS_MAX} keys, sessions, event types and grants: delete some first.`;
          throw new AppError('conflict', message);
        }
      }
    }
    await this.#writer.putOnce(changes);
  }

  async #hasChildren(id: TenantId): Promise<boolean> {
    for await (const item of everyItem(this.#options.store, 'tenant', undefined)) {
      if ((item.value as Tenant).parent === id) return true;
    }
    return false;
  }
}

const DEFAULT_TENANT_INPUT: TenantInput = {
  alias: null,
  name: 'Default',
  parent: null,
  defaults: INHERITED,
  portal: null,
  metadata: {},
};

type TenantFields = Omit<Tenant, 'createdAt' | 'updatedAt'>;

function newTenant(fields: TenantFields, now: Ms, before?: Tenant): Tenant {
  return { ...fields, createdAt: before?.createdAt ?? now, updatedAt: now };
}
