import type { Ms } from '../../core/model.ts';
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
  Requeue,
} from '../store.ts';
import { FLAG_SPLICED } from './attempts.ts';
import { applyCommand, type CommandEffect, carryOut, completeJob, keyOfRow } from './complete.ts';
import { type Engine, idBytes, readEvent } from './engine.ts';
import { ingestJob } from './ingest.ts';

/** A process that lives this long is not being killed by what it sends. */
const SETTLED_MS = 60_000;

interface DeliveryRow {
  readonly slot: number;
  readonly lane: number;
  readonly due_at: Ms;
  readonly event: Uint8Array;
  readonly run: number;
  readonly attempt: number;
  readonly starts: number;
}

export class SqliteLanes implements LaneStore {
  readonly #engine: Engine;
  #joinedAt: Ms | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async join(_info: NodeInfo, ttlMs: Ms, now: Ms): Promise<number> {
    this.#joinedAt ??= now;
    return this.#engine.book.join(ttlMs, now);
  }

  async heartbeat(node: number, ttlMs: Ms, now: Ms): Promise<boolean> {
    if (this.#joinedAt !== undefined && now - this.#joinedAt > SETTLED_MS) {
      this.#joinedAt = Number.POSITIVE_INFINITY;
      await this.#engine.committer.run({ execute: () => this.#engine.settled() });
    }
    return this.#engine.book.heartbeat(node, ttlMs, now);
  }

  async leave(node: number, now: Ms): Promise<void> {
    this.#engine.book.leave(node, now);
  }

  async reap(now: Ms): Promise<{ nodes: number; lanes: number }> {
    const { nodes, lanes } = this.#engine.book.reap(now);
    for (const entry of lanes) {
      const left = this.#engine.book.takeCommands(entry);
      if (left.length > 0) await this.command(left, now);
    }
    return { nodes, lanes: lanes.length };
  }

  ingest(batch: readonly IngestRequest[], configVersion: number, now: Ms): Promise<IngestReply[]> {
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
      `select slot, lane, due_at, event, run, attempt, starts from delivery
       where slot = ? and lane = ? and due_at <= ? and (due_at, event, run) > (?, ?, ?)
       order by due_at, event, run limit ?`,
      cursor.slot,
      cursor.lane,
      now,
      after?.dueAt ?? -1,
      after ? idBytes(after.event) : new Uint8Array(),
      after?.run ?? -1,
      cursor.limit,
    );
    return rows.map((row) => ({ ...keyOfRow(row), attempt: row.attempt, starts: row.starts }));
  }

  async load(rows: readonly Due[]): Promise<LoadedDelivery[]> {
    return rows.map((row) => {
      const event = readEvent(this.#engine, idBytes(row.event));
      const frozen = event && row.attempt > 0 ? this.#frozen(row, event.data) : undefined;
      return { event, frozen };
    });
  }

  #frozen(row: Due, data: Uint8Array): Uint8Array | undefined {
    const first = this.#engine.db.get<{
      flags: number;
      before: Uint8Array;
      after: Uint8Array | null;
    }>(
      `select flags, body_before as before, body_after as after from attempt
       where event = ? and slot = ? and lane = ? and run = ? and body_before is not null
       order by rowid limit 1`,
      idBytes(row.event),
      row.slot,
      row.lane,
      row.run,
    );
    if (!first) return undefined;
    if ((first.flags & FLAG_SPLICED) === 0) return first.before;
    return Buffer.concat([first.before, data, first.after ?? new Uint8Array()]);
  }

  start(_node: number, key: Due): Promise<void> {
    const { db, committer } = this.#engine;
    return committer.run({
      execute() {
        db.run(
          `update delivery set starts = starts + 1
           where slot = ? and lane = ? and due_at = ? and event = ? and run = ?`,
          key.slot,
          key.lane,
          key.dueAt,
          idBytes(key.event),
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
    let queued: LaneCommand[] = [];
    return engine.committer.run({
      execute() {
        effects = [];
        queued = [];
        return commands.map((command) => {
          const entry = engine.lane(command.slot, command.lane);
          if (!entry) return 'absent';
          if (entry.owner !== 0) {
            keepCommand(engine, command);
            queued.push(command);
            return 'queued';
          }
          const effect = applyCommand(engine, command, now);
          forgetCommand(engine, command);
          effects.push(effect);
          return effect.moved ? 'applied' : 'absent';
        });
      },
      applied() {
        for (const command of queued) {
          const entry = engine.lane(command.slot, command.lane);
          if (entry) engine.book.queueCommand(entry, command);
        }
        tell(engine, effects);
      },
    });
  }

  requeue(what: readonly Requeue[], now: Ms): Promise<number[]> {
    const engine = this.#engine;
    return engine.committer.run({
      execute: () => what.map((one) => requeue(engine, one, now)),
      applied() {
        for (const { slot, lane } of what) {
          const entry = engine.lane(slot, lane);
          if (!entry) continue;
          entry.open += 1;
          engine.book.wake(entry, now);
        }
      },
    });
  }
}

function tell(engine: Engine, effects: readonly CommandEffect[]): void {
  for (const effect of effects) {
    const entry = engine.lane(effect.command.slot, effect.command.lane);
    if (entry) carryOut(engine, entry, effect);
  }
}

function keepCommand(engine: Engine, command: LaneCommand): void {
  engine.db.run(
    'insert or ignore into command (slot, lane, event, run, kind) values (?, ?, ?, ?, ?)',
    command.slot,
    command.lane,
    idBytes(command.event),
    command.run,
    command.do,
  );
}

function forgetCommand(engine: Engine, command: LaneCommand): void {
  engine.db.run(
    'delete from command where slot = ? and lane = ? and event = ? and run = ? and kind = ?',
    command.slot,
    command.lane,
    idBytes(command.event),
    command.run,
    command.do,
  );
}

function requeue(engine: Engine, what: Requeue, now: Ms): number {
  const { db } = engine;
  const event = idBytes(what.event);
  const place = [event, what.slot, what.lane] as const;
  const last = db.get<{ run: number | null }>(
    `select max(run) as run from (
       select run from attempt where event = ? and slot = ? and lane = ?
       union all select run from delivery where event = ? and slot = ? and lane = ?)`,
    ...place,
    ...place,
  );
  const run = last?.run === null || last === undefined ? 0 : last.run + 1;
  db.run(
    `update event set lanes = json_insert(lanes, '$[#]', ?) where id = ?
     and not exists (select 1 from json_each(lanes) where value = ?)`,
    what.lane,
    event,
    what.lane,
  );
  db.run(
    'insert into delivery (slot, lane, due_at, event, run, attempt, starts) values (?, ?, ?, ?, ?, 0, 0)',
    what.slot,
    what.lane,
    now,
    event,
    run,
  );
  return run;
}
