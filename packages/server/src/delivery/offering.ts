import type { EventId } from '../core/model.ts';
import { sameLanes } from '../store/same-lanes.ts';
import type {
  ConfigStore,
  IngestReply,
  IngestRequest,
  LaneKey,
  LaneStore,
  LogStore,
  NewEvent,
} from '../store/store.ts';

/** Who sends what this process stored. */
export interface Receiver {
  /** About to be stored: whoever reads them back meanwhile need not read the events themselves. */
  coming?(events: readonly NewEvent[]): void;
  /** Stored just now, and due in each of their lanes. */
  offer(events: readonly NewEvent[]): void;
  /**
   * Stored in these lanes, but in some of them ordered after others, skipped, or still to be expanded:
   * what is due where is read from the store.
   */
  stored(lanes: readonly LaneKey[]): void;
  /** Somebody asked something of these lanes: runs were added, or commands given. */
  asked(lanes: readonly LaneKey[]): void;
}

/** The same lanes; what is ingested through them is handed to delivery once it is durable. */
export function offering(lanes: LaneStore, to: Receiver): LaneStore {
  return {
    ...sameLanes(lanes),
    async command(commands, now) {
      const done = await lanes.command(commands, now);
      to.asked(commands);
      return done;
    },
    async requeue(what, now) {
      const done = await lanes.requeue(what, now);
      to.asked(what);
      return done;
    },
    async ingest(batch, configVersion, now) {
      for (const { events } of batch) to.coming?.(events);
      const replies = await lanes.ingest(batch, configVersion, now);
      handOver(batch, replies, to);
      return replies;
    },
  };
}

/** The same configuration; `told` is called with the events that a change brought along. */
export function telling(
  config: ConfigStore,
  told: (events: readonly NewEvent[]) => void,
): ConfigStore {
  return {
    changes: (since, limit, kinds) => config.changes(since, limit, kinds),
    read: (kind, id) => config.read(kind, id),
    readMany: (kind, ids) => config.readMany(kind, ids),
    list: (kind, query) => config.list(kind, query),
    forget: (kind, ids) => config.forget(kind, ids),
    async put(changes, now, events = []) {
      const written = await config.put(changes, now, events);
      if (events.length > 0) told(events);
      return written;
    },
  };
}

/** The same log; `erased` is called with events whose payload must not be sent any more. */
export function erasing(log: LogStore, erased: (event: EventId) => void): LogStore {
  return {
    events: (query) => log.events(query),
    event: (tenant, id) => log.event(tenant, id),
    deliveries: (query) => log.deliveries(query),
    attempts: (query) => log.attempts(query),
    attempt: (tenant, id) => log.attempt(tenant, id),
    tail: (tenant, after, limit) => log.tail(tenant, after, limit),
    stats: (now) => log.stats(now),
    pending: (tenant) => log.pending(tenant),
    pendingOf: (endpoints) => log.pendingOf(endpoints),
    maintain: (policy, now) => log.maintain(policy, now),
    async erase(what, now) {
      const done = await log.erase(what, now);
      erased(what.event);
      return done;
    },
  };
}

/** Where these events are owed. */
export function lanesOf(events: readonly NewEvent[]): LaneKey[] {
  return events.flatMap(({ slot, lanes }) => lanes.map((lane) => ({ slot, lane })));
}

function handOver(
  batch: readonly IngestRequest[],
  replies: readonly IngestReply[],
  to: Receiver,
): void {
  const regular: NewEvent[] = [];
  const irregular: NewEvent[] = [];
  for (const [i, reply] of replies.entries()) {
    if (reply.kind !== 'accepted') continue;
    for (const [j, stored] of reply.events.entries()) {
      const event = batch[i]?.events[j];
      if (stored.duplicate || !event || event.lanes.length === 0) continue;
      (stored.irregular ? irregular : regular).push(event);
    }
  }
  if (regular.length > 0) to.offer(regular);
  if (irregular.length > 0) to.stored(lanesOf(irregular));
}
