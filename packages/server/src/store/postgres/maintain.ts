import { ASLEEP, type EventId, type LaneId, type Ms } from '../../core/model.ts';
import { laneNumber } from '../lane-book.ts';
import { ERASED } from '../log-format.ts';
import { passEveryMs } from '../retention.ts';
import type { DeliveryKey, LaneKey, MaintenanceReport, RetentionPolicy } from '../store.ts';
import { int2s, int4s, int8s, uuid, uuids } from './arrays.ts';
import { logDecisions } from './attempts.ts';
import { type Context, inOrder, laneArrays } from './context.ts';
import type { Querying } from './database.ts';
import { Erasure, type ErasureOf } from './erasure.ts';
import { type Fanned, insertDeliveries } from './insertion.ts';
import { type Day, dayOf, dayOfEvent, startOf } from './partitions.ts';
import { dropDays } from './retention.ts';

const LEASE_MS = 15_000;
const CLOSED_LANES_MAX = 16;

const NOTHING: MaintenanceReport = {
  expanded: 0,
  cancelled: 0,
  expired: 0,
  removed: 0,
  erased: 0,
  more: false,
};

/** Somebody may have dropped a day that is yet to come. */
const AHEAD_EVERY_MS = 10 * 60_000;

/** A pass over all that is owed, in the order of the table. */
interface Pass {
  /** Events of days before it are too old. */
  readonly cutoff: Day;
  readonly after: DeliveryKey;
  /** The oldest day of which something could not be expired, because its lane is held. */
  readonly left: Day | undefined;
}

/** Housekeeping, a bounded step at a time. Every node calls; the one with the lease works. */
export class Maintenance {
  readonly #ctx: Context;
  readonly #holder: string;
  #leasedUntil: Ms = 0;
  #aheadAt: Ms = 0;
  #pass: Pass | undefined;
  #nextPassAt: Ms = 0;
  /** Events of days before it owe nothing: the days may go. */
  #clearedBefore: Day | undefined;
  /** What the pass under way leads to, and what one that is over has led to. */
  #next: ErasureOf | undefined;
  #erasure: Erasure | undefined;

  /** `holder`: this process, told apart from all others. */
  constructor(ctx: Context, holder: string) {
    this.#ctx = ctx;
    this.#holder = holder;
  }

  async step(policy: RetentionPolicy, now: Ms): Promise<MaintenanceReport> {
    if (!(await this.#lease(now))) return NOTHING;
    await this.#ahead(now);
    const expansion = await this.#expand(policy.chunk, now);
    const cancelled = await this.#cancelClosed(policy.chunk, now);
    const dropped = await this.#drop(now);
    const erased = await this.#erase(policy.chunk, now);
    await this.#forgetJobs(policy, now);
    const expired = await this.#expire(policy, now);
    const unfinished = this.#pass ?? this.#clearedBefore ?? this.#erasure;
    return {
      expanded: expansion.rows,
      cancelled,
      expired,
      removed: dropped.removed,
      erased: dropped.erased + erased,
      more: expansion.more || cancelled > 0 || unfinished !== undefined,
    };
  }

  /** It has the lease: whatever one node does for all is done by this one. */
  leads(now: Ms): boolean {
    return now < this.#leasedUntil;
  }

  async release(): Promise<void> {
    await this.#ctx.db.writes.run('delete from lease where holder = $1', this.#holder);
  }

  async #lease(now: Ms): Promise<boolean> {
    if (now < this.#leasedUntil - LEASE_MS / 2) return true;
    const until = now + LEASE_MS;
    const taken = await this.#ctx.db.writes.run(
      `insert into lease as l (name, holder, expires_at) values ('maintain', $1, $2)
       on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
       where l.holder = excluded.holder or l.expires_at < $3`,
      this.#holder,
      until,
      now,
    );
    this.#leasedUntil = taken > 0 ? until : 0;
    return taken > 0;
  }

  async #ahead(now: Ms): Promise<void> {
    // A clock may also go back.
    if (Math.abs(now - this.#aheadAt) < AHEAD_EVERY_MS) return;
    await this.#ctx.partitions.ahead(now);
    this.#aheadAt = now;
  }

  // ---- wide fan-outs ----

  async #expand(chunk: number, now: Ms): Promise<{ rows: number; more: boolean }> {
    const { reads } = this.#ctx.db;
    // Most of the time there is none: then it costs a look.
    const any = await reads.get<object>('select 1 from expansion limit 1');
    if (!any) return { rows: 0, more: false };
    return this.#ctx.db.writes.transaction(async (tx) => {
      const next = await tx.get<ExpansionRow>(
        `select x.slot, x.event as id, x.done, e.tenant, e.type, e.lanes,
           e.erased_at is not null as erased
         from expansion x join event e on e.slot = x.slot and e.id = x.event and e.day = x.day
         order by x.event limit 1 for update of x skip locked`,
      );
      if (!next) return { rows: 0, more: false };
      await this.#ctx.endpoints.refresh();
      const lanes = next.lanes.slice(next.done, next.done + chunk);
      if (next.erased) await this.#cancelUnowed(tx, { ...next, lanes }, now);
      else await insertDeliveries(this.#ctx, tx, { event: { ...next, lanes }, now });
      const place = [next.slot, uuid(next.id)] as const;
      if (lanes.length === chunk) {
        await tx.run(
          'update expansion set done = done + $3 where slot = $1 and event = $2',
          ...place,
          chunk,
        );
        return { rows: lanes.length, more: true };
      }
      await tx.run('delete from expansion where slot = $1 and event = $2', ...place);
      const other = await tx.get<object>('select 1 from expansion limit 1');
      return { rows: lanes.length, more: other !== undefined };
    });
  }

