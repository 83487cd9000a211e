import { ASLEEP, type EndpointId, type LaneId, type Ms, type Slot } from '../core/model.ts';
import {
  type Acquired,
  type Lane,
  type LaneCommand,
  type LaneKey,
  NODE_BACKLOG_MAX,
  type NodeInfo,
  type NodeRow,
  type Release,
} from './store.ts';

/**
 * Who holds which lane and when the free ones have something to do, for engines that live in one
 * process (SQLite, memory): leases need no rows there, because opening the store proves that every
 * earlier holder is dead. The rows that are owed stay the engine's; the book only knows when to look.
 *
 * A lane is asleep (nextAt = ASLEEP), ready (nextAt ≤ now, free), waiting (nextAt > now, free) or
 * held (owner ≠ 0). Wakes of a held lane are kept in `nextAt` and count when it is released.
 */
export interface LaneEntry {
  readonly slot: Slot;
  readonly lane: LaneId;
  readonly endpoint: EndpointId;
  fifo: boolean;
  nextAt: Ms;
  /** Node id; 0 = free. */
  owner: number;
  notBefore: Ms;
  /** Paused or disabled: keeps its rows, is not given out. */
  held: boolean;
  /** Its endpoint is deleted: rows are cancelled by housekeeping. */
  closed: boolean;
  strikes: number;
  crashedAt: Ms | undefined;
  failingSince: Ms;
  failures: number;
  /** Last due time given out; ordered lanes only ever count up from it. */
  lastDue: Ms;
  /** Rows owed. */
  open: number;
  commands: LaneCommand[];
  /** The engine keeps a row of this lane's state. */
  saved: boolean;
}

export interface LaneSeed {
  readonly slot: Slot;
  readonly lane: LaneId;
  readonly endpoint: EndpointId;
  readonly fifo: boolean;
  readonly held: boolean;
}

interface BookNode {
  readonly info: NodeInfo;
  readonly joinedAt: Ms;
  readonly beatAt: Ms;
  readonly expiresAt: Ms;
}

export class LaneBook {
  readonly #lanes = new Map<number, LaneEntry>();
  readonly #byEndpoint = new Map<EndpointId, LaneEntry[]>();
  readonly #nodes = new Map<number, BookNode>();
  readonly #ready = new TimeHeap();
  #lastNode = 0;

  get(key: LaneKey): LaneEntry | undefined {
    return this.#lanes.get(laneNumber(key));
  }

  ofEndpoint(endpoint: EndpointId): readonly LaneEntry[] {
    return this.#byEndpoint.get(endpoint) ?? [];
  }

  all(): Iterable<LaneEntry> {
    return this.#lanes.values();
  }

  ensure(seed: LaneSeed): LaneEntry {
    const found = this.#lanes.get(laneNumber(seed));
    if (found) return found;
    const entry: LaneEntry = {
      ...seed,
      nextAt: ASLEEP,
      owner: 0,
      notBefore: 0,
      closed: false,
      strikes: 0,
      crashedAt: undefined,
      failingSince: 0,
      failures: 0,
      lastDue: 0,
      open: 0,
      commands: [],
      saved: false,
    };
    this.#lanes.set(laneNumber(seed), entry);
    const siblings = this.#byEndpoint.get(seed.endpoint);
    if (siblings) siblings.push(entry);
    else this.#byEndpoint.set(seed.endpoint, [entry]);
    return entry;
  }

  /** When a row owed from `now` on is due: in an ordered lane, after all that came before it. */
  dueAt(entry: LaneEntry, now: Ms): Ms {
    if (!entry.fifo) return now;
    entry.lastDue = Math.max(now, entry.lastDue + 1);
    return entry.lastDue;
  }

  /** A row became due (or will) at `at`; a wait the lane was put under is not undercut. */
  wake(entry: LaneEntry, at: Ms): void {
    const next = Math.max(at, entry.notBefore);
    if (next >= entry.nextAt) return;
    entry.nextAt = next;
    this.#enqueue(entry);
  }

  setHeld(entry: LaneEntry, held: boolean): void {
    entry.held = held;
    this.#enqueue(entry);
  }

  setClosed(entry: LaneEntry, closed: boolean): void {
    entry.closed = closed;
    this.#enqueue(entry);
  }

  // ---- nodes ----

