import {
  ASLEEP,
  type EndpointId,
  type EventId,
  type Ms,
  type StoredEvent,
} from '../../core/model.ts';
import { laneNumber } from '../lane-book.ts';
import { FLAG_SPLICED } from '../log-format.ts';
import {
  type Acquired,
  type Completed,
  type Completion,
  type Cursor,
  type Due,
  type IngestReply,
  type IngestRequest,
  type Lane,
  type LaneCommand,
  type LaneKey,
  type LaneStore,
  type LoadedDelivery,
  NODE_BACKLOG_MAX,
  type NodeInfo,
  type NodeRow,
  type Release,
  type Requeue,
  type Requeued,
  type Result,
} from '../store.ts';
import { int2s, int4s, int8s, uuid, uuids } from './arrays.ts';
import { applyKept, command } from './commands.ts';
import { applyResults, findLogged } from './complete.ts';
import { type Context, inOrder, laneArrays } from './context.ts';
import { codeOf, isLost, type Querying } from './database.ts';
import { ingest } from './ingest.ts';
import { SCHEMA_KNOWN } from './migrate.ts';
import { dayOfEvent, partitionOf } from './partitions.ts';
import { requeue } from './requeue.ts';
import { DATABASE_NOW } from './time.ts';

/** What this process knows of the lanes that one of its nodes holds. */
interface Held {
  /** By lane: how often it had been taken, this time included. */
  readonly lanes: Map<number, LaneKey & { readonly taken: number }>;
  /** Releases whose answer was lost, by lane: how often it had been taken by then. */
  readonly doubtful: Map<number, number>;
  /** The server may have lanes for us that we were not told of: an answer was lost. */
  recount: boolean;
}

const EMPTY = new Uint8Array();
const UNDEFINED_TABLE = '42P01';

export class PgLanes implements LaneStore {
  readonly #ctx: Context;
  readonly #held = new Map<number, Held>();
  /** Results that may be in the log although the call that reported them failed. */
  readonly #doubtful = new Set<Result>();

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** A connection broke. */
  lost(): void {
    for (const held of this.#held.values()) held.recount = true;
  }

  // ---- nodes ----

  async join(info: NodeInfo, ttlMs: Ms, now: Ms): Promise<number> {
    const row = await this.#ctx.db.lanes.get<{ id: number }>(
      `insert into node (name, release, schema_known, roles, joined_at, beat_at, expires_at)
       values ($1, $2, $3, $4::text[], $7, $5, $6) returning id`,
      info.name,
      info.version,
      SCHEMA_KNOWN,
      `{${(info.roles ?? []).join()}}`,
      now,
      now + ttlMs,
      info.since ?? now,
    );
    const id = row?.id as number;
    this.#held.set(id, { lanes: new Map(), doubtful: new Map(), recount: false });
    return id;
  }

  async heartbeat(node: number, ttlMs: Ms, now: Ms): Promise<boolean> {
    const { db, time } = this.#ctx;
    let alive = false;
    await time.during(async () => {
      const row = await db.lanes.get<{ now: number }>(
        `update node set beat_at = $2, expires_at = $3, offset_ms = $4 where id = $1
         returning ${DATABASE_NOW} as now`,
        node,
        now,
        now + ttlMs,
        time.offsetMs,
      );
      alive = row !== undefined;
      return row?.now;
    });
    return alive;
  }

