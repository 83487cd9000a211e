import type { Ms } from '../../core/model.ts';
import type { LaneEntry } from '../lane-book.ts';
import { FLAG_SPLICED } from '../log-format.ts';
import { cappedError } from '../retention.ts';
import type {
  Acquired,
  Completed,
  Completion,
  Cursor,
  Due,
  IngestReply,
  IngestRequest,
  LaneCommand,
  LaneStore,
  LoadedDelivery,
  NodeInfo,
  NodeRow,
  Requeue,
  Requeued,
} from '../store.ts';
import {
  applyCommand,
  type CommandEffect,
  carryOut,
  completeJob,
  forgetCommand,
  keepCommand,
} from './complete.ts';
import { type Engine, readEvent } from './engine.ts';
import { ingestJob } from './ingest.ts';
import { eventId, eventSeq, SEQ_MIN } from './keys.ts';
import { NewRuns } from './requeue.ts';
import { REST } from './rows.ts';
import { sumOfBody } from './sums.ts';

/** A process that lives this long is not being killed by what it sends. */
const SETTLED_MS = 60_000;

interface DeliveryRow {
  readonly slot: number;
  readonly lane: number;
  readonly due_at: Ms;
  readonly event: number;
  /** Of the event's id. */
  readonly rest: Uint8Array;
  readonly run: number;
  readonly own_id: number;
  readonly attempt: number;
  readonly starts: number;
}

