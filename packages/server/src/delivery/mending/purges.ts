import type { Clock } from '../../core/clock.ts';
import type { At } from '../../core/crash-sites.ts';
import { AppError } from '../../core/errors.ts';
import type { IdFactory } from '../../core/ids.ts';
import type { JobId, Tenant, TenantId } from '../../core/model.ts';
import { everyItem, notFound } from '../../store/config-writer.ts';
import type { Job, JobStore } from '../../store/jobs.ts';
import type { ConfigKind, ConfigStore, Page } from '../../store/store.ts';
import { DEFAULT_TENANT } from '../registry/tenants.ts';
import type { Count } from './jobs.ts';

export interface PurgesOptions {
  readonly store: Pick<ConfigStore, 'read' | 'list'>;
  readonly jobs: JobStore;
  readonly ids: Pick<IdFactory, 'job'>;
  readonly clock: Clock;
  readonly at: At;
  /** There is one to carry out. */
  readonly begun: () => void;
}

export interface PurgeCount {
  readonly tenant: TenantId;
  readonly events: Count;
  readonly endpoints: number;
  readonly keys: number;
  readonly eventTypes: number;
  readonly inboxes: number;
}

const COUNT_MAX = 1_000_000;
/** In one go: who has more tenants below one another purges them a branch at a time. */
const TENANTS_MAX = 100;
const KINDS = ['purge'] as const;

/** Purges: asked for, counted and looked at. `PurgeRunner` carries them out. */
export class Purges {
  readonly #options: PurgesOptions;

  constructor(options: PurgesOptions) {
    this.#options = options;
  }

  /** What would go. Rejects as `begin` does. */
  async count(tenant: TenantId, descendants: boolean): Promise<PurgeCount[]> {
    const tenants = await this.#tenantsOf(tenant, descendants);
    return Promise.all(tenants.map((one) => this.#countOf(one)));
  }

  /**
   * One of each tenant, children first; one that is under way already goes on. Rejects `not_found` where
   * there is nothing to remove, `conflict` for the tenant `default` and for children not asked for.
   */
  async begin(tenant: TenantId, descendants: boolean): Promise<Job[]> {
    const tenants = await this.#tenantsOf(tenant, descendants);
    const begun: Job[] = [];
    for (const one of tenants) begun.push(await this.#begin(one));
    this.#options.at('job:created');
    this.#options.begun();
    return begun;
  }

  list(page: { limit: number; cursor?: string | undefined }): Promise<Page<Job>> {
    return this.#options.jobs.list({ tenant: undefined, kinds: KINDS, ...page });
  }

  async read(id: JobId): Promise<Job> {
    const job = await this.#options.jobs.read(id);
    if (job?.spec.kind === 'purge') return job;
    throw new AppError('not_found', 'There is no such purge.');
  }

  async #begin(tenant: TenantId): Promise<Job> {
    const { jobs, ids, clock } = this.#options;
    const running = await purgeUnderWay(jobs, tenant);
    if (running) return running;
    const total = await this.#eventsOf(tenant);
    const now = clock.now();
    const job: Job = {
      id: ids.job(now),
      tenant,
      spec: { kind: 'purge' },
      state: 'running',
      places: {},
      done: 0,
      owed: 0,
      total,
      createdAt: now,
      updatedAt: now,
      endedAt: undefined,
    };
    await jobs.create(job);
    return job;
  }

  async #countOf(tenant: TenantId): Promise<PurgeCount> {
    const [events, endpoints, keys, eventTypes, inboxes] = await Promise.all([
      this.#eventsOf(tenant),
      this.#itemsOf('endpoint', tenant),
      this.#itemsOf('key', tenant),
      this.#itemsOf('event-type', tenant),
      this.#itemsOf('inbox', tenant),
    ]);
    return { tenant, events, endpoints, keys, eventTypes, inboxes };
  }

  async #eventsOf(tenant: TenantId): Promise<Count> {
    const count = await this.#options.jobs.eventsOf(tenant, COUNT_MAX);
    return { count, atLeast: count === COUNT_MAX };
  }

  async #itemsOf(kind: ConfigKind, tenant: TenantId): Promise<number> {
    let count = 0;
    for await (const _ of everyItem(this.#options.store, kind, tenant)) count += 1;
    return count;
  }

  /** Children before their parents. */
  async #tenantsOf(tenant: TenantId, descendants: boolean): Promise<TenantId[]> {
    await this.#mustHaveSomething(tenant);
    const children = await this.#children();
    const found = [tenant];
    for (const one of found) {
      found.push(...(children.get(one) ?? []));
      if (found.length <= TENANTS_MAX) continue;
      const message = `The tenant has ${TENANTS_MAX} or more others below it: purge some of these first.`;
      throw new AppError('conflict', message);
    }
    if (found.length > 1 && !descendants) {
      const message =
        'The tenant has children: move or purge them first, or set descendants to purge all of them.';
      throw new AppError('conflict', message);
    }
    await this.#refuseApps(found);
    if (!found.includes(DEFAULT_TENANT)) return found.reverse();
    const message =
      'The tenant default always exists: erase payloads of it, or delete what it has one by one.';
    throw new AppError('conflict', message);
  }

  /** What other tenants granted them goes with them, and that is no matter of this tenant alone. */
  async #refuseApps(tenants: readonly TenantId[]): Promise<void> {
    for (const tenant of tenants) {
      const apps = await this.#options.store.list('app', { tenant, limit: 1, after: undefined });
      if (apps.items.length === 0) continue;
      throw new AppError('conflict', `The tenant ${tenant} has apps: delete them first.`);
    }
  }

  async #mustHaveSomething(tenant: TenantId): Promise<void> {
    const { store, jobs } = this.#options;
    if ((await store.read('tenant', tenant))?.value) return;
    if ((await jobs.eventsOf(tenant, 1)) > 0) return;
    if (await purgeUnderWay(jobs, tenant)) return;
    throw notFound('tenant');
  }

  async #children(): Promise<Map<TenantId, TenantId[]>> {
    const children = new Map<TenantId, TenantId[]>();
    for await (const { value } of everyItem(this.#options.store, 'tenant', undefined)) {
      const { id, parent } = value as Tenant;
      if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), id]);
    }
    return children;
  }
}

export async function purgeUnderWay(
  jobs: Pick<JobStore, 'list'>,
  tenant: TenantId,
): Promise<Job | undefined> {
  const { items } = await jobs.list({ tenant, kinds: KINDS, limit: 1 });
  return items[0]?.state === 'running' ? items[0] : undefined;
}