  async nodes(now: Ms): Promise<NodeRow[]> {
    const rows = await this.#ctx.db.reads.all<NodeColumns>(
      `select n.id, n.name, n.release as version, n.roles, n.joined_at, n.beat_at,
         n.expires_at >= $1 as alive, n.offset_ms,
         (select count(*) from lane l where l.owner = n.id) as lanes,
         (select count(*) from (
            select 1 from lane l join delivery d on d.slot = l.slot and d.lane = l.id
              and d.due_at <= $1
            where l.owner = n.id limit ${NODE_BACKLOG_MAX}) due) as backlog
       from node n order by n.id`,
      now,
    );
    return rows.map(({ joined_at: joinedAt, beat_at: beatAt, offset_ms, ...row }) => ({
      ...row,
      joinedAt,
      beatAt,
      clockOffsetMs: Math.round(offset_ms),
    }));
  }

  /** Gives back what an orderly node still holds: no strike, no suspicion. */
  async leave(node: number, now: Ms): Promise<void> {
    this.#held.delete(node);
    await this.#ctx.db.writes.transaction(async (tx) => {
      await tx.run('delete from node where id = $1', node);
      await this.#free(tx, { owners: [node], strikes: 0, now });
    });
  }

  /** Leaves for every node that joined through this store and did not. */
  async leaveAll(now: Ms): Promise<void> {
    for (const node of [...this.#held.keys()]) await this.leave(node, now);
  }

  async reap(now: Ms): Promise<{ nodes: number; lanes: number }> {
    return this.#ctx.db.lanes.transaction(async (tx) => {
      const dead = await tx.all<{ id: number }>(
        'delete from node where expires_at < $1 returning id',
        now,
      );
      if (dead.length === 0) return { nodes: 0, lanes: 0 };
      const owners = dead.map(({ id }) => id);
      for (const id of owners) this.#held.delete(id);
      const lanes = await this.#free(tx, { owners, strikes: 1, now });
      return { nodes: dead.length, lanes };
    });
  }

  /** Locked first and looked at then: what is being ingested into them is not overlooked. */
  async #free(
    tx: Querying,
    of: { readonly owners: readonly number[]; readonly strikes: 0 | 1; readonly now: Ms },
  ): Promise<number> {
    const rows = await tx.all<{ slot: number; lane: number }>(
      `select slot, id as lane from lane where owner = any ($1::bigint[])
       order by slot, id for update`,
      int8s(of.owners),
    );
    if (rows.length === 0) return 0;
    await tx.run(
      `update lane l set owner = null, strikes = l.strikes + $3::smallint,
         crashed_at = case when $3::smallint > 0 then $4::bigint else l.crashed_at end,
         next_at = case when exists (
           select 1 from delivery d where d.slot = l.slot and d.lane = l.id)
           then $4::bigint else ${ASLEEP} end
       from unnest($1::smallint[], $2::bigint[]) u(slot, id)
       where l.slot = u.slot and l.id = u.id`,
      ...laneArrays(rows),
      of.strikes,
      of.now,
    );
    // What the last holder did not come to.
    await applyKept(this.#ctx, tx, { lanes: rows, now: of.now });
    return rows.length;
  }

  // ---- events ----

  ingest(batch: readonly IngestRequest[], configVersion: number, now: Ms): Promise<IngestReply[]> {
    return ingest(this.#ctx, batch, { configVersion, now });
  }

  command(commands: readonly LaneCommand[], now: Ms): Promise<('applied' | 'queued' | 'absent')[]> {
    return command(this.#ctx, commands, now);
  }

  requeue(what: readonly Requeue[], now: Ms): Promise<Requeued[]> {
    return requeue(this.#ctx, what, now);
  }

  // ---- sending ----

  async acquire(node: number, max: number, now: Ms): Promise<Acquired> {
    const held = this.#held.get(node);
    const recounted = held?.recount ? await this.#recount(node, held) : [];
    const rows = await this.#ctx.db.lanes.all<AcquireRow>(ACQUIRE, node, max, now);
    const lanes = [...recounted];
    const commanded: LaneKey[] = [];
    let nextAt = ASLEEP;
    for (const row of rows) {
      const { slot, lane } = row;
      if (row.what === 'next') nextAt = row.next_at ?? ASLEEP;
      else if (row.what === 'command') commanded.push({ slot, lane });
      else {
        held?.lanes.set(laneNumber(row), { slot, lane, taken: row.taken });
        lanes.push(toLane(row));
      }
    }
    return { lanes, commanded, nextAt };
  }

  /**
   * After a lost answer: lanes that the server holds for us and we do not know are ours all the same.
   * They were taken by a statement whose answer did not come, or released by one that the server lost
   * when it crashed.
   */
  async #recount(node: number, held: Held): Promise<Lane[]> {
    held.recount = false;
    const rows = await this.#ctx.db.lanes
      .all<AcquireRow>(`select ${LANE} from lane l ${LANE_JOIN} where l.owner = $1`, node)
      .catch((error: unknown) => {
        held.recount = true;
        throw error;
      });
    const unknown = rows.filter((row) => !held.lanes.has(laneNumber(row)));
    for (const { slot, lane, taken } of unknown) {
      held.lanes.set(laneNumber({ slot, lane }), { slot, lane, taken });
    }
    return unknown.map(toLane);
  }

  async fetch(cursors: readonly Cursor[], now: Ms): Promise<Due[]> {
    if (cursors.length === 0) return [];
    const rows = await this.#ctx.db.lanes.all<DueRow>(
      `select u.slot, u.lane, d.due_at, d.event, d.run, d.own_id, d.attempt, d.starts
       from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::int[], $6::int[])
         with ordinality u(slot, lane, due_at, event, run, rows, n)
       cross join lateral (
         select * from delivery d where d.slot = u.slot and d.lane = u.lane and d.due_at <= $7
           and (d.due_at, d.event, d.run) > (u.due_at, u.event, u.run)
         order by d.due_at, d.event, d.run limit u.rows) d
       order by u.n, d.due_at, d.event, d.run`,
      ...laneArrays(cursors),
      int8s(cursors.map(({ after }) => after?.dueAt ?? -1)),
      uuids(cursors.map(({ after }) => after?.event ?? ('' as EventId))),
      int4s(cursors.map(({ after }) => after?.run ?? -1)),
      int4s(cursors.map(({ limit }) => limit)),
      now,
    );
    return rows.map(({ due_at: dueAt, own_id: ownId, ...row }) => ({ ...row, dueAt, ownId }));
  }

  async load(rows: readonly Due[]): Promise<LoadedDelivery[]> {
    const events = await this.#events(rows);
    const frozen = await this.#frozen(rows.filter(({ attempt }) => attempt > 0));
    return rows.map((row) => {
      const event = events.get(row.event);
      const first = frozen.get(`${row.event}.${row.lane}.${row.run}`);
      return { event, frozen: event && first && joinBody(first, event.data) };
    });
  }

  async #events(rows: readonly Due[]): Promise<Map<EventId, StoredEvent>> {
    const found = new Map<EventId, StoredEvent>();
    const wanted = new Map(rows.map(({ event, slot }) => [event, slot]));
    const byDay = new Map<number, EventId[]>();
    for (const id of wanted.keys()) {
      const day = dayOfEvent(id);
      byDay.set(day, [...(byDay.get(day) ?? []), id]);
    }
    const read = async (table: string, ids: readonly EventId[]) => {
      const events = await this.#ctx.db.lanes.all<EventColumns>(
        `select e.slot, e.id, e.tenant, e.type, e.occurred_at, e.created_at, e.meta, e.data
         from unnest($1::smallint[], $2::uuid[]) u(slot, id) join ${table} e using (slot, id)
         where e.erased_at is null`,
        int2s(ids.map((id) => wanted.get(id) as number)),
        uuids(ids),
      );
      for (const { occurred_at: occurredAt, created_at: createdAt, ...event } of events) {
        found.set(event.id, { ...event, occurredAt, createdAt });
      }
    };
    // Straight from the day's partition; a day that is gone, or an event that moved, from all.
    for (const [day, ids] of byDay) {
      if (!this.#ctx.partitions.has(day)) continue;
      await read(partitionOf('event', day), ids).catch((error: unknown) => {
        if (codeOf(error) !== UNDEFINED_TABLE) throw error;
        this.#ctx.partitions.forget(day);
      });
    }
    const rest = [...wanted.keys()].filter((id) => !found.has(id));
    if (rest.length > 0) await read('event', rest);
    return found;
  }

  /** The body each run was first sent with. */
  async #frozen(rows: readonly Due[]): Promise<Map<string, Body>> {
    if (rows.length === 0) return new Map();
    const found = await this.#ctx.db.lanes.all<
      Body & { event: EventId; lane: number; run: number }
    >(
      `select u.event, u.lane, u.run, a.flags, a.body_before as before, a.body_after as after
       from unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::int[]) u(slot, event, lane, run)
       cross join lateral (
         select flags, body_before, body_after from attempt a
         where a.slot = u.slot and a.event = u.event and a.lane = u.lane and a.run = u.run
           and a.body_before is not null order by a.seq limit 1) a`,
      int2s(rows.map(({ slot }) => slot)),
      uuids(rows.map(({ event }) => event)),
      int8s(rows.map(({ lane }) => lane)),
      int4s(rows.map(({ run }) => run)),
    );
    return new Map(found.map((body) => [`${body.event}.${body.lane}.${body.run}`, body]));
  }

  async start(_node: number, key: Due): Promise<void> {
    await this.#ctx.db.outcomes.run(
      `update delivery set starts = starts + 1
       where slot = $1 and lane = $2 and due_at = $3 and event = $4 and run = $5`,
      key.slot,
      key.lane,
      key.dueAt,
      uuid(key.event),
      key.run,
    );
  }

  // ---- outcomes ----

  async complete(node: number, work: Completion, now: Ms): Promise<Completed> {
    try {
      const completed = await this.#complete(node, work, now);
      for (const result of work.results) this.#doubtful.delete(result);
      return completed;
    } catch (error) {
      // Some may be in the log although the answer, or what came after it, failed.
      for (const result of work.results) this.#doubtful.add(result);
      throw error;
    }
  }

  /**
   * Outcomes first, and committed on their own: a release may wait for an ingest and its disk, and what
   * was sent meanwhile would be sent again after a crash.
   */
  async #complete(node: number, work: Completion, now: Ms): Promise<Completed> {
    const results = await this.#notYetLogged(node, work.results);
    let { release } = work;
    let commanded = release.length === 0 && results.length === 0;
    if (results.length > 0) {
      const applied = await applyResults(this.#ctx, results, { node, now });
      if (!applied.alive) return { fenced: true, moved: [] };
      commanded = applied.commanded;
    }
    if (release.length > 0) {
      const kept = await this.#giveBackAtOnce(node, release, now);
      if (!kept) return { fenced: true, moved: [] };
      commanded ||= kept.length > 0;
      release = release.filter((one) => kept.some((key) => sameLane(one, key)));
    }
    return commanded ? this.#giveBack(node, release, now) : { fenced: false, moved: [] };
  }

  /** In one round trip. Returns the lanes of the node that commands wait for; undefined = it has none any more. */
  async #giveBackAtOnce(
    node: number,
    release: readonly Release[],
    now: Ms,
  ): Promise<readonly LaneKey[] | undefined> {
    return this.#givingBack(node, release, async (known) => {
      const [alive, , kept] = await this.#ctx.db.outcomes.burst((tx) =>
        Promise.all([
          isAlive(tx, node),
          lockForRelease(tx, known),
          releaseLanes(tx, { node, release: known, now }),
        ]),
      );
      return { done: alive ? kept : undefined, kept };
    });
  }

  async #notYetLogged(node: number, results: readonly Result[]): Promise<readonly Result[]> {
    const doubtful = results.filter((result) => this.#doubtful.has(result));
    if (doubtful.length === 0) return results;
    const logged = await findLogged(this.#ctx, doubtful, node);
    return results.filter((result) => !logged.has(result));
  }

  /** Carries out commands that wait for lanes of the node, and releases those that go back. */
  async #giveBack(node: number, release: readonly Release[], now: Ms): Promise<Completed> {
    return this.#givingBack(node, release, async (known) => {
      const done = await this.#ctx.db.outcomes.transaction(async (tx): Promise<Completed> => {
        if (!(await isAlive(tx, node))) return { fenced: true, moved: [] };
        if (known.length > 0) await lockForRelease(tx, known);
        // A statement of its own after the lock: it sees what was committed while we waited for that.
        const commanded = await tx.all<LaneKey>(
          `select distinct c.slot, c.lane from command c
           join lane l on l.slot = c.slot and l.id = c.lane where l.owner = $1`,
          node,
        );
        const moved = await applyKept(this.#ctx, tx, { lanes: commanded, now });
        if (known.length > 0) await releaseLanes(tx, { node, release: known, now });
        return { fenced: false, moved };
      });
      return { done, kept: [] };
    });
  }

  /** Lanes that `act` released are no longer ours; if its answer is lost, nobody knows of them. */
  async #givingBack<T>(
    node: number,
    release: readonly Release[],
    act: (known: readonly Taken[]) => Promise<{ done: T; kept: readonly LaneKey[] }>,
  ): Promise<T> {
    const held = this.#held.get(node);
    const known = inOrder(release).flatMap((one) => {
      const taken = held?.doubtful.get(laneNumber(one)) ?? held?.lanes.get(laneNumber(one))?.taken;
      return taken === undefined ? [] : [{ ...one, taken }];
    });
    const acted = await act(known).catch((error: unknown) => {
      if (isLost(error)) {
        for (const one of known) held?.doubtful.set(laneNumber(one), one.taken);
      }
      throw error;
    });
    for (const one of known) {
      if (acted.kept.some((key) => sameLane(one, key))) continue;
      const number = laneNumber(one);
      held?.doubtful.delete(number);
      if (held?.lanes.get(number)?.taken === one.taken) held.lanes.delete(number);
    }
    return acted.done;
  }
}

