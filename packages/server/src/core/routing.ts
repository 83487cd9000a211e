import { isPattern, matchesPattern } from '@posthorn/wire';
import type { Endpoint, EndpointId, LaneId, Slot, Tenant, TenantId } from './model.ts';
import { LANE_PARTS } from './model.ts';

/** CRC-32 (ISO-HDLC) of UTF-8 text. */
export function crc32(text: string): number {
  let crc = 0xffffffff;
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** Where a tenant lives. Fixed for ever: stores are split by it. */
export function slotOf(tenant: TenantId): Slot {
  return crc32(tenant) & 255;
}

/** The lane an event takes to an endpoint. Keys that hash alike share a lane, and so their order. */
export function laneOf(
  endpoint: Pick<Endpoint, 'number' | 'ordering'>,
  key: string | undefined,
): LaneId {
  const part = endpoint.ordering === 'key' && key !== undefined ? crc32(key) % LANE_PARTS : 0;
  return endpoint.number * LANE_PARTS + part;
}

export function numberOfLane(lane: LaneId): number {
  return Math.floor(lane / LANE_PARTS);
}

/** Events of more than one tenant may come to it, so it has lanes in many slots. */
export function spansTenants({ scope }: Pick<Endpoint, 'scope'>): boolean {
  return scope !== 'tenant';
}

/** `line`: a tenant, then its parents. */
export function hears(
  { scope, tenant }: Pick<Endpoint, 'scope' | 'tenant'>,
  line: readonly Pick<Tenant, 'id'>[],
): boolean {
  if (scope === 'all') return true;
  return scope === 'below' ? line.some(({ id }) => id === tenant) : line[0]?.id === tenant;
}

interface Routes {
  readonly exact: Map<string, Set<Endpoint>>;
  readonly open: Set<Endpoint>;
}

const EVERYWHERE = '';
const CACHE_MAX = 10_000;

/**
 * Who gets an event: an index from tenant and type to endpoints, kept up to date one endpoint at a
 * time, so that 50,000 endpoints cost what they match and not what they are.
 */
export class RoutingIndex {
  readonly #byPlace = new Map<string, Routes>();
  readonly #known = new Map<EndpointId, Endpoint>();
  readonly #cache = new Map<string, readonly Endpoint[]>();
  readonly #lineage: (tenant: TenantId) => readonly Pick<Tenant, 'id'>[];

  /** `lineage`: the tenant, then its parents. Call `tenantsChanged` when its answers do. */
  constructor(lineage: (tenant: TenantId) => readonly Pick<Tenant, 'id'>[] = (id) => [{ id }]) {
    this.#lineage = lineage;
  }

  tenantsChanged(): void {
    this.#cache.clear();
  }

  /** `endpoint` undefined = it is gone. */
  set(id: EndpointId, endpoint: Endpoint | undefined): void {
    const before = this.#known.get(id);
    if (before) this.#remove(before);
    this.#known.delete(id);
    if (endpoint) {
      this.#known.set(id, endpoint);
      if (endpoint.enabled) this.#add(endpoint);
    }
    this.#cache.clear();
  }

  route(tenant: TenantId, type: string, channels: readonly string[] | undefined): Endpoint[] {
    const matched = this.#byType(tenant, type);
    return matched.filter(
      (e) => e.channels.length === 0 || (channels ?? []).some((c) => e.channels.includes(c)),
    );
  }

  /**
   * Who gets an event about ourselves: only who names its family, as `endpoint.created` or
   * `endpoint.*`. Whoever listens to everything means what is posted.
   */
  routeOwn(tenant: TenantId, type: string): Endpoint[] {
    const family = type.slice(0, type.indexOf('.') + 1);
    return this.#byType(tenant, type).filter(
      ({ eventTypes, channels }) =>
        channels.length === 0 &&
        eventTypes.some((one) => one.startsWith(family) && matchesPattern(one, type)),
    );
  }

  #byType(tenant: TenantId, type: string): readonly Endpoint[] {
    const key = `${tenant}\n${type}`;
    const cached = this.#cache.get(key);
    if (cached) return cached;
    const found = new Set<Endpoint>();
    const below = this.#lineage(tenant).map(({ id }) => belowOf(id));
    for (const place of [tenant, ...below, EVERYWHERE]) {
      const routes = this.#byPlace.get(place);
      if (!routes) continue;
      for (const endpoint of routes.exact.get(type) ?? []) found.add(endpoint);
      for (const endpoint of routes.open) if (listens(endpoint, type)) found.add(endpoint);
    }
    const list = [...found];
    if (this.#cache.size >= CACHE_MAX) this.#cache.clear();
    this.#cache.set(key, list);
    return list;
  }

  #add(endpoint: Endpoint): void {
    const place = placeOf(endpoint);
    const routes = this.#byPlace.get(place) ?? { exact: new Map(), open: new Set() };
    this.#byPlace.set(place, routes);
    if (endpoint.eventTypes.length === 0) routes.open.add(endpoint);
    for (const type of endpoint.eventTypes) {
      if (isPattern(type)) {
        routes.open.add(endpoint);
      } else {
        const set = routes.exact.get(type) ?? new Set();
        routes.exact.set(type, set.add(endpoint));
      }
    }
  }

  #remove(endpoint: Endpoint): void {
    const routes = this.#byPlace.get(placeOf(endpoint));
    if (!routes) return;
    routes.open.delete(endpoint);
    for (const type of endpoint.eventTypes) {
      const set = routes.exact.get(type);
      set?.delete(endpoint);
      if (set?.size === 0) routes.exact.delete(type);
    }
  }
}

function placeOf({ scope, tenant }: Endpoint): string {
  if (scope === 'all') return EVERYWHERE;
  return scope === 'below' ? belowOf(tenant) : tenant;
}

/** No tenant's name holds a slash. */
function belowOf(tenant: TenantId): string {
  return `${tenant}/`;
}

function listens(endpoint: Endpoint, type: string): boolean {
  if (endpoint.eventTypes.length === 0) return true;
  return endpoint.eventTypes.some((pattern) => matchesPattern(pattern, type));
}
