import type { Ms, TenantId } from '../core/model.ts';
import type { AuditEntry, AuditId } from '../core/oauth.ts';
import type { ConfigChange, ConfigStore } from '../store/store.ts';

/** Of one tenant; the oldest go when there would be more. */
const ENTRIES_MAX = 1000;
const SWEEP = 200;

export interface AuditOptions {
  readonly store: ConfigStore;
  readonly ids: { audit(now: Ms): AuditId };
  readonly now: () => Ms;
}

/** Who did what to apps and grants. */
export class Audit {
  readonly #options: AuditOptions;

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  /** A row for the transaction of what it tells. */
  entry(of: Omit<AuditEntry, 'id' | 'at'>): ConfigChange {
    const at = this.#options.now();
    const value: AuditEntry = { ...of, id: this.#options.ids.audit(at), at };
    return { kind: 'audit', id: value.id, tenant: value.tenant, value, expected: 0 };
  }

  /** Newest first. */
  async list(
    tenant: TenantId,
    page: { readonly limit: number; readonly after: string | undefined },
  ): Promise<{ items: AuditEntry[]; next: string | undefined }> {
    const found = await this.#options.store.list('audit', { ...page, tenant });
    return { items: found.items.map(({ value }) => value as AuditEntry), next: found.next };
  }

  /** Forgets what lies beyond the bound. */
  async sweep(tenant: TenantId): Promise<void> {
    const { store } = this.#options;
    const kept = await store.list('audit', { tenant, limit: ENTRIES_MAX, after: undefined });
    if (kept.next === undefined) return;
    const surplus = await store.list('audit', { tenant, limit: SWEEP, after: kept.next });
    const ids = surplus.items.map(({ id }) => id);
    if (ids.length > 0) await store.forget('audit', ids);
  }
}
