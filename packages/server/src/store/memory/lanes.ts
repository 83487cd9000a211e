import type { Endpoint, LaneId, Ms } from '../../core/model.ts';
import { ASLEEP } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import { disabling, parted } from '../crossing.ts';
import type { LaneEntry } from '../lane-book.ts';
import { ERASED } from '../log-format.ts';
import { cappedError } from '../retention.ts';
import {
  type Acquired,
  type Completed,
  type Completion,
  type Cursor,
  type DeliveryKey,
  type Due,
  type Erased,
  type Erasure,
  type IngestedEvent,
  type IngestReply,
  type IngestRequest,
  type LaneCommand,
  type LaneStore,
  type LoadedDelivery,
  type NewEvent,
  type Next,
  type NodeInfo,
  type NodeRow,
  type Notice,
  type Requeue,
  type Requeued,
  type Result,
  StoreError,
} from '../store.ts';
import type { MemoryConfig } from './config.ts';
import { compareKeys, type MemoryState } from './state.ts';

export class MemoryLanes implements LaneStore {
  readonly #state: MemoryState;
  readonly #config: MemoryConfig;

  constructor(state: MemoryState, config: MemoryConfig) {
    this.#state = state;
    this.#config = config;
  }

  // ---- nodes ----

  async join(info: NodeInfo, ttlMs: Ms, now: Ms): Promise<number> {
    return this.#state.book.join(info, ttlMs, now);
  }

