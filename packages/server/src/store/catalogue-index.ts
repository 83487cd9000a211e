import type { EventType, TenantId } from '../core/model.ts';
import type { ConfigItem } from './store.ts';

/** What is kept in memory of an event type; schema and example are read when they are needed. */
export interface EventTypeHead {
  readonly tenant: TenantId;
  readonly name: string;
  readonly version: number;
  readonly group: string;
  readonly archived: boolean;
  readonly hasSchema: boolean;
}

/** A tenant holds no slash, so this is the id of no other. */
export function eventTypeId(tenant: TenantId, name: string): string {
  return `${tenant}/${name}`;
}

/** The event types of every tenant, by name. */
export class CatalogueIndex {
  readonly #tenants = new Map<TenantId, Map<string, EventTypeHead>>();

  apply({ tenant, id, version, value }: ConfigItem): void {
    const types = this.#tenants.get(tenant) ?? new Map<string, EventTypeHead>();
    if (value === null) {
      types.delete(id.slice(tenant.length + 1));
      if (types.size === 0) this.#tenants.delete(tenant);
      return;
    }
    const { name, group, archived, schema } = value as EventType;
    types.set(name, { tenant, name, version, group, archived, hasSchema: schema !== null });
    this.#tenants.set(tenant, types);
  }

  /** Of the tenant itself. */
  own(tenant: TenantId): ReadonlyMap<string, EventTypeHead> {
    return this.#tenants.get(tenant) ?? NONE;
  }

  /** `lineage`: the tenant, then its parents. */
  find(lineage: readonly { readonly id: TenantId }[], name: string): EventTypeHead | undefined {
    for (const { id } of lineage) {
      const found = this.#tenants.get(id)?.get(name);
      if (found) return found;
    }
    return undefined;
  }

  /** All that a tenant has, its parents' included, by name. */
  all(lineage: readonly { readonly id: TenantId }[]): EventTypeHead[] {
    const types = new Map<string, EventTypeHead>();
    for (const { id } of lineage.toReversed()) {
      for (const [name, type] of this.own(id)) types.set(name, type);
    }
    return [...types.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

const NONE: ReadonlyMap<string, EventTypeHead> = new Map();