  join(info: NodeInfo, ttlMs: Ms, now: Ms): number {
    this.#lastNode += 1;
    const times = { joinedAt: info.since ?? now, beatAt: now, expiresAt: now + ttlMs };
    this.#nodes.set(this.#lastNode, { info, ...times });
    return this.#lastNode;
  }

  /** `due`: rows due in a lane, counted up to a number. */
  nodes(now: Ms, due: (entry: LaneEntry, max: number) => number): NodeRow[] {
    return [...this.#nodes].map(([id, { info, joinedAt, beatAt, expiresAt }]) => {
      const lanes = [...this.#lanes.values()].filter(({ owner }) => owner === id);
      let backlog = 0;
      for (const entry of lanes) backlog += due(entry, NODE_BACKLOG_MAX - backlog);
      return {
        id,
        name: info.name,
        version: info.version,
        roles: info.roles ?? [],
        joinedAt,
        beatAt,
        alive: expiresAt >= now,
        lanes: lanes.length,
        backlog,
        clockOffsetMs: 0,
      };
    });
  }

  alive(node: number): boolean {
    return this.#nodes.has(node);
  }

  heartbeat(node: number, ttlMs: Ms, now: Ms): boolean {
    const known = this.#nodes.get(node);
    if (!known) return false;
    this.#nodes.set(node, { ...known, beatAt: now, expiresAt: now + ttlMs });
    return true;
  }

  /** Gives back what an orderly node still holds: no strike, no suspicion. */
  leave(node: number, now: Ms): LaneEntry[] {
    this.#nodes.delete(node);
    const lanes: LaneEntry[] = [];
    for (const entry of this.#lanes.values()) {
      if (entry.owner !== node) continue;
      this.#free(entry, now);
      lanes.push(entry);
    }
    return lanes;
  }

  /**
   * What `node` reports of a lane counts in full only while it holds it. Whoever lost its lease does
   * not get that back by joining under a new id.
   */
  holds(node: number, entry: LaneEntry | undefined): boolean {
    return entry !== undefined && entry.owner === node && this.#nodes.has(node);
  }