  /** Deliveries that would be owed had their event not been erased before. */
  async #cancelUnowed(tx: Querying, event: ExpansionRow, now: Ms): Promise<void> {
    const { slot, id, tenant, type, lanes } = event;
    const as = { tenant, type, state: 'cancelled', fault: undefined, detail: ERASED, now } as const;
    const runs = lanes.map((lane) => ({ slot, lane, event: id, run: 0 }));
    await logDecisions(
      this.#ctx,
      tx,
      runs.map((run) => ({ run, ...as })),
    );
  }

  // ---- deleted endpoints ----

  /** What a deleted endpoint was still owed; a held lane waits until its holder has let go. */
  async #cancelClosed(chunk: number, now: Ms): Promise<number> {
    const any = await this.#ctx.db.reads.get<object>(
      `select 1 from lane where closed and next_at < ${ASLEEP} and owner is null limit 1`,
    );
    if (!any) return 0;
    for (let lanes = 0; lanes < CLOSED_LANES_MAX; lanes++) {
      const rows = await this.#ctx.db.writes.transaction((tx) => this.#cancelOne(tx, chunk, now));
      if (rows !== 0) return Math.max(rows, 0);
    }
    return 0;
  }

  /** Rows of one closed lane; -1 = there is none. */
  async #cancelOne(tx: Querying, chunk: number, now: Ms): Promise<number> {
    const lane = await tx.get<LaneKey>(
      `select slot, id as lane from lane
       where closed and next_at < ${ASLEEP} and owner is null
       order by slot, id limit 1 for update skip locked`,
    );
    if (!lane) return -1;
    const rows = await tx.all<OwedRow>(
      `delete from delivery d where d.ctid = any (array (
         select ctid from delivery where slot = $1 and lane = $2
         order by due_at, event, run limit $3))
       returning d.slot, d.lane, d.due_at, d.event, d.run`,
      lane.slot,
      lane.lane,
      chunk,
    );
    await this.#decide(tx, rows, {
      ...{ state: 'cancelled', fault: undefined, detail: 'The webhook was deleted.', now },
    });
    if (rows.length < chunk) {
      await tx.run(
        `update lane set next_at = ${ASLEEP} where slot = $1 and id = $2`,
        lane.slot,
        lane.lane,
      );
    }
    return rows.length;
  }

  // ---- what is too old ----

  /**
   * From time to time all that is owed is walked through once, in the order of the table, and what
   * belongs to events older than the log is given up. Only days that such a pass has cleared go, so
   * neither an event nor the frozen body of a delivery goes while it is owed.
   *
   *   resting ──nextPassAt, and there are old days──▶ pass ──end of the table──▶ drop ──▶ resting
   */
  async #expire(policy: RetentionPolicy, now: Ms): Promise<number> {
    if (!this.#pass) {
      await this.#beginPass(policy, now);
      return 0;
    }
    const { cutoff, after } = this.#pass;
    const rows = await this.#ctx.db.writes.all<OwedRow>(
      `select slot, lane, due_at, event, run from delivery
       where (slot, lane, due_at, event, run) > ($1, $2, $3, $4, $5)
       order by slot, lane, due_at, event, run limit $6`,
      after.slot,
      after.lane,
      after.dueAt,
      uuid(after.event),
      after.run,
      policy.chunk,
    );
    const old = rows.filter(({ event }) => dayOfEvent(event) < cutoff);
    const expired = await this.#giveUp(old, now);
    const kept = old.filter((row) => !expired.has(row)).map(({ event }) => dayOfEvent(event));
    const left = Math.min(this.#pass.left ?? cutoff, ...kept);
    const last = rows.length === policy.chunk ? rows.at(-1) : undefined;
    if (last) {
      const { slot, lane, due_at: dueAt, event, run } = last;
      this.#pass = { cutoff, after: { slot, lane, dueAt, event, run }, left };
    } else {
      this.#pass = undefined;
      this.#nextPassAt = now + passEveryMs(policy);
      this.#clearedBefore = left;
      this.#erasure = this.#next && new Erasure(this.#next);
      await this.#keepFrom(left);
    }
    return expired.size;
  }

  async #beginPass(policy: RetentionPolicy, now: Ms): Promise<void> {
    if (now < this.#nextPassAt) return;
    const cutoff = dayOf(now - policy.logMs);
    const days = await this.#ctx.partitions.list();
    const payloadBefore = now - (policy.payloadMs ?? policy.logMs);
    const old = [...days].filter((day) => startOf(day) < payloadBefore);
    if (old.length === 0 && ![...days].some((day) => day < cutoff)) return;
    this.#next = { before: payloadBefore, days: old.sort((a, b) => a - b) };
    // A resend that comes before this is committed is still found by the pass.
    await this.#keepFrom(cutoff);
    this.#pass = { cutoff, after: FIRST, left: undefined };
  }

  async #keepFrom(day: Day): Promise<void> {
    await this.#ctx.db.writes.run(
      `insert into meta (key, value) values ('kept_from', $1)
       on conflict (key) do update set value = excluded.value`,
      String(day),
    );
  }

  /** Those whose lane nobody holds; returns them. */
  async #giveUp(rows: readonly OwedRow[], now: Ms): Promise<Set<OwedRow>> {
    if (rows.length === 0) return new Set();
    return this.#ctx.db.writes.transaction(async (tx) => {
      const lanes = new Map(rows.map((row) => [laneNumber(row), row]));
      const free = await tx.all<LaneKey>(
        `select l.slot, l.id as lane
         from unnest($1::smallint[], $2::bigint[]) u(slot, id) join lane l using (slot, id)
         where l.owner is null order by l.slot, l.id for no key update of l skip locked`,
        ...laneArrays(inOrder(lanes.values())),
      );
      const locked = new Set(free.map(laneNumber));
      const wanted = rows.filter((row) => locked.has(laneNumber(row)));
      const gone = await tx.all<{ ord: number }>(
        `delete from delivery d using (
           select u.ord, d.place
           from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::int[])
             with ordinality u(slot, lane, due_at, event, run, ord)
           cross join lateral (
             select ctid as place from delivery d where d.slot = u.slot and d.lane = u.lane
               and d.due_at = u.due_at and d.event = u.event and d.run = u.run limit 1) d) r
         where d.ctid = r.place returning r.ord`,
        ...laneArrays(wanted),
        int8s(wanted.map(({ due_at }) => due_at)),
        uuids(wanted.map(({ event }) => event)),
        int4s(wanted.map(({ run }) => run)),
      );
      const expired = gone.flatMap(({ ord }) => wanted[ord - 1] ?? []);
      const detail = 'Held longer than events are kept.';
      await this.#decide(tx, expired, { state: 'failed', fault: 'expired', detail, now });
      return new Set(expired);
    });
  }

  async #decide(
    tx: Querying,
    rows: readonly OwedRow[],
    as: {
      readonly state: 'failed' | 'cancelled';
      readonly fault: 'expired' | undefined;
      readonly detail: string;
      readonly now: Ms;
    },
  ): Promise<void> {
    if (rows.length === 0) return;
    const heads = await tx.all<{ id: EventId; tenant: string; type: string }>(
      `select e.id, e.tenant, e.type from unnest($1::smallint[], $2::uuid[]) u(slot, id)
       join event e using (slot, id)`,
      int2s(rows.map(({ slot }) => slot)),
      uuids(rows.map(({ event }) => event)),
    );
    const known = new Map(heads.map((head) => [head.id, head]));
    await logDecisions(
      this.#ctx,
      tx,
      rows.flatMap((run) => {
        const head = known.get(run.event);
        return head ? [{ run, tenant: head.tenant, type: head.type, ...as }] : [];
      }),
    );
  }

  /** Jobs that ended are part of the log. */
  async #forgetJobs({ logMs, chunk }: RetentionPolicy, now: Ms): Promise<void> {
    await this.#ctx.db.writes.run(
      `delete from job where id in (
         select id from job where ended_at < $1 and ended_at is not null limit $2)`,
      now - logMs,
      chunk,
    );
  }

  /** After the days that went as a whole. */
  async #erase(chunk: number, now: Ms): Promise<number> {
    if (!this.#erasure || this.#clearedBefore !== undefined) return 0;
    const erased = await this.#erasure.step(this.#ctx, chunk, now);
    if (this.#erasure.over) this.#erasure = undefined;
    return erased;
  }

  async #drop(now: Ms): Promise<{ removed: number; erased: number }> {
    const before = this.#clearedBefore;
    if (before === undefined) return { removed: 0, erased: 0 };
    const { removed, erased, more } = await dropDays(this.#ctx, before, now);
    if (!more) this.#clearedBefore = undefined;
    return { removed, erased };
  }
}

const FIRST: DeliveryKey = { slot: -1, lane: 0, dueAt: 0, event: '' as EventId, run: 0 };

interface ExpansionRow extends Fanned {
  readonly done: number;
  readonly lanes: readonly LaneId[];
  readonly erased: boolean;
}

interface OwedRow extends LaneKey {
  readonly due_at: Ms;
  readonly event: EventId;
  readonly run: number;
}