  async nodes(now: Ms): Promise<NodeRow[]> {
    return this.#state.book.nodes(now, (entry, max) => {
      const due = this.#state.rows(entry).filter(({ dueAt }) => dueAt <= now);
      return Math.min(due.length, max);
    });
  }

  async heartbeat(node: number, ttlMs: Ms, now: Ms): Promise<boolean> {
    return this.#state.book.heartbeat(node, ttlMs, now);
  }

  async leave(node: number, now: Ms): Promise<void> {
    this.#applyLeft(this.#state.book.leave(node, now), now);
  }

  async reap(now: Ms): Promise<{ nodes: number; lanes: number }> {
    const { nodes, lanes } = this.#state.book.reap(now);
    this.#applyLeft(lanes, now);
    return { nodes, lanes: lanes.length };
  }

  #applyLeft(lanes: readonly LaneEntry[], now: Ms): void {
    for (const entry of lanes) {
      for (const command of this.#state.book.takeCommands(entry)) this.#command(command, now);
    }
  }

  // ---- ingest ----

  async ingest(batch: readonly IngestRequest[], version: number, now: Ms): Promise<IngestReply[]> {
    const { capped } = this.#state;
    if (capped) throw cappedError(capped);
    return batch.map((request) => this.#ingest(request, version, now));
  }

  #ingest(request: IngestRequest, version: number, now: Ms): IngestReply {
    const { log, routing } = this.#state;
    if (version < routing) return { kind: 'stale', version: routing };
    for (const { id } of request.events) {
      if (log.events.has(id)) throw new StoreError('unavailable', `${id} is stored already.`);
    }
    const firsts: (NewEvent | undefined)[] = [];
    const here: NewEvent[] = [];
    for (const [index, event] of request.events.entries()) {
      const first = this.#sameKey(event, here);
      if (first && Buffer.compare(first.hash ?? EMPTY, event.hash ?? EMPTY) !== 0) {
        return { kind: 'conflict', index, existing: first.id };
      }
      firsts.push(first);
      if (!first) here.push(event);
    }
    const events = request.events.map((event, i): IngestedEvent => {
      const first = firsts[i];
      if (first) {
        const lanes = log.events.get(first.id)?.event.lanes ?? first.lanes;
        return { id: first.id, duplicate: true, deliveries: lanes.length, irregular: false };
      }
      const irregular = this.#state.keep(event, now);
      return { id: event.id, duplicate: false, deliveries: event.lanes.length, irregular };
    });
    return { kind: 'accepted', events };
  }

  #sameKey(event: NewEvent, here: readonly NewEvent[]): NewEvent | undefined {
    if (event.idempotencyKey === undefined) return undefined;
    const same = (other: NewEvent) =>
      other.tenant === event.tenant && other.idempotencyKey === event.idempotencyKey;
    const { events } = this.#state.log;
    return [...events.values()].map((kept) => kept.event).find(same) ?? here.find(same);
  }

  async requeue(what: readonly Requeue[], now: Ms): Promise<Requeued[]> {
    return what.map((one) => this.again(one, now));
  }

  again({ slot, lane, event: id, after, ownId }: Requeue, now: Ms): Requeued {
    const { log, book, expiredBefore, limits } = this.#state;
    const entry = this.#state.lane(slot, lane);
    const kept = log.events.get(id);
    if (!entry || !kept || kept.event.createdAt < expiredBefore) return { kind: 'unknown' };
    if (kept.erasedAt !== undefined) return { kind: 'erased' };
    if (entry.closed) return { kind: 'closed' };
    const number = numberOfLane(lane);
    const here = (at: { readonly lane: LaneId }) => numberOfLane(at.lane) === number;
    const [pending] = this.#state.owed().filter((row) => row.event === id && here(row));
    const ended = log.attempts.filter((a) => a.row.event === id && here(a) && !a.late);
    const last = pending?.run ?? Math.max(-1, ...ended.map(({ row }) => row.run));
    if (after !== undefined && after > last) return { kind: 'unknown' };
    if (pending) return { kind: 'pending', run: last };
    if (after !== undefined && after < last) return { kind: 'superseded', run: last };
    if (entry.open >= limits.laneMax) return { kind: 'full' };
    const { event } = kept;
    if (!event.lanes.includes(lane)) {
      log.events.set(id, { ...kept, event: { ...event, lanes: [...event.lanes, lane] } });
    }
    const dueAt = book.dueAt(entry, now);
    const run = last + 1;
    this.#state.insert({ slot, lane, event: id, dueAt, run, ownId, attempt: 0, starts: 0 }, entry);
    return { kind: 'owed', run };
  }

  // ---- sending ----

  async acquire(node: number, max: number, now: Ms): Promise<Acquired> {
    return this.#state.book.acquire(node, max, now);
  }

  async fetch(cursors: readonly Cursor[], now: Ms): Promise<Due[]> {
    return cursors.flatMap(({ slot, lane, after, limit }) =>
      this.#state
        .rows({ slot, lane })
        .filter((row) => row.dueAt <= now && (!after || compareKeys(row, after) > 0))
        .slice(0, limit)
        .map((row) => ({ ...row })),
    );
  }

  async load(rows: readonly Due[]): Promise<LoadedDelivery[]> {
    const { log } = this.#state;
    return rows.map((row) => ({
      event: log.stored(row.event),
      frozen: row.attempt > 0 ? log.frozen(row) : undefined,
    }));
  }

  async start(_node: number, key: Due): Promise<void> {
    const row = this.#state.find(key);
    if (row) this.#state.replace(row, { ...row, starts: row.starts + 1 });
  }

  async complete(node: number, work: Completion, now: Ms): Promise<Completed> {
    const { book } = this.#state;
    const fenced = !book.alive(node);
    const told = work.results.flatMap((result) => this.#applyResult(result, node));
    for (const result of work.results) told.push(...this.#disable(result, { node, now }));
    const { here, crossing } = parted(
      this.#state.part,
      told.map(({ event }) => event),
    );
    for (const event of here) this.#state.keep(event, now);
    this.#config.change(crossing);
    const moved: DeliveryKey[] = [];
    for (const entry of fenced ? [] : book.commanded(node)) {
      for (const command of book.takeCommands(entry)) {
        const row = this.#carryOut(entry, command, now);
        if (row) moved.push(keyOf(row));
      }
    }
    for (const release of work.release) {
      const entry = book.get(release);
      if (!entry || !book.holds(node, entry)) continue;
      const dueAt = this.#state.rows(release)[0]?.dueAt ?? ASLEEP;
      book.release(entry, release, { dueAt, now });
    }
    return { fenced, moved };
  }

  /** The notices that it made true. */
  #applyResult(result: Result, node: number): Notice[] {
    const { key, next, notices = [] } = result;
    const { book, log } = this.#state;
    const ours = book.holds(node, this.#state.lane(key.slot, key.lane));
    if ((ours || next.kind === 'succeeded') && this.#applyNext(result)) {
      log.log(result, { next, late: false });
      const told = notices.filter((notice) => this.#cameTrue(key, notice));
      if (next.kind === 'succeeded') this.#state.alerts.delete(numberOfLane(key.lane));
      return told;
    }
    if (!log.events.has(key.event)) return [];
    const ended = log.ofRun(key).findLast(({ row }) => row.state !== 'pending')?.row.state;
    const before: Next =
      ended === undefined || ended === 'pending'
        ? { kind: 'retry', at: key.dueAt }
        : { kind: ended };
    log.log(result, { next: before, late: ended !== undefined });
    return [];
  }

  #cameTrue(key: Due, { when }: Notice): boolean {
    const { alerts, log } = this.#state;
    if (when.kind === 'recovered') {
      const before = log.ofRun({ ...key, run: key.run - 1 });
      return before.findLast(({ row }) => row.state !== 'pending')?.row.state === 'failed';
    }
    if (when.kind !== 'failing') return when.kind === 'applied';
    const number = numberOfLane(key.lane);
    if ((alerts.get(number) ?? 0) >= when.level) return false;
    alerts.set(number, when.level);
    return true;
  }

  /** false = there was nothing to apply it to. */
  #applyNext({ key, next }: Result): boolean {
    const state = this.#state;
    const row = state.find(key) ?? (next.kind === 'succeeded' ? state.findRun(key) : undefined);
    if (!row) return false;
    if (next.kind !== 'retry' && next.kind !== 'keep') {
      state.remove(row);
      return true;
    }
    if (row.attempt !== key.attempt) return false;
    const dueAt = next.kind === 'retry' ? next.at : row.dueAt;
    state.replace(row, { ...row, dueAt, attempt: row.attempt + 1, starts: 0 });
    return true;
  }

  /** The notices that it made true. */
  #disable(
    { key, attempt, disable, notices = [] }: Result,
    by: { node: number; now: Ms },
  ): readonly Notice[] {
    const item = this.#state.items.get(`endpoint/${attempt.endpoint}`);
    const endpoint = item?.value as Endpoint | null | undefined;
    if (!disable || !item || !endpoint || endpoint.disabled) return [];
    if (!this.#state.book.holds(by.node, this.#state.lane(key.slot, key.lane))) return [];
    const disabled = { at: by.now, reason: disable.reason };
    const value = { ...endpoint, disabled, updatedAt: by.now };
    const told = notices.filter(({ when }) => when.kind === 'disabled');
    const { tenant } = item;
    const what = { endpoint: endpoint.id, tenant, by: key.event };
    const events = told.map(({ event }) => event);
    const crossing = this.#state.part.first
      ? []
      : [disabling(what, { ...disable, at: by.now, events })];
    this.#config.change([...crossing, { ...item, value, expected: undefined }]);
    return crossing.length > 0 ? [] : told;
  }

  // ---- commands ----

  async command(
    commands: readonly LaneCommand[],
    now: Ms,
  ): Promise<('applied' | 'queued' | 'absent')[]> {
    return commands.map((command) => this.#command(command, now));
  }

  #command(command: LaneCommand, now: Ms): 'applied' | 'queued' | 'absent' {
    const entry = this.#state.lane(command.slot, command.lane);
    if (!entry) return 'absent';
    if (entry.owner !== 0) {
      this.#state.book.queueCommand(entry, command);
      return 'queued';
    }
    return this.#carryOut(entry, command, now) ? 'applied' : 'absent';
  }

  /** Takes the payload of an event and cancels what is pending of it. */
  erase({ tenant, event: id }: Erasure, now: Ms): Erased | undefined {
    const { log, book } = this.#state;
    if (log.events.get(id)?.event.tenant !== tenant) return undefined;
    log.erase(id, now);
    let [cancelled, asked] = [0, 0];
    for (const { slot, lane, event, run } of this.#state.owed()) {
      const entry = event === id ? this.#state.lane(slot, lane) : undefined;
      if (!entry) continue;
      const command = { slot, lane, event, run, do: 'cancel' } as const;
      if (entry.owner === 0) {
        this.#carryOut(entry, command, now);
        cancelled += 1;
        continue;
      }
      asked += 1;
      const known = entry.commands.some(
        (c) => c.event === id && c.run === run && c.do === 'cancel',
      );
      if (!known) book.queueCommand(entry, command);
    }
    return { erasedAt: log.events.get(id)?.erasedAt ?? now, cancelled, asked, next: undefined };
  }

  #carryOut(entry: LaneEntry, command: LaneCommand, now: Ms): Due | undefined {
    const state = this.#state;
    const row = state.findRun(command);
    if (!row) return undefined;
    if (command.do === 'cancel') {
      const erased = state.log.events.get(row.event)?.erasedAt !== undefined;
      const detail = erased ? ERASED : 'Cancelled on request.';
      state.remove(row);
      state.decide(row, { state: 'cancelled', detail, now });
      return row;
    }
    state.log.hasten(row, now);
    if (entry.fifo) {
      state.book.endWait(entry, now);
    } else {
      if (row.dueAt > now) state.replace(row, { ...row, dueAt: now });
      state.book.wake(entry, now);
    }
    return row;
  }
}

const EMPTY = new Uint8Array();

function keyOf(row: Due): DeliveryKey {
  const { slot, lane, dueAt, event, run } = row;
  return { slot, lane, dueAt, event, run };
}
