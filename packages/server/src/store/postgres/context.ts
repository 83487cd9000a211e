import type { At } from '../../core/crash-sites.ts';
import type { EndpointId, LaneId, Ms, Slot } from '../../core/model.ts';
import type { Part } from '../crossing.ts';
import { laneNumber } from '../lane-book.ts';
import type { LaneKey, StoreLimits } from '../store.ts';
import type { Vault } from '../vault.ts';
import { int2s, int8s } from './arrays.ts';
import type { Database, Querying } from './database.ts';
import { Partitions } from './partitions.ts';
import type { DatabaseTime } from './time.ts';

export interface ContextOptions {
  readonly db: Database;
  readonly vault: Vault;
  readonly time: DatabaseTime;
  readonly at: At;
  readonly limits: StoreLimits;
  /** For which partitions are made. */
  readonly daysAhead: number | undefined;
  /** The slots that are here, if this is one store of several. */
  readonly part: Part;
}

/** What the ports of one open store share: connections, and what it knows of the rows of others. */
export class Context {
  readonly db: Database;
  readonly vault: Vault;
  readonly time: DatabaseTime;
  readonly at: At;
  readonly limits: StoreLimits;
  readonly part: Part;
  readonly partitions: Partitions;
  readonly endpoints: EndpointCache;
  readonly room: RoomCache;

  constructor({ db, vault, time, at, limits, daysAhead, part }: ContextOptions) {
    this.db = db;
    this.vault = vault;
    this.time = time;
    this.at = at;
    this.part = part;
    this.partitions = new Partitions(db, daysAhead);
    this.endpoints = new EndpointCache(db);
    this.limits = limits;
    this.room = new RoomCache(limits.laneMax);
  }
}

export interface KnownEndpoint {
  readonly number: number;
  readonly id: EndpointId;
  readonly fifo: boolean;
}

/** What lanes need to know of endpoints; right up to the version it was last read at. */
export class EndpointCache {
  readonly #db: Database;
  readonly #known = new Map<number, KnownEndpoint>();
  #version = -1;

  constructor(db: Database) {
    this.#db = db;
  }

  get(number: number): KnownEndpoint | undefined {
    return this.#known.get(number);
  }

  /** Brings it to what the store holds, unless it is known to be there. */
  async upTo(version: number): Promise<void> {
    if (version <= this.#version) return;
    await this.refresh();
    this.#version = Math.max(this.#version, version);
  }

  async refresh(): Promise<void> {
    const rows = await this.#db.lanes.all<KnownEndpoint & { version: number }>(
      'select number, id, fifo, version from endpoint where version > $1',
      this.#version,
    );
    for (const { number, id, fifo, version: at } of rows) {
      this.#known.set(number, { number, id, fifo });
      this.#version = Math.max(this.#version, at);
    }
  }
}

/** Below it a lane is counted to the row; above, within a hundredth. */
const EXACT_MAX = 10_000;
/** Other nodes fill the lane too: of what is free, this one takes so much before it counts again. */
const SHARE = 4;
/** A full lane is counted again after a millisecond for each so many rows. */
const ROWS_PER_MS = 100;

interface Room {
  left: number;
  /** Full until then. */
  fullUntil: Ms;
}

/**
 * How many more deliveries a lane may owe. Counting a million rows takes a tenth of a second, so a
 * count is good for a while: the more a lane owes, the longer.
 */
export class RoomCache {
  readonly max: number;
  readonly #rooms = new Map<number, Room>();

  constructor(max: number) {
    this.max = max;
  }

  /** How many of `wanted` rows each lane takes. `empty` lanes are known to owe nothing. */
  async take(
    tx: Querying,
    wanted: readonly { readonly key: LaneKey; readonly rows: number; readonly empty: boolean }[],
    now: Ms,
  ): Promise<number[]> {
    const unknown = wanted.filter(({ key, rows, empty }) => {
      const room = this.#rooms.get(laneNumber(key));
      if (empty && !room) this.#rooms.set(laneNumber(key), this.#roomFor(0, now));
      const known = this.#rooms.get(laneNumber(key));
      return !known || (known.left < rows && known.fullUntil <= now);
    });
    const counted = await this.#count(
      tx,
      unknown.map(({ key }) => key),
    );
    const counts = new Map(unknown.map(({ key }, i) => [laneNumber(key), counted[i] ?? 0]));
    return wanted.map(({ key, rows }) => {
      const number = laneNumber(key);
      const owed = counts.get(number);
      const known = this.#rooms.get(number);
      if (owed === undefined) {
        if (!known || known.fullUntil > now) return known ? 0 : rows;
        known.left -= rows;
        return rows;
      }
      const taken = Math.min(rows, Math.max(0, this.max - owed));
      this.#rooms.set(number, this.#roomFor(owed + taken, now));
      return taken;
    });
  }

  /** Takes it if all of these lanes are known to have it, without a look at the store. */
  takeKnown(wanted: readonly { readonly key: LaneKey; readonly rows: number }[]): boolean {
    const rooms = wanted.map(({ key }) => this.#rooms.get(laneNumber(key)));
    if (!wanted.every(({ rows }, i) => (rooms[i]?.left ?? 0) >= rows)) return false;
    for (const [i, { rows }] of wanted.entries()) (rooms[i] as Room).left -= rows;
    return true;
  }

  #roomFor(owed: number, now: Ms): Room {
    const free = this.max - owed;
    if (free <= 0) return { left: 0, fullUntil: now + Math.floor(owed / ROWS_PER_MS) };
    const least = owed > EXACT_MAX ? Math.floor(owed / 100) : 0;
    return { left: Math.max(Math.floor(free / SHARE), least), fullUntil: 0 };
  }

  async #count(tx: Querying, keys: readonly LaneKey[]): Promise<number[]> {
    if (keys.length === 0) return [];
    const rows = await tx.all<{ owed: number }>(
      `select (select count(*) from (
         select 1 from delivery d where d.slot = u.slot and d.lane = u.lane limit $3) x) as owed
       from unnest($1::smallint[], $2::bigint[]) with ordinality u(slot, lane, n) order by n`,
      ...laneArrays(keys),
      this.max,
    );
    return rows.map(({ owed }) => owed);
  }
}

export function laneArrays(keys: readonly LaneKey[]): [Buffer, Buffer] {
  return [int2s(keys.map(({ slot }) => slot)), int8s(keys.map(({ lane }) => lane))];
}

/** All statements lock lanes in this order, so that no two wait for each other. */
export function inOrder<T extends { readonly slot: Slot; readonly lane: LaneId }>(
  keys: Iterable<T>,
): T[] {
  return [...keys].sort((a, b) => a.slot - b.slot || a.lane - b.lane);
}
