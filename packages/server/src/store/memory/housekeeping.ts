import type { EventId, Ms } from '../../core/model.ts';
import type { MaintenanceReport, RetentionPolicy } from '../store.ts';
import type { MemoryState } from './state.ts';

const EXPIRY_EVERY_MS = 3_600_000;

export class MemoryHousekeeping {
  readonly #state: MemoryState;
  #expireAt: Ms = 0;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  /** All that is due at once: what the other engines come to after as many steps as they take. */
  maintain(policy: RetentionPolicy, now: Ms): MaintenanceReport {
    let cancelled = 0;
    for (const entry of this.#state.book.all()) {
      if (!entry.closed || entry.owner !== 0) continue;
      for (const row of [...this.#state.rows(entry)]) {
        this.#state.remove(row);
        cancelled += 1;
        this.#state.decide(row, { state: 'cancelled', detail: 'The webhook was deleted.', now });
      }
    }
    for (const { id, endedAt } of this.#state.jobs.values()) {
      if (endedAt !== undefined && endedAt < now - policy.logMs) this.#state.jobs.delete(id);
    }
    const { expired, removed } = this.#removeOld(now - policy.logMs, now);
    return { expanded: 0, cancelled, expired, removed, more: false };
  }

  /** From time to time: what is owed too long is given up, then what is old and owes nothing goes. */
  #removeOld(cutoff: Ms, now: Ms): { expired: number; removed: number } {
    const kept = [...this.#state.log.events.values()].map(({ event }) => event);
    const nothing = !kept[0] || kept[0].createdAt >= cutoff;
    if (now < this.#expireAt || nothing) return { expired: 0, removed: 0 };
    this.#expireAt = now + EXPIRY_EVERY_MS;
    const { expired, left } = this.#expire(cutoff, now);
    const old = kept.filter((event) => event.createdAt < cutoff).map(({ id }) => id);
    this.#state.expiredBefore = left.sort()[0] ?? `${old.sort().at(-1)}+`;
    return { expired, removed: this.#sweep(cutoff) };
  }

  /** `left`: events of what could not be given up, because a node holds its lane. */
  #expire(cutoff: Ms, now: Ms): { expired: number; left: EventId[] } {
    let expired = 0;
    const left: EventId[] = [];
    for (const row of this.#state.owed()) {
      const event = this.#state.log.events.get(row.event)?.event;
      if (!event || event.createdAt >= cutoff) continue;
      if (this.#state.lane(row.slot, row.lane)?.owner !== 0) {
        left.push(row.event);
        continue;
      }
      this.#state.remove(row);
      expired += 1;
      const detail = 'Held longer than events are kept.';
      this.#state.decide(row, { state: 'failed', fault: 'expired', detail, now });
    }
    return { expired, left };
  }

  #sweep(cutoff: Ms): number {
    const before = this.#state.log.attempts.length + this.#state.log.events.size;
    const { log, expiredBefore } = this.#state;
    const young = log.attempts.filter(({ row }) => row.startedAt >= cutoff);
    const kept = new Set(young.map(({ row }) => row.event));
    const goes = (id: EventId) => id < expiredBefore && !kept.has(id);
    const gone = log.attempts.filter(({ row }) => goes(row.event));
    log.removedTo = Math.max(log.removedTo, ...gone.map(({ seq }) => seq));
    log.attempts = log.attempts.filter((one) => !gone.includes(one));
    for (const id of log.events.keys()) if (goes(id)) log.events.delete(id);
    return before - log.attempts.length - log.events.size;
  }
}