export class SqliteLanes implements LaneStore {
  readonly #engine: Engine;
  #joinedAt: Ms | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async join(info: NodeInfo, ttlMs: Ms, now: Ms): Promise<number> {
    this.#joinedAt ??= now;
    return this.#engine.book.join(info, ttlMs, now);
  }

  async nodes(now: Ms): Promise<NodeRow[]> {
    return this.#engine.book.nodes(now, ({ slot, lane, open }, max) => {
      if (open === 0 || max === 0) return 0;
      const row = this.#engine.db.get<{ n: number }>(
        `select count(*) as n from (
           select 1 from delivery where slot = ? and lane = ? and due_at <= ? limit ?)`,
        slot,
        lane,
        now,
        max,
      );
      return row?.n ?? 0;
    });
  }

  async heartbeat(node: number, ttlMs: Ms, now: Ms): Promise<boolean> {
    if (this.#joinedAt !== undefined && now - this.#joinedAt > SETTLED_MS) {
      this.#joinedAt = Number.POSITIVE_INFINITY;
      await this.#engine.committer.run({
        durable: false,
        execute: () => this.#engine.settled(),
      });
    }
    return this.#engine.book.heartbeat(node, ttlMs, now);
  }

  async leave(node: number, now: Ms): Promise<void> {
    await this.#applyLeft(this.#engine.book.leave(node, now), now);
  }

  async reap(now: Ms): Promise<{ nodes: number; lanes: number }> {
    const { nodes, lanes } = this.#engine.book.reap(now);
    await this.#applyLeft(lanes, now);
    return { nodes, lanes: lanes.length };
  }

  /** Commands that the last holder did not come to. Whoever takes a lane meanwhile gets its own. */
  async #applyLeft(lanes: readonly LaneEntry[], now: Ms): Promise<void> {
    const left = lanes.flatMap(({ commands }) => commands);
    if (left.length === 0) return;
    for (const entry of lanes) this.#engine.book.takeCommands(entry);
    await this.command(left, now);
  }

  ingest(batch: readonly IngestRequest[], configVersion: number, now: Ms): Promise<IngestReply[]> {
    const { capped } = this.#engine;
    if (capped) return Promise.reject(cappedError(capped));
    return this.#engine.committer.run(ingestJob(this.#engine, batch, { configVersion, now }));
  }

  async acquire(node: number, max: number, now: Ms): Promise<Acquired> {
    return this.#engine.book.acquire(node, max, now);
  }

  async fetch(cursors: readonly Cursor[], now: Ms): Promise<Due[]> {
    return cursors.flatMap((cursor) => this.#fetchLane(cursor, now));
  }

  #fetchLane(cursor: Cursor, now: Ms): Due[] {
    const { after } = cursor;
    const rows = this.#engine.db.all<DeliveryRow>(
      `select d.slot as slot, d.lane as lane, d.due_at as due_at, d.event as event, ${REST},
         d.run as run, d.own_id as own_id, d.attempt as attempt, d.starts as starts
       from delivery d left join event e on e.seq = d.event
       where d.slot = ? and d.lane = ? and d.due_at <= ? and (d.due_at, d.event, d.run) > (?, ?, ?)
         and d.event < ?
       order by d.due_at, d.event, d.run limit ?`,
      cursor.slot,
      cursor.lane,
      now,
      after?.dueAt ?? -1,
      after ? eventSeq(after.event) : SEQ_MIN,
      after?.run ?? -1,
      this.#engine.hiddenFrom,
      cursor.limit,
    );
    return rows.map(toDue);
  }

  async load(rows: readonly Due[]): Promise<LoadedDelivery[]> {
    return rows.map((row) => {
      const found = readEvent(this.#engine, row);
      if (!found) return { event: undefined, frozen: undefined };
      const { damaged, ...event } = found;
      const first = row.attempt > 0 ? this.#firstBody(row) : undefined;
      if (damaged || (first && isDamaged(first)))
        return { event, frozen: undefined, damaged: true };
      return { event, frozen: first && bodyOf(first, event.data) };
    });
  }

  #firstBody(row: Due): FirstBody | undefined {
    return this.#engine.db.get<FirstBody>(
      `select flags, body_before as before, body_after as after, sum from attempt
       where event = ? and slot = ? and lane = ? and run = ? and body_before is not null
       order by seq limit 1`,
      eventSeq(row.event),
      row.slot,
      row.lane,
      row.run,
    );
  }

  start(_node: number, key: Due): Promise<void> {
    const { db, committer } = this.#engine;
    return committer.run({
      // It guards against processes that die, not against power cuts.
      durable: false,
      execute() {
        db.run(
          `update delivery set starts = starts + 1
           where slot = ? and lane = ? and due_at = ? and event = ? and run = ?`,
          key.slot,
          key.lane,
          key.dueAt,
          eventSeq(key.event),
          key.run,
        );
      },
    });
  }

  complete(node: number, work: Completion, now: Ms): Promise<Completed> {
    return this.#engine.committer.run(completeJob(this.#engine, work, { node, now }));
  }

  command(commands: readonly LaneCommand[], now: Ms): Promise<('applied' | 'queued' | 'absent')[]> {
    const engine = this.#engine;
    let effects: CommandEffect[] = [];
    return engine.committer.run({
      durable: true,
      execute() {
        effects = [];
        return commands.map((command) => {
          const entry = engine.lane(command.slot, command.lane);
          if (!entry) return 'absent';
          if (entry.owner !== 0) {
            keepCommand(engine, command);
            engine.book.queueCommand(entry, command);
            return 'queued';
          }
          const effect = applyCommand(engine, command, now);
          forgetCommand(engine, command);
          effects.push(effect);
          return effect.moved ? 'applied' : 'absent';
        });
      },
      applied() {
        for (const effect of effects) carryOut(engine, effect);
      },
    });
  }

  requeue(what: readonly Requeue[], now: Ms): Promise<Requeued[]> {
    const runs = new NewRuns(this.#engine, now);
    return this.#engine.committer.run({
      durable: true,
      execute() {
        runs.clear();
        return what.map((one) => runs.add(one));
      },
      applied: () => runs.applied(),
    });
  }
}

function toDue(row: DeliveryRow): Due {
  const { slot, lane, run, attempt, starts } = row;
  const event = eventId(row.event, row.rest);
  const ownId = row.own_id !== 0;
  return { slot, lane, dueAt: row.due_at, event, run, ownId, attempt, starts };
}

/** What a run was first sent with, as it is kept. */
interface FirstBody {
  readonly flags: number;
  readonly before: Uint8Array;
  readonly after: Uint8Array | null;
  readonly sum: number | null;
}

function isDamaged({ before, after, sum }: FirstBody): boolean {
  return sum !== null && sum !== sumOfBody(before, after);
}

function bodyOf({ flags, before, after }: FirstBody, data: Uint8Array): Uint8Array {
  if ((flags & FLAG_SPLICED) === 0) return before;
  return Buffer.concat([before, data, after ?? new Uint8Array()]);
}
