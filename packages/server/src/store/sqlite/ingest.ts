import type { EventId, Ms } from '../../core/model.ts';
import { type LaneEntry, laneNumber } from '../lane-book.ts';
import type { IngestedEvent, IngestReply, IngestRequest, NewEvent } from '../store.ts';
import { logDecision } from './attempts.ts';
import type { Job } from './committer.ts';
import type { Engine } from './engine.ts';
import { eventId, eventSeq, knownKey } from './keys.ts';
import { sumOfEvent } from './sums.ts';

interface Wake {
  readonly slot: number;
  readonly lane: number;
  dueAt: Ms;
  rows: number;
}

export function ingestJob(
  engine: Engine,
  batch: readonly IngestRequest[],
  at: { configVersion: number; now: Ms },
): Job<IngestReply[]> {
  const insertion = new Insertion(engine, at.now);
  return {
    durable: true,
    execute() {
      insertion.begin();
      if (at.configVersion < engine.routingVersion) {
        return batch.map(() => ({ kind: 'stale', version: engine.routingVersion }));
      }
      const replies: IngestReply[] = [];
      for (const request of batch) {
        const found = findDuplicates(engine, request);
        if ('conflict' in found) {
          replies.push({ kind: 'conflict', index: found.conflict, existing: found.existing });
          continue;
        }
        const events: IngestedEvent[] = [];
        for (const [i, event] of request.events.entries()) {
          const first = found.duplicates[i];
          if (first !== undefined) {
            events.push(duplicateOf(engine, first));
            continue;
          }
          const irregular = insertion.insert(event);
          const deliveries = event.lanes.length;
          events.push({ id: event.id, duplicate: false, deliveries, irregular });
        }
        replies.push({ kind: 'accepted', events });
      }
      return replies;
    },
    applied: () => insertion.applied(),
    flushed: () => insertion.flushed(),
  };
}

/**
 * The events that one durable job inserts. The lanes' book learns what they owe when that is on the
 * disk, so nothing of them is sent before.
 */
export class Insertion {
  readonly now: Ms;
  readonly wakes = new Map<number, Wake>();
  /** Rows that the same job took away; the book does not know of it yet. */
  readonly ended: ReadonlyMap<LaneEntry, number>;
  readonly #engine: Engine;
  #expansions = 0;
  #stored = 0;
  #earliest = Number.MAX_SAFE_INTEGER;

  constructor(engine: Engine, now: Ms, ended: ReadonlyMap<LaneEntry, number> = NONE_ENDED) {
    this.#engine = engine;
    this.now = now;
    this.ended = ended;
  }

  /** A job is executed again after another one of its transaction failed. */
  begin(): void {
    this.wakes.clear();
    this.#expansions = 0;
    this.#stored = 0;
    this.#earliest = Number.MAX_SAFE_INTEGER;
  }