/** Which taking of the lane it ends. */
type Taken = Release & { readonly taken: number };

interface Releasing {
  readonly node: number;
  readonly release: readonly Taken[];
  readonly now: Ms;
}

/** The lease holds, and until the transaction ends nobody takes it. */
async function isAlive(tx: Querying, node: number): Promise<boolean> {
  const row = await tx.get<object>('select 1 from node where id = $1 for key share', node);
  return row !== undefined;
}

async function lockForRelease(tx: Querying, release: readonly Taken[]): Promise<void> {
  await tx.all(
    `select 1 from unnest($1::smallint[], $2::bigint[]) u(slot, id) join lane l using (slot, id)
     order by l.slot, l.id for update of l`,
    ...laneArrays(release),
  );
}

/**
 * A statement of its own after the lock: it sees what was committed while we waited for that. Lanes
 * that commands wait for stay, and are returned. GREATEST: a released lane goes to the back of those
 * that wait, not to the front.
 */
function releaseLanes(tx: Querying, { node, release, now }: Releasing): Promise<LaneKey[]> {
  return tx.all<LaneKey>(
    `with commanded as materialized (
       select distinct c.slot, c.lane from command c
       join lane l on l.slot = c.slot and l.id = c.lane where l.owner = $7),
     released as (
       update lane l set owner = null, strikes = 0, crashed_at = null, not_before = u.not_before,
         failing_since = u.failing_since, failures = u.failures,
         next_at = coalesce((
           select greatest(d.due_at, $8, u.not_before) from delivery d
           where d.slot = l.slot and d.lane = l.id order by d.due_at limit 1), ${ASLEEP})
       from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::int[])
         u(slot, id, not_before, failing_since, failures, taken)
       where l.slot = u.slot and l.id = u.id and l.owner = $7 and l.taken = u.taken
         and not exists (select 1 from commanded c where c.slot = u.slot and c.lane = u.id))
     select slot, lane from commanded`,
    ...laneArrays(release),
    int8s(release.map(({ notBefore }) => notBefore)),
    int8s(release.map(({ failingSince }) => failingSince)),
    int4s(release.map(({ failures }) => failures)),
    int4s(release.map(({ taken }) => taken)),
    node,
    now,
  );
}

