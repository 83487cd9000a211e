import { type LaneLimits, LaneState } from '../core/lane-state.ts';
import { ASLEEP, type EventId, type LaneId, type Ms, type StoredEvent } from '../core/model.ts';
import type { AlertLevel } from '../core/settle.ts';
import { laneNumber } from '../store/lane-book.ts';
import type { Cursor, DeliveryKey, Due, Lane, NewEvent } from '../store/store.ts';

/** A row with what sending it needs. */
export interface Ready {
  readonly due: Due;
  /** undefined = retention removed it. */
  readonly event: StoredEvent | undefined;
  readonly frozen: Uint8Array | undefined;
  readonly damaged?: true | undefined;
}

/** The first run of an event that is due at once. */
export function justStored(event: NewEvent, lane: LaneId): Ready {
  const { slot, id, createdAt: dueAt } = event;
  const due = { slot, lane, dueAt, event: id, run: 0, ownId: false, attempt: 0, starts: 0 };
  return { due, event, frozen: undefined };
}

/** Why one with `damaged` is not sent. */
export const DAMAGED =
  'What is stored of the event is damaged, so nothing was sent. Look at the disk, and restore a backup or publish the event again.';

export function rowKey(key: Pick<DeliveryKey, 'event' | 'run'>): string {
  return key.run === 0 ? key.event : `${key.event}.${key.run}`;
}

const REREAD_MS = 5000;
const CRASH_ROWS = 32;
const CAREFUL_STRIKES = 3;

/**
 * A lane this node holds: which of its rows are in memory, and how far it has been read.
 *
 * `more` = the store may hold due rows beyond the cursor. While it is false the lane is known to be
 * read to its end, and rows that this node ingests go straight into the buffer. `known` are the rows
 * in memory, from the moment they are read or offered until their outcome is stored.
 */
export class HeldLane extends LaneState<Ready> {
  readonly known = new Set<string>();
  readonly strikes: number;
  limits: LaneLimits;
  more = true;
  fetching = false;
  /** Read to its end, and to be looked at again: other nodes may have put something into it. */
  looking = false;
  /** No new rows: goes back as soon as nothing of it is in memory. */
  yielding = false;
  dropped = false;
  /** When the next retry of it that this node knows of is due; the store knows of all. */
  owesAt: Ms = ASLEEP;
  idleSince: Ms | undefined;
  /** How long it has been failing as its owner was told, as far as this node knows. */
  alerted: AlertLevel = 0;
  readonly #crashedAt: Ms | undefined;
  #readAt: Ms;
  #crashMarks: number;
  #cursor: { dueAt: Ms; event: Due['event']; run: number } | undefined;
  /** Completed while a fetch was under way, which may still have seen them. */
  #ghosts: Set<string> | undefined;
  #restartAfterFetch = false;
  /** The fetch that is under way only looks; what is offered meanwhile is taken all the same. */
  #peeking = false;
  #asked = 0;

  constructor(lane: Lane, limits: LaneLimits, now: Ms) {
    const health = { failingSince: lane.failingSince, failures: lane.failures };
    super({ ...lane, health, careful: lane.strikes >= CAREFUL_STRIKES, now }, limits);
    this.strikes = lane.strikes;
    this.limits = limits;
    this.#crashedAt = lane.crashedAt;
    this.#crashMarks = Math.max(CRASH_ROWS, limits.maxConcurrency);
    this.#readAt = now;
  }

  /** May stay here for a moment without work: nothing of it waits for a time that the store keeps. */
  get mayLinger(): boolean {
    return !this.yielding && !this.fifo && this.owesAt === ASLEEP;
  }

  /** When time alone gives it something to do; ASLEEP = it does not. */
  wakesAt(now: Ms): Ms {
    const sends = this.buffer.length > 0 && this.waitUntil > now ? this.waitUntil : ASLEEP;
    return Math.min(sends, this.owesAt);
  }