  reap(now: Ms): { nodes: number; lanes: LaneEntry[] } {
    const dead = new Set<number>();
    for (const [node, { expiresAt }] of this.#nodes) if (expiresAt < now) dead.add(node);
    const lanes: LaneEntry[] = [];
    for (const node of dead) this.#nodes.delete(node);
    if (dead.size > 0) {
      for (const entry of this.#lanes.values()) {
        if (!dead.has(entry.owner)) continue;
        entry.strikes += 1;
        entry.crashedAt = now;
        this.#free(entry, now);
        lanes.push(entry);
      }
    }
    return { nodes: dead.size, lanes };
  }

  acquire(node: number, max: number, now: Ms): Acquired {
    const lanes: Lane[] = [];
    if (this.#nodes.has(node)) {
      while (lanes.length < max) {
        const entry = this.#ready.popDue(now);
        if (!entry) break;
        entry.owner = node;
        lanes.push(laneOfEntry(entry));
      }
    }
    const commanded = this.commanded(node).map(({ slot, lane }) => ({ slot, lane }));
    return { lanes, commanded, nextAt: this.#ready.peekAt() };
  }

  commanded(node: number): LaneEntry[] {
    const found: LaneEntry[] = [];
    if (this.#commandCount === 0) return found;
    for (const entry of this.#lanes.values()) {
      if (entry.owner === node && entry.commands.length > 0) found.push(entry);
    }
    return found;
  }

  #commandCount = 0;
  queueCommand(entry: LaneEntry, command: LaneCommand): void {
    entry.commands.push(command);
    this.#commandCount += 1;
  }
  takeCommands(entry: LaneEntry): LaneCommand[] {
    const taken = entry.commands;
    entry.commands = [];
    this.#commandCount -= taken.length;
    return taken;
  }
  forgetCommands(): void {
    for (const entry of this.#lanes.values()) entry.commands = [];
    this.#commandCount = 0;
  }

  /** A person wants an ordered lane's head tried now: the wait that its failure began is over. */
  endWait(entry: LaneEntry, now: Ms): void {
    entry.notBefore = 0;
    this.wake(entry, now);
  }

  /** `dueAt`: the earliest row still owed, ASLEEP if none. Goes to the tail: never before `now`. */
  release(entry: LaneEntry, release: Release, times: { dueAt: Ms; now: Ms }): void {
    entry.owner = 0;
    entry.strikes = 0;
    entry.crashedAt = undefined;
    entry.notBefore = release.notBefore;
    entry.failingSince = release.failingSince;
    entry.failures = release.failures;
    entry.nextAt =
      times.dueAt >= ASLEEP ? ASLEEP : Math.max(times.dueAt, times.now, release.notBefore);
    this.#enqueue(entry);
  }

  #free(entry: LaneEntry, now: Ms): void {
    entry.owner = 0;
    entry.nextAt = entry.open > 0 ? now : ASLEEP;
    this.#enqueue(entry);
  }

  #enqueue(entry: LaneEntry): void {
    if (isReady(entry)) this.#ready.push(entry);
  }
}

/** Lanes as one number: slots are 0–255. */
export function laneNumber(key: LaneKey): number {
  return key.lane * 256 + key.slot;
}

export function laneOfEntry(entry: LaneEntry): Lane {
  const { slot, lane, endpoint, strikes, crashedAt, failingSince, failures } = entry;
  return { slot, lane, endpoint, strikes, crashedAt, failingSince, failures };
}

function isReady(entry: LaneEntry): boolean {
  return entry.owner === 0 && !entry.held && !entry.closed && entry.nextAt < ASLEEP;
}

const HEAP_MIN = 1024;

/**
 * Earliest first. An entry may stand in it several times; only the place whose time is the entry's
 * present `nextAt` counts, the others are dropped when they surface.
 */
class TimeHeap {
  readonly #at: Ms[] = [];
  readonly #entries: LaneEntry[] = [];
  #sizeMax = HEAP_MIN;

  /**
   * Superseded places are swept before they outnumber the present ones: a lane whose retry lies far
   * ahead leaves one behind each time something else wakes it.
   */
  push(entry: LaneEntry): void {
    if (this.#at.length >= this.#sizeMax) this.#sweep();
    this.#insert(entry);
  }

  #sweep(): void {
    const present = this.#entries.filter((e, i) => isReady(e) && e.nextAt === this.#at[i]);
    this.#at.length = 0;
    this.#entries.length = 0;
    for (const entry of new Set(present)) this.#insert(entry);
    this.#sizeMax = Math.max(HEAP_MIN, 2 * this.#at.length);
  }

  #insert(entry: LaneEntry): void {
    let i = this.#at.length;
    this.#at.push(entry.nextAt);
    this.#entries.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if ((this.#at[parent] as Ms) <= (this.#at[i] as Ms)) break;
      this.#swap(i, parent);
      i = parent;
    }
  }

  popDue(now: Ms): LaneEntry | undefined {
    this.#dropStale();
    if (this.#at.length === 0 || (this.#at[0] as Ms) > now) return undefined;
    return this.#pop();
  }

  peekAt(): Ms {
    this.#dropStale();
    return this.#at[0] ?? ASLEEP;
  }

  #dropStale(): void {
    while (this.#at.length > 0) {
      const entry = this.#entries[0] as LaneEntry;
      if (isReady(entry) && entry.nextAt === this.#at[0]) return;
      this.#pop();
    }
  }

  #pop(): LaneEntry {
    const top = this.#entries[0] as LaneEntry;
    const at = this.#at.pop() as Ms;
    const entry = this.#entries.pop() as LaneEntry;
    if (this.#at.length > 0) {
      this.#at[0] = at;
      this.#entries[0] = entry;
      this.#sink();
    }
    return top;
  }

  #sink(): void {
    const size = this.#at.length;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      let least = i;
      if (left < size && (this.#at[left] as Ms) < (this.#at[least] as Ms)) least = left;
      if (left + 1 < size && (this.#at[left + 1] as Ms) < (this.#at[least] as Ms)) least = left + 1;
      if (least === i) return;
      this.#swap(i, least);
      i = least;
    }
  }

  #swap(a: number, b: number): void {
    const at = this.#at[a] as Ms;
    const entry = this.#entries[a] as LaneEntry;
    this.#at[a] = this.#at[b] as Ms;
    this.#entries[a] = this.#entries[b] as LaneEntry;
    this.#at[b] = at;
    this.#entries[b] = entry;
  }
}