function sameLane(one: LaneKey, other: LaneKey): boolean {
  return one.slot === other.slot && one.lane === other.lane;
}

interface NodeColumns extends Omit<NodeRow, 'joinedAt' | 'beatAt' | 'clockOffsetMs'> {
  readonly joined_at: Ms;
  readonly beat_at: Ms;
  readonly offset_ms: number;
}

interface AcquireRow extends LaneKey {
  readonly what: 'lane' | 'command' | 'next';
  readonly endpoint: EndpointId;
  readonly taken: number;
  readonly strikes: number;
  readonly crashed_at: Ms | null;
  readonly failing_since: Ms;
  readonly failures: number;
  readonly next_at: Ms | null;
}

const LANE = `l.slot, l.id as lane, e.id as endpoint, l.taken, l.strikes, l.crashed_at,
  l.failing_since, l.failures, l.next_at`;
const LANE_JOIN = 'join endpoint e on e.number = l.id / 16';
const READY = `owner is null and not held and not closed and next_at < ${ASLEEP}`;
/**
 * NO KEY UPDATE: lanes that are being ingested into are not skipped. What it took comes first among
 * those that were ready; a lane that somebody else had locked is due like them.
 */
const ACQUIRE = `
  with alive as materialized (select id from node where id = $1 for key share),
  picked as materialized (
    select slot, id from lane where ${READY} and next_at <= $3
    order by next_at limit $2 for no key update skip locked),
  taken as (
    update lane l set owner = $1, taken = l.taken + 1 from picked p
    where l.slot = p.slot and l.id = p.id and exists (select 1 from alive)
    returning l.*)
  select 'lane' as what, ${LANE} from taken l ${LANE_JOIN}
  union all
  select 'command', c.slot, c.lane, null, 0, 0, null, 0, 0, null from (
    select distinct c.slot, c.lane from command c
    join lane l on l.slot = c.slot and l.id = c.lane where l.owner = $1) c
  union all
  select 'next', 0, 0, null, 0, 0, null, 0, 0, (
    select next_at from lane l where ${READY}
    order by next_at limit 1 offset (select count(*) from taken))`;

function toLane(row: AcquireRow): Lane {
  const { slot, lane, endpoint, strikes, failures } = row;
  const crashedAt = row.crashed_at ?? undefined;
  return { slot, lane, endpoint, strikes, crashedAt, failingSince: row.failing_since, failures };
}

interface DueRow extends Omit<Due, 'dueAt' | 'ownId'> {
  readonly due_at: Ms;
  readonly own_id: boolean;
}

interface EventColumns extends Omit<StoredEvent, 'occurredAt' | 'createdAt'> {
  readonly occurred_at: Ms;
  readonly created_at: Ms;
}

interface Body {
  readonly flags: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array | null;
}

export function joinBody({ flags, before, after }: Body, data: Uint8Array): Uint8Array {
  if ((flags & FLAG_SPLICED) === 0) return before;
  return Buffer.concat([before, data, after ?? EMPTY]);
}