  /**
   * Retries lie where the cursor may have passed already, so a lane that is never idle is read from
   * the start again: when one is due, and now and then for those an earlier holder knew of.
   */
  rereadIfDue(now: Ms): void {
    if (now < this.owesAt && now - this.#readAt < REREAD_MS) return;
    this.owesAt = ASLEEP;
    this.#readAt = now;
    this.restart();
  }

  override setLimits(limits: LaneLimits): void {
    super.setLimits(limits);
    this.limits = limits;
  }

  /** Nothing of it is in memory, and as far as is known nothing is due in the store. */
  get empty(): boolean {
    const reading = this.fetching && !this.#peeking;
    return this.known.size === 0 && !reading && (!this.more || this.yielding);
  }

  /**
   * What other nodes ingested may lie before the cursor. Whether there is anything is seen from the
   * start of the lane, which holds little else than what is in memory anyway.
   */
  look(): void {
    if (this.fetching || this.yielding) return;
    // In order of commits, so beyond the cursor.
    if (this.fifo) this.more = true;
    else if (this.more) this.restart();
    else this.looking = true;
  }

  /** false = it will be read from the store. */
  offer(ready: Ready, bufferMax: number): boolean {
    const { due } = ready;
    const reading = this.more || (this.fetching && !this.#peeking);
    if (reading || this.yielding || this.fifo || this.buffer.length >= bufferMax) {
      // Found by the next fetch; if it lies before the cursor, by starting over.
      if (this.#isBehind(due)) this.restart();
      this.more = true;
      if (this.fetching) this.#restartAfterFetch = true;
      return false;
    }
    if (this.#isBehind(due)) {
      this.restart();
      return false;
    }
    if (this.known.has(rowKey(due))) return true;
    this.#cursor = { dueAt: due.dueAt, event: due.event, run: due.run };
    this.known.add(rowKey(due));
    this.buffer.push(ready);
    return true;
  }

  #isBehind(due: Due): boolean {
    const at = this.#cursor;
    if (!at) return false;
    return due.dueAt < at.dueAt || (due.dueAt === at.dueAt && due.event <= at.event);
  }

  /** Reads from the start again; what is in memory is skipped. */
  restart(): void {
    if (this.fetching) this.#restartAfterFetch = true;
    this.#cursor = undefined;
    this.more = true;
  }

  /** From where to read, for about `limit` rows that are not in memory. */
  beginFetch(limit: number): Cursor {
    this.#peeking = this.looking && !this.more;
    this.looking = false;
    this.fetching = true;
    this.#ghosts = new Set();
    this.#restartAfterFetch = false;
    const after = this.#peeking ? undefined : this.#cursor;
    this.#asked = after ? limit : limit + this.known.size;
    return { slot: this.slot, lane: this.lane, after, limit: this.#asked };
  }

  endFetch(rows: readonly Ready[]): void {
    const last = rows.at(-1)?.due;
    const all = rows.length < this.#asked;
    // A look that saw all of it leaves the cursor where it is, unless it got further.
    const further = last && !(this.#peeking && all && this.#isBehind(last));
    if (further) this.#cursor = { dueAt: last.dueAt, event: last.event, run: last.run };
    this.more = (this.#peeking && this.more) || !all;
    if (!this.yielding) {
      for (const ready of rows) {
        const key = rowKey(ready.due);
        if (this.known.has(key) || this.#ghosts?.has(key)) continue;
        this.known.add(key);
        this.buffer.push(ready);
      }
    }
    this.#ended();
  }

  failFetch(): void {
    this.more = true;
    this.#ended();
  }

  #ended(): void {
    this.fetching = false;
    this.#peeking = false;
    this.#ghosts = undefined;
    if (this.#restartAfterFetch) this.restart();
    this.#restartAfterFetch = false;
  }

  /** The row's outcome is stored. */
  forget(key: string): void {
    this.known.delete(key);
    this.#ghosts?.add(key);
  }

  /** Unsent rows go back to the store, where they still are. */
  forgetBuffer(): void {
    for (const { due } of this.buffer) this.known.delete(rowKey(due));
    this.buffer.length = 0;
    this.restart();
  }

  removeBuffered(key: string): void {
    const at = this.buffer.findIndex(({ due }) => rowKey(due) === key);
    if (at < 0) return;
    this.buffer.splice(at, 1);
    this.known.delete(key);
  }

  removeEvent(event: EventId): void {
    for (const { due } of this.buffer.filter((ready) => ready.due.event === event)) {
      this.removeBuffered(rowKey(due));
    }
  }

  /** The head of an ordered lane failed: nothing behind it may pass. */
  holdOrder(until: Ms): void {
    this.waitUntil = Math.max(this.waitUntil, until);
    this.yielding = true;
    this.forgetBuffer();
  }

  /** The process that held the lane before may have sent this row without logging it. */
  takeCrashMark(due: Due): boolean {
    if (this.#crashedAt === undefined || this.#crashMarks === 0) return false;
    if (due.dueAt > this.#crashedAt) return false;
    this.#crashMarks -= 1;
    return true;
  }
}

export function groupByLane(ready: readonly Ready[]): Map<number, Ready[]> {
  const groups = new Map<number, Ready[]>();
  for (const one of ready) {
    const number = laneNumber(one.due);
    const group = groups.get(number);
    if (group) group.push(one);
    else groups.set(number, [one]);
  }
  return groups;
}
