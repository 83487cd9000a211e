import type { EventId, Ms } from '../../core/model.ts';
import { CAP_AGAIN_MS, CAP_BEGIN, CAP_END, CAP_YOUNG_MS, passEveryMs } from '../retention.ts';
import type { MaintenanceReport, NewEvent, RetentionPolicy } from '../store.ts';
import type { MemoryState } from './state.ts';

export class MemoryHousekeeping {
  readonly #state: MemoryState;
  #nextAt: Ms = 0;
  #sizeNextAt: Ms = 0;

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
    const { expired, removed, erased } = this.#age(policy, now);
    const shrunk = this.#shrink(policy, now);
    const { bytesMax } = policy;
    const capped = bytesMax !== undefined && this.#state.log.bytes() >= bytesMax;
    this.#state.capped = capped ? { bytesMax, stuck: now < this.#sizeNextAt } : undefined;
    const gone = removed + shrunk;
    return { expanded: 0, cancelled, expired, removed: gone, erased, more: false };
  }

  /** From time to time: what is owed too long is given up, then what is old and owes nothing goes. */
  #age(policy: RetentionPolicy, now: Ms): { expired: number; removed: number; erased: number } {
    const log = now - policy.logMs;
    const payload = policy.payloadMs === undefined ? log : now - policy.payloadMs;
    const [oldest] = this.#events();
    const nothing = !oldest || oldest.createdAt >= Math.max(log, payload);
    if (now < this.#nextAt || nothing) return { expired: 0, removed: 0, erased: 0 };
    this.#nextAt = now + passEveryMs(policy);
    this.#state.expiredBefore = Math.max(this.#state.expiredBefore, log);
    const expired = this.#expire(log, now);
    const removed = this.#sweep(log);
    return { expired, removed, erased: this.#erase(payload, now) };
  }

  #expire(before: Ms, now: Ms): number {
    let expired = 0;
    for (const row of this.#state.owed()) {
      const event = this.#state.log.events.get(row.event)?.event;
      if (!event || event.createdAt >= before) continue;
      if (this.#state.lane(row.slot, row.lane)?.owner !== 0) continue;
      this.#state.remove(row);
      expired += 1;
      const detail = 'Held longer than events are kept.';
      this.#state.decide(row, { state: 'failed', fault: 'expired', detail, now });
    }
    return expired;
  }

  #sweep(before: Ms): number {
    const { log } = this.#state;
    const free = this.#freeBefore(before);
    const [attempts, events] = [log.attempts.length, log.events.size];
    // An event and all its attempts go together, when the last of them is old.
    for (const { row } of log.attempts) if (row.startedAt >= before) free.delete(row.event);
    log.remove(({ row }) => free.has(row.event));
    for (const id of free) log.events.delete(id);
    return attempts + events - log.attempts.length - log.events.size;
  }

  #erase(before: Ms, now: Ms): number {
    let erased = 0;
    for (const id of this.#freeBefore(before)) if (this.#state.log.erase(id, now)) erased += 1;
    return erased;
  }

  /** What has ended goes, oldest first, until the store is small enough. */
  #shrink({ bytesMax = Infinity }: RetentionPolicy, now: Ms): number {
    const { log } = this.#state;
    const young = now - CAP_YOUNG_MS;
    const [oldest] = this.#events();
    if (log.bytes() <= bytesMax * CAP_BEGIN || now < this.#sizeNextAt) return 0;
    if (!oldest || oldest.createdAt >= young) return 0;
    let removed = 0;
    for (const id of this.#freeBefore(young)) {
      if (log.bytes() <= bytesMax * CAP_END) return removed;
      removed += 1 + log.remove(({ row }) => row.event === id);
      log.events.delete(id);
    }
    if (log.bytes() > bytesMax * CAP_END) this.#sizeNextAt = now + CAP_AGAIN_MS;
    return removed;
  }

  /** Oldest first. */
  #events(): NewEvent[] {
    return [...this.#state.log.events.values()]
      .sort((a, b) => a.seq - b.seq)
      .map(({ event }) => event);
  }

  /** Events that old that owe nothing, oldest first. */
  #freeBefore(before: Ms): Set<EventId> {
    const owed = new Set(this.#state.owed().map(({ event }) => event));
    const old = this.#events().filter(({ id, createdAt }) => createdAt < before && !owed.has(id));
    return new Set(old.map(({ id }) => id));
  }
}