  /** true = its deliveries are not simply due now in each of its lanes. */
  insert(event: NewEvent): boolean {
    const { seq, irregular, expanding } = insertEvent(this.#engine, event, this);
    this.#earliest = Math.min(this.#earliest, seq);
    if (expanding) this.#expansions += 1;
    this.#stored += 1;
    return irregular;
  }

  applied(): void {
    const engine = this.#engine;
    engine.expansions += this.#expansions;
    engine.events += this.#stored;
    engine.unflushed.push(this.#earliest);
    for (const { slot, lane, rows } of this.wakes.values()) {
      const entry = engine.lane(slot, lane);
      if (entry) entry.open += rows;
    }
  }

  flushed(): void {
    const engine = this.#engine;
    engine.unflushed.shift();
    for (const { slot, lane, dueAt } of this.wakes.values()) {
      const entry = engine.lane(slot, lane);
      if (entry) engine.book.wake(entry, dueAt);
    }
  }
}

const NONE_ENDED: ReadonlyMap<LaneEntry, number> = new Map();

/** Answers with the first one's count, so that a repeated request gets the same answer. */
function duplicateOf(engine: Engine, id: EventId): IngestedEvent {
  const row = engine.db.get<{ n: number }>(
    'select json_array_length(lanes) as n from event where seq = ?',
    eventSeq(id),
  );
  return { id, duplicate: true, deliveries: row?.n ?? 0, irregular: false };
}

function findDuplicates(
  engine: Engine,
  request: IngestRequest,
): { duplicates: (EventId | undefined)[] } | { conflict: number; existing: EventId } {
  const duplicates: (EventId | undefined)[] = [];
  if (request.events.every(isKeyless)) return { duplicates };
  const here = new Map<string, NewEvent>();
  for (const [index, event] of request.events.entries()) {
    const { idempotencyKey: key, hash } = event;
    if (key === undefined || hash === undefined) {
      duplicates.push(undefined);
      continue;
    }
    const place = `${event.tenant}\n${key}`;
    const earlier = here.get(place);
    const first = earlier
      ? { id: earlier.id, hash: earlier.hash as Uint8Array }
      : findByKey(engine, event.tenant, key);
    if (!first) here.set(place, event);
    else if (Buffer.compare(first.hash, hash) !== 0) return { conflict: index, existing: first.id };
    duplicates.push(first?.id);
  }
  return { duplicates };
}

function isKeyless({ idempotencyKey }: NewEvent): boolean {
  return idempotencyKey === undefined;
}

function findByKey(engine: Engine, tenant: string, key: string) {
  const row = engine.db.get<{ seq: number; rest: Uint8Array; hash: Uint8Array }>(
    'select seq, rest, hash from event where tenant = ? and idem = ?',
    engine.word(tenant),
    key,
  );
  return row && { id: eventId(row.seq, row.rest), hash: row.hash };
}

/** Where rows that are owed are noted. */
interface Owing {
  readonly now: Ms;
  readonly wakes: Map<number, Wake>;
  readonly ended?: ReadonlyMap<LaneEntry, number>;
}

function insertEvent(
  engine: Engine,
  event: NewEvent,
  insertion: Owing,
): { seq: number; irregular: boolean; expanding: boolean } {
  const { seq, rest } = knownKey(event.id);
  // Statements are run without a wrapper here, for speed: the transaction names their errors.
  engine.db
    .prepare(
      `insert into event
         (seq, rest, tenant, type, occurred_at, created_at, idem, hash, lanes, meta, data, sum)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      seq,
      rest,
      engine.word(event.tenant),
      engine.word(event.type),
      event.occurredAt,
      event.createdAt,
      event.idempotencyKey ?? null,
      event.hash ?? null,
      `[${event.lanes.join()}]`,
      event.meta,
      event.data,
      sumOfEvent({ ...event, rest }),
    );
  if (seq > engine.newestEvent) engine.newestEvent = seq;
  else noteLate(engine, seq);
  if (event.lanes.length > engine.limits.inlineFanoutMax) {
    engine.db.run('insert into expansion (event, done) values (?, 0)', seq);
    return { seq, irregular: true, expanding: true };
  }
  let irregular = false;
  for (const lane of event.lanes) {
    if (!owe(engine, { event, seq, lane }, insertion)) irregular = true;
  }
  return { seq, irregular, expanding: false };
}

/** Whoever follows the log is never so many late ones behind and yet past the event itself. */
const LATE_KEPT = 100_000;

function noteLate(engine: Engine, seq: number): void {
  engine.db.run('insert into late_event (event) values (?)', seq);
  engine.db.run('delete from late_event where n <= (select max(n) from late_event) - ?', LATE_KEPT);
}

export interface Owed {
  readonly event: Pick<NewEvent, 'slot' | 'tenant' | 'type'>;
  readonly seq: number;
  readonly lane: number;
}

/** Inserts one delivery; false = not simply due now (ordered after others, or skipped). */
export function owe(engine: Engine, owed: Owed, insertion: Owing): boolean {
  const { event, seq, lane } = owed;
  const entry = engine.lane(event.slot, lane);
  if (!entry) return false;
  const number = laneNumber({ slot: event.slot, lane });
  const wake = insertion.wakes.get(number);
  const open = entry.open + (wake?.rows ?? 0) - (insertion.ended?.get(entry) ?? 0);
  if (open >= engine.limits.laneMax) {
    logDecision(engine, {
      run: { slot: event.slot, lane, seq, run: 0 },
      tenant: event.tenant,
      type: event.type,
      state: 'failed',
      fault: 'skipped',
      detail: `The webhook already owed ${engine.limits.laneMax} deliveries; this one was not queued. Recover it once the backlog is gone.`,
      now: insertion.now,
    });
    return false;
  }
  const dueAt = engine.book.dueAt(entry, insertion.now);
  engine.db
    .prepare(
      'insert into delivery (slot, lane, due_at, event, run, attempt, starts) values (?, ?, ?, ?, 0, 0, 0)',
    )
    .run(event.slot, lane, dueAt, seq);
  if (wake) {
    wake.rows += 1;
    wake.dueAt = Math.min(wake.dueAt, dueAt);
  } else {
    insertion.wakes.set(number, { slot: event.slot, lane, dueAt, rows: 1 });
  }
  return !entry.fifo;
}
