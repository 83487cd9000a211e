import { decodeId, encodeId } from '../../core/ids.ts';
import type { AttemptId, Endpoint, EventId, Ms, TenantId } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import type {
  AttemptRow,
  DeliveryRow,
  Erased,
  Erasure,
  EventRow,
  LogQuery,
  LogStore,
  MaintenanceReport,
  Page,
  RetentionPolicy,
  StoreStats,
  Tail,
  WholeAttempt,
} from '../store.ts';
import type { Shards } from './shards.ts';

/** Between looks for what a process that died should have carried to other shards. */
const CARRY_MS = 5000;

/** What happened to a tenant's events is all in one shard; sums and housekeeping are of all that answer. */
export class ShardedLog implements LogStore {
  readonly #shards: Shards;
  #carryAt: Ms = 0;

  constructor(shards: Shards) {
    this.#shards = shards;
  }

  events(query: LogQuery): Promise<Page<EventRow>> {
    return this.#of(query.tenant).events(query);
  }

  event(tenant: TenantId, id: EventId): Promise<(EventRow & { data: Uint8Array }) | undefined> {
    return this.#of(tenant).event(tenant, id);
  }

  deliveries(query: LogQuery): Promise<Page<DeliveryRow>> {
    return this.#of(query.tenant).deliveries(query);
  }

  async attempts(query: LogQuery): Promise<Page<AttemptRow>> {
    const page = await this.#of(query.tenant).attempts(query);
    return { ...page, items: page.items.map(marked) };
  }

  async attempt(tenant: TenantId, id: AttemptId): Promise<WholeAttempt | undefined> {
    const own = unmarked(tenant, id);
    const found = own && (await this.#of(tenant).attempt(tenant, own));
    return found && { ...found, row: marked(found.row) };
  }

  async tail(tenant: TenantId, after: string | undefined, limit: number): Promise<Tail> {
    const tail = await this.#of(tenant).tail(tenant, after, limit);
    return { ...tail, items: tail.items.map((one) => ({ ...one, row: marked(one.row) })) };
  }

  pending(tenant: TenantId): Promise<number> {
    return this.#of(tenant).pending(tenant);
  }

  /** Those of many tenants have lanes in every shard, the others only where their tenant is. */
  async pendingOf(
    endpoints: readonly Pick<Endpoint, 'id' | 'tenant' | 'scope'>[],
  ): Promise<number[]> {
    const counts = new Map(endpoints.map(({ id }) => [id, 0]));
    await Promise.all(
      this.#shards.stores.map(async ({ log }, shard) => {
        const here = endpoints.filter((one) => this.#shards.ofEndpoint(one).includes(shard));
        const found = here.length > 0 ? await log.pendingOf(here) : [];
        for (const [i, { id }] of here.entries()) {
          counts.set(id, (counts.get(id) ?? 0) + (found[i] ?? 0));
        }
      }),
    );
    return endpoints.map(({ id }) => counts.get(id) ?? 0);
  }

  erase(what: Erasure, now: Ms): Promise<Erased | undefined> {
    return this.#of(what.tenant).erase(what, now);
  }

  async stats(now: Ms): Promise<StoreStats> {
    return sumOf(await this.#shards.each(({ log }) => log.stats(now)));
  }

  async maintain(policy: RetentionPolicy, now: Ms): Promise<MaintenanceReport> {
    if (Math.abs(now - this.#carryAt) >= CARRY_MS) {
      this.#carryAt = now;
      await this.#shards.carryAll(now);
    }
    const done = await this.#shards.each(({ log }) => log.maintain(policy, now));
    const sum = (name: Exclude<keyof MaintenanceReport, 'more'>) =>
      done.reduce((total, one) => total + one[name], 0);
    return {
      expanded: sum('expanded'),
      cancelled: sum('cancelled'),
      expired: sum('expired'),
      removed: sum('removed'),
      erased: sum('erased'),
      more: done.some(({ more }) => more),
    };
  }

  #of(tenant: TenantId): LogStore {
    return this.#shards.ofTenant(tenant).log;
  }
}

/** Each shard numbers its attempts from 1, so the slot tells them apart, in a byte that they leave empty. */
const MARK_AT = 7;

function marked(row: AttemptRow): AttemptRow {
  const bytes = decodeId(row.id) as Uint8Array;
  bytes[MARK_AT] = slotOf(row.tenant);
  return { ...row, id: `att_${encodeId(bytes)}` };
}

/** undefined = it is of another slot. Without a mark it is from before the store was divided. */
function unmarked(tenant: TenantId, id: AttemptId): AttemptId | undefined {
  const bytes = decodeId(id);
  if (!bytes || ![0, slotOf(tenant)].includes(bytes[MARK_AT] as number)) return undefined;
  bytes[MARK_AT] = 0;
  return `att_${encodeId(bytes)}`;
}

export function sumOf(stats: readonly StoreStats[]): StoreStats {
  const sum = (name: 'pending' | 'lanesAwake' | 'lanesHeld' | 'events' | 'attempts') =>
    stats.reduce((total, one) => total + one[name], 0);
  const dues = stats.flatMap(({ oldestDueAt }) => oldestDueAt ?? []);
  const rooms = stats.flatMap(({ roomUntil }) => roomUntil ?? []);
  return {
    pending: sum('pending'),
    lanesAwake: sum('lanesAwake'),
    lanesHeld: sum('lanesHeld'),
    oldestDueAt: dues.length > 0 ? Math.min(...dues) : undefined,
    events: sum('events'),
    attempts: sum('attempts'),
    newestAt: Math.max(...stats.map(({ newestAt }) => newestAt)),
    ...(rooms.length > 0 ? { roomUntil: Math.min(...rooms) } : {}),
  };
}
