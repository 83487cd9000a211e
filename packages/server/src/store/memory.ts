import { decodeId, timeOfId } from '../core/ids.ts';
import type { Endpoint, EventId, Ms, TenantId } from '../core/model.ts';
import { slotOf } from '../core/routing.ts';
import { type Part, WHOLE } from './crossing.ts';
import type { LaneEntry } from './lane-book.ts';
import { MemoryConfig } from './memory/config.ts';
import { MemoryHousekeeping } from './memory/housekeeping.ts';
import { MemoryJobs } from './memory/jobs.ts';
import { MemoryLanes } from './memory/lanes.ts';
import { MemoryState } from './memory/state.ts';
import {
  type LogStore,
  STORE_LIMITS,
  type Store,
  type StoreLimits,
  type StoreStats,
} from './store.ts';

/**
 * The store as plain maps: what the other engines must be equal to. It keeps nothing and limits
 * little; tests and the simulation of the scheduler run on it. One file for each port.
 */
export function createMemoryStore(limits: Partial<StoreLimits> = {}, part: Part = WHOLE): Store {
  const state = new MemoryState({ ...STORE_LIMITS, ...limits }, part);
  const config = new MemoryConfig(state);
  const lanes = new MemoryLanes(state, config);
  return {
    lanes,
    config,
    log: logOf(state, lanes),
    stats: state.stats.store(),
    jobs: new MemoryJobs(state, lanes),
    close: async () => {},
  };
}

function logOf(state: MemoryState, lanes: MemoryLanes): LogStore {
  const { log } = state;
  const housekeeping = new MemoryHousekeeping(state);
  return {
    events: async (query) => log.listEvents(query),
    event: async (tenant, id) => log.event(tenant, id),
    deliveries: async (query) => log.listDeliveries(query),
    attempts: async (query) => log.listAttempts(query),
    attempt: async (tenant, id) => log.attempt(tenant, id),
    tail: async (tenant, after, limit) => log.tail(tenant, after, limit),
    stats: async (now) => statsOf(state, now),
    pending: async (tenant) => openIn(lanesOfTenant(state, tenant)),
    pendingOf: async (endpoints) => endpoints.map(({ id }) => openIn(state.book.ofEndpoint(id))),
    erase: async (what, now) => lanes.erase(what, now),
    maintain: async (policy, now) => housekeeping.maintain(policy, now),
  };
}

function lanesOfTenant({ book, items }: MemoryState, tenant: TenantId): LaneEntry[] {
  return [...book.all()].filter(({ endpoint, slot }) => {
    const value = items.get(`endpoint/${endpoint}`)?.value as Endpoint | null | undefined;
    return slot === slotOf(tenant) && value?.tenant === tenant;
  });
}

function openIn(lanes: readonly LaneEntry[]): number {
  return lanes.reduce((sum, { open }) => sum + open, 0);
}

function statsOf({ book, log }: MemoryState, now: Ms): StoreStats {
  const lanes = [...book.all()];
  const free = lanes.filter(({ owner, held, closed }) => owner === 0 && !held && !closed);
  const awake = free.filter(({ nextAt }) => nextAt <= now);
  return {
    pending: lanes.reduce((sum, { open }) => sum + open, 0),
    lanesAwake: awake.length,
    lanesHeld: lanes.filter(({ owner }) => owner !== 0).length,
    oldestDueAt: awake.length > 0 ? Math.min(...awake.map(({ nextAt }) => nextAt)) : undefined,
    events: log.events.size,
    attempts: log.attempts.length,
    newestAt: Math.max(0, ...[...log.events.keys()].map(timeOf)),
  };
}

function timeOf(id: EventId): Ms {
  return timeOfId(decodeId(id) ?? new Uint8Array());
}
