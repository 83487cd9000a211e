import type { Fault } from '../core/exchange.ts';
import { Dispatcher } from '../core/lane-state.ts';
import { ASLEEP, type Endpoint, type EndpointId, type EventId, type Ms } from '../core/model.ts';
import { healthSince, settle } from '../core/settle.ts';
import { laneNumber } from '../store/lane-book.ts';
import type {
  ConfigItem,
  DeliveryKey,
  Due,
  LaneKey,
  NewEvent,
  Release,
  Result,
} from '../store/store.ts';
import { EventCache } from './event-cache.ts';
import { DAMAGED, groupByLane, HeldLane, justStored, type Ready, rowKey } from './held-lane.ts';
import { Lease } from './lease.ts';
import { lanesOf } from './offering.ts';
import { newsOf } from './own-events.ts';
import { lostEvent, noExchange, type Plan, planFor, recordOf, render, sentAs } from './plan.ts';
import { Sharing } from './sharing.ts';
import type { WorkerOptions } from './worker-options.ts';

const HELD_MAX = 2048;
const BUFFER_ROWS = 32;
const QUANTUM_ROWS = 200;
const QUANTUM_MS = 5000;
const LINGER_MS = 1000;
/** Where others wait for lanes as well. */
const LINGER_SHARED_MS = 200;
const POLL_MIN_MS = 5;
const POLL_MAX_MS = 100;
const BACKOFF_MAX_MS = 5000;
/** A server comes back within seconds, and others wait for what it has. */
const BACKOFF_SHARED_MAX_MS = 1000;
const STRIKES_CAREFUL = 3;
const STARTS_MAX = 3;
const FETCH_LANES_MAX = 256;
const COMPLETE_MAX = 1000;
/** What a stop leaves the store for the outcomes of aborted sends. */
const SETTLE_MAX_MS = 5000;

/**
 * Holds lanes, sends what is due in them, and gives them back. One loop without a fixed beat: every
 * answer, wake and timer calls `#pump`, which does whatever can be done now.
 *
 *   acquire ─▶ held ─▶ fetch ─▶ buffer ─▶ send ─▶ settle ─▶ complete ─▶ … ─▶ idle ─▶ release
 *
 * At most one acquire, one fetch and one complete are under way; each carries all that came up while
 * the last one ran. Rows in memory stay in their lane's `known` until `complete` resolved, so nothing
 * that a fetch returns can be sent twice.
 */
export class Worker {
  readonly #o: WorkerOptions;
  readonly #lanes = new Map<number, HeldLane>();
  readonly #dispatcher = new Dispatcher<HeldLane>();
  readonly #waiting = new Set<HeldLane>();
  readonly #hungry = new Set<HeldLane>();
  /** Idle and kept for a moment, longest idle first; and those that go back at once. */
  readonly #idle = new Set<HeldLane>();
  readonly #leaving = new Set<HeldLane>();
  /** Told by an answer to stop, and the store not yet asked or the configuration not yet read. */
  readonly #disabling = new Set<EndpointId>();
  #plans = new WeakMap<Endpoint, Plan>();
  readonly #cache = new EventCache();
  readonly #abort = new AbortController();
  readonly #lease: Lease;
  /** undefined = no other process has a part in the store. */
  readonly #sharing: Sharing | undefined;
  #results: Result[] = [];
  #releases: { lane: HeldLane; release: Release }[] = [];
  #unsettled = 0;
  #inFlight = 0;
  #slowInFlight = 0;
  #acquiring = false;
  #fetching = false;
  #completing = false;
  #commanded = false;
  #wake = true;
  #nextAcquireAt: Ms = 0;
  #pollMs = POLL_MIN_MS;
  /** Outcomes were refused: until the store takes them, more sends would only be more of them. */
  #unstored = false;
  #storeFailures = 0;
  #storeRetryAt: Ms = 0;
  #stopping = false;
  #pumping = false;
  #timer: { at: Ms; cancel: () => void } | undefined;
  #drained: (() => void) | undefined;

  constructor(options: WorkerOptions) {
    this.#o = options;
    const { store, clock, log, name, version, roles, shared, since } = options;
    this.#lease = new Lease({
      ...{ store, clock, log, shared, info: { name, version, roles, since } },
      lost: () => this.#dropAll(),
      renewed: () => this.poke(),
    });
    this.#sharing = shared ? new Sharing(options.load ?? (() => 0)) : undefined;
    options.view.onChange((items) => this.#configured(items));
  }

  async start(): Promise<void> {
    await this.#lease.start();
    this.#pump();
  }

  get stats(): { inFlight: number; held: number; unsettled: number } {
    return { inFlight: this.#inFlight, held: this.#lanes.size, unsettled: this.#unsettled };
  }

  /** Something may be due: look now rather than at the next poll. */
  poke(): void {
    this.#wake = true;
    this.#pump();
  }

  /** Another node may be told of them by the store before this one is. */
  coming(events: readonly NewEvent[]): void {
    for (const event of events) if (event.lanes.length > 0) this.#cache.put(event);
  }

  /**
   * Events this node just stored, due now in each of their lanes. A lane that is held, read to its
   * end and not behind takes them straight from memory; otherwise they are found in the store.
   */
  offer(events: readonly NewEvent[]): void {
    for (const event of events) {
      let kept = false;
      for (const number of event.lanes) {
        const lane = this.#lanes.get(laneNumber({ slot: event.slot, lane: number }));
        if (!lane) this.#wake = true;
        const taken = lane?.offer(justStored(event, number), BUFFER_ROWS) ?? false;
        // Read from the store in a moment: then its event need not be.
        if (!taken && !kept) this.#cache.put(event);
        kept ||= !taken;
        if (lane) this.#refresh(lane);
      }
    }
    this.#pump();
  }

  /** Its payload is gone: nothing of it that is in memory is sent. */
  erased(event: EventId): void {
    this.#cache.forget(event);
    for (const lane of this.#lanes.values()) lane.removeEvent(event);
    this.poke();
  }

  /** Runs were added to these lanes, or commands given: what was read of them may be behind. */
  asked(lanes: readonly LaneKey[]): void {
    for (const key of lanes) {
      const lane = this.#lanes.get(laneNumber(key));
      if (!lane) continue;
      lane.restart();
      this.#refresh(lane);
    }
    this.poke();
  }

  /**
   * Stops taking work, lets what is in flight end (or aborts it after `drainMs`), gives all back. A
   * store that then still refuses the outcomes is not waited for: the next start finds them owed.
   */
  async stop(drainMs: Ms): Promise<void> {
    this.#stopping = true;
    for (const lane of this.#lanes.values()) lane.forgetBuffer();
    let cancel = () => {};
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
      cancel = this.#o.clock.after(drainMs, () => {
        this.#abort.abort();
        cancel = this.#o.clock.after(SETTLE_MAX_MS, () => {
          this.#o.log.error(this.stats, 'stopped before all outcomes were stored');
          resolve();
        });
      });
      this.#pump();
    });
    cancel();
    this.#timer?.cancel();
    await this.#lease.leave();
  }

  #dropAll(): void {
    for (const lane of this.#lanes.values()) this.#drop(lane);
  }

  // ---- the loop ----

  #pump(): void {
    // Before it has joined, a node may hold nothing.
    if (this.#pumping || this.#lease.node === 0) return;
    this.#pumping = true;
    try {
      const now = this.#o.clock.now();
      const answers = !this.#unstored && now >= this.#storeRetryAt;
      if (!this.#stopping && answers && this.#lease.holds(now)) {
        this.#endWaits(now);
        this.#look(now);
        this.#dispatch();
        if (this.#hungry.size > 0) void this.#fetch(now);
        void this.#acquire(now);
      }
      this.#retire(now);
      void this.#complete(now);
      this.#schedule(now);
      if (this.#stopping && this.#isDrained()) this.#drained?.();
    } finally {
      this.#pumping = false;
    }
  }

  #isDrained(): boolean {
    const asking = this.#acquiring || this.#fetching || this.#completing;
    return this.#unsettled === 0 && this.#lanes.size + this.#releases.length === 0 && !asking;
  }

  /** Sends while lanes, sockets and the store's patience allow. */
  #dispatch(): void {
    const { concurrency, clock } = this.#o;
    while (this.#inFlight < concurrency && this.#unsettled < 2 * concurrency) {
      const lane = this.#dispatcher.next(this.#slowInFlight < concurrency / 2);
      if (!lane) return;
      // Read for each: what became ready by a later time than this would be asked again for ever.
      const now = clock.now();
      const ready = lane.canSend(now) ? lane.buffer.shift() : undefined;
      if (ready) this.#send(lane, ready, now);
      this.#refresh(lane);
    }
  }

  /** Puts a lane where its state says: ready to send, waiting for a time, hungry for rows, idle. */
  #refresh(lane: HeldLane): void {
    const now = this.#o.clock.now();
    if (lane.dropped) return;
    lane.rereadIfDue(now);
    if (lane.canSend(now)) this.#dispatcher.add(lane);
    else this.#dispatcher.remove(lane);
    if (lane.wakesAt(now) < ASLEEP) this.#waiting.add(lane);
    else this.#waiting.delete(lane);
    const wanting = (lane.more || lane.looking) && !lane.yielding;
    const hungry = wanting && lane.buffer.length <= BUFFER_ROWS / 4;
    if (hungry && !lane.fetching) this.#hungry.add(lane);
    else this.#hungry.delete(lane);
    if (lane.empty) {
      if (lane.idleSince === undefined) lane.idleSince = now;
      if (lane.mayLinger) {
        this.#idle.add(lane);
      } else {
        this.#idle.delete(lane);
        this.#leaving.add(lane);
      }
    } else {
      lane.idleSince = undefined;
      this.#idle.delete(lane);
      this.#leaving.delete(lane);
    }
  }

  #endWaits(now: Ms): void {
    for (const lane of this.#waiting) {
      if (lane.waitUntil <= now || lane.owesAt <= now) this.#refresh(lane);
    }
  }

  #look(now: Ms): void {
    if (!this.#sharing?.looks(this.#lanes.size, now)) return;
    for (const lane of this.#lanes.values()) {
      lane.look();
      this.#refresh(lane);
    }
    for (const lane of this.#sharing.offered(this.#lanes, now)) {
      this.#yield(lane);
      this.#refresh(lane);
    }
  }

  // ---- acquire and fetch ----

  async #acquire(now: Ms): Promise<void> {
    if (this.#acquiring || this.#stopping || (!this.#wake && now < this.#nextAcquireAt)) return;
    if (now < this.#restsUntil) return;
    const room = HELD_MAX - this.#lanes.size;
    if (room <= 0) {
      this.#makeRoom(now);
      this.#nextAcquireAt = now + POLL_MAX_MS;
      return;
    }
    this.#acquiring = true;
    this.#wake = false;
    try {
      const { node } = this.#lease;
      const taken = await this.#o.store.acquire(node, Math.min(room, FETCH_LANES_MAX), now);
      // Taken for a node that was found dead meanwhile: they are not ours.
      if (node !== this.#lease.node) return;
      if (taken.lanes.length > 0) {
        this.#o.at('worker:acquired');
        if (taken.lanes.some((lane) => !this.#o.view.endpoint(lane.endpoint))) {
          await this.#o.view.refresh();
        }
        for (const lane of taken.lanes)
          this.#take(new HeldLane(lane, this.#limitsOf(lane.endpoint), now));
      }
      this.#commanded ||= taken.commanded.length > 0;
      this.#pollMs = taken.lanes.length > 0 ? POLL_MIN_MS : Math.min(POLL_MAX_MS, this.#pollMs * 2);
      this.#nextAcquireAt = this.#o.shared
        ? now + this.#pollMs
        : Math.max(Math.min(taken.nextAt, now + 10_000), now + 1);
      if (taken.lanes.length === FETCH_LANES_MAX) this.#wake = true;
    } catch (error) {
      this.#wake = true;
      this.#storeFailed(error);
    } finally {
      this.#acquiring = false;
    }
    this.#pump();
  }

  #take(lane: HeldLane): void {
    this.#lanes.set(laneNumber(lane), lane);
    if (lane.strikes >= STRIKES_CAREFUL) {
      this.#o.log.warn(
        { endpoint: lane.endpoint, strikes: lane.strikes },
        'processes died while sending here: one delivery at a time, each written down first',
      );
    }
    this.#reconsider(lane);
  }

  /** The endpoint changed or vanished: what may be sent is judged anew. */
  #reconsider(lane: HeldLane): void {
    const endpoint = this.#o.view.endpoint(lane.endpoint);
    if (!endpoint) lane.waitUntil = this.#o.clock.now() + LINGER_MS;
    const held = endpoint?.paused || endpoint?.disabled || this.#disabling.has(lane.endpoint);
    if (!endpoint || held) this.#yield(lane);
    else lane.setLimits(this.#plan(lane.endpoint)?.limits ?? lane.limits);
    this.#refresh(lane);
  }

  #yield(lane: HeldLane): void {
    lane.yielding = true;
    lane.forgetBuffer();
  }

  /** More lanes are ready than fit: idle ones go, then those that had their turn. */
  #makeRoom(now: Ms): void {
    if (this.#idle.size + this.#leaving.size > 0) {
      let room = FETCH_LANES_MAX;
      for (const lane of this.#idle) {
        if (room-- === 0) break;
        this.#yield(lane);
        this.#refresh(lane);
      }
      return;
    }
    for (const lane of this.#lanes.values()) {
      if (lane.served < QUANTUM_ROWS && now - lane.heldSince < QUANTUM_MS) continue;
      this.#yield(lane);
      this.#refresh(lane);
    }
  }

  async #fetch(now: Ms): Promise<void> {
    if (this.#fetching) return;
    this.#fetching = true;
    const lanes = [...this.#hungry].slice(0, FETCH_LANES_MAX);
    const cursors = lanes.map((lane) => lane.beginFetch(BUFFER_ROWS));
    for (const lane of lanes) this.#refresh(lane);
    try {
      const rows = await this.#o.store.fetch(cursors, now);
      if (rows.length > 0) this.#o.at('worker:fetched');
      const ready = await this.#load(rows);
      this.#storeFailures = 0;
      const byLane = groupByLane(ready);
      for (const lane of lanes) {
        lane.endFetch(byLane.get(laneNumber(lane)) ?? []);
        this.#refresh(lane);
      }
    } catch (error) {
      for (const lane of lanes) lane.failFetch();
      for (const lane of lanes) this.#refresh(lane);
      this.#storeFailed(error);
    } finally {
      this.#fetching = false;
    }
    this.#pump();
  }

  /** Events from memory where they still are there; the rest, and frozen bodies, from the store. */
  async #load(rows: readonly Due[]): Promise<Ready[]> {
    const missing = rows.filter((due) => due.attempt > 0 || !this.#cache.get(due.event));
    const loaded = missing.length > 0 ? await this.#o.store.load(missing) : [];
    const found = new Map(missing.map((due, i) => [due, loaded[i]]));
    return rows.map((due) => {
      const cached = { event: this.#cache.get(due.event), frozen: undefined };
      return { due, ...(found.get(due) ?? cached) };
    });
  }

  // ---- one delivery ----

  #send(lane: HeldLane, ready: Ready, now: Ms): void {
    const slow = lane.slow;
    lane.sending();
    this.#inFlight += 1;
    this.#unsettled += 1;
    if (slow) this.#slowInFlight += 1;
    void this.#exchange(lane, ready, now)
      .then(
        (result) => this.#settled(lane, ready, result),
        // Our own mistake: the row goes back untouched, the lane rests.
        (error: unknown) => this.#failed(lane, ready, error),
      )
      .finally(() => {
        this.#inFlight -= 1;
        if (slow) this.#slowInFlight -= 1;
        this.#pump();
      });
  }

  async #exchange(lane: HeldLane, ready: Ready, now: Ms): Promise<Result> {
    const { due, frozen } = ready;
    const plan = this.#plan(lane.endpoint);
    const event = ready.event ?? lostEvent(due, plan);
    const afterCrash = lane.takeCrashMark(due);
    const made = { event, row: due, startedAt: now, afterCrash };
    if (!plan) throw new Error(`no configuration of ${lane.endpoint}`);
    const without = (fault: Fault, detail: string) =>
      this.#resultOf(lane, {
        ...made,
        plan,
        request: undefined,
        frozen: true,
        secretHeads: false,
        exchange: noExchange(fault, detail),
      });
    if (!ready.event) return without('expired', 'The event is no longer stored.');
    if (ready.damaged) return without('render_failed', DAMAGED);
    if (due.starts >= STARTS_MAX) {
      return without(
        'quarantined',
        `${STARTS_MAX} processes died while sending it. Resend it by hand.`,
      );
    }
    if (lane.careful) await this.#o.store.start(this.#lease.node, due);
    const span = this.#o.spans?.begin({ event, due, endpoint: plan.endpoint, url: plan.url });
    let rendered: ReturnType<typeof render>;
    try {
      rendered = render(plan, { event: sentAs(event, due), frozen, now, span });
    } catch (error) {
      span?.end(noExchange('render_failed', ''));
      return without('render_failed', (error as Error).message);
    }
    this.#o.at('worker:rendered');
    const exchange = await this.#o.outbound.send(rendered.request, this.#abort.signal);
    this.#o.at('worker:answered');
    span?.end(exchange);
    // A shortage of our own (no descriptors left) is no attempt: the row stays as it is.
    if (exchange.outcome.kind === 'fault' && exchange.outcome.fault === 'internal') {
      throw new Error(exchange.outcome.detail);
    }
    return this.#resultOf(lane, {
      ...made,
      ...rendered,
      plan,
      exchange,
      frozen: frozen !== undefined,
    });
  }

  #resultOf(lane: HeldLane, attempted: Parameters<typeof recordOf>[0]): Result {
    const { exchange, row, plan } = attempted;
    const now = this.#o.clock.now();
    const settled = settle({
      outcome: exchange.outcome,
      attempt: row.attempt,
      policy: plan.policy,
      health: healthSince(lane.health, plan.endpoint.updatedAt),
      now,
      random: this.#o.random(),
    });
    lane.settled({
      health: settled.health,
      slowDown: settled.slowDown,
      durationMs: exchange.timings.totalMs,
      lateMs: attempted.startedAt - row.dueAt,
      now,
    });
    const { next, disable } = settled;
    const news = newsOf(lane, { attempted, settled, now });
    const keep = lane.fifo && next.kind === 'retry';
    if (keep) lane.holdOrder(next.at);
    return {
      key: row,
      attempt: recordOf(attempted),
      next: keep ? { kind: 'keep', at: next.at } : next,
      disable: disable && { reason: disable },
      notices: news && this.#o.tell?.(news, now),
    };
  }

  #settled(lane: HeldLane, _ready: Ready, result: Result): void {
    this.#o.at('worker:settled');
    this.#results.push(result);
    this.#o.attempted?.(result);
    if (result.disable) this.#disable(lane.endpoint);
    this.#refresh(lane);
  }

  /** At once, in all lanes of the endpoint: those taken before the store knows of it as well. */
  #disable(endpoint: EndpointId): void {
    this.#disabling.add(endpoint);
    for (const lane of this.#lanes.values()) {
      if (lane.endpoint === endpoint) this.#reconsider(lane);
    }
  }

  #failed(lane: HeldLane, ready: Ready, error: unknown): void {
    this.#o.log.error(
      { err: error, endpoint: lane.endpoint, event: ready.due.event },
      'delivery failed inside',
    );
    this.#unsettled -= 1;
    lane.inFlight -= 1;
    lane.known.delete(rowKey(ready.due));
    lane.waitUntil = this.#o.clock.now() + 1000;
    this.#yield(lane);
    this.#refresh(lane);
  }

  // ---- complete and release ----

  /** Idle lanes are kept a moment: a lane that is busy now and then is then not taken anew each time. */
  #retire(now: Ms): void {
    const linger = this.#stopping ? 0 : this.#lingerMs;
    for (const lane of this.#leaving) this.#giveBack(lane, now);
    for (const lane of this.#idle) {
      if (!this.#stopping && now - (lane.idleSince ?? now) < linger) break;
      this.#giveBack(lane, now);
    }
    if (this.#stopping) {
      for (const lane of this.#lanes.values()) {
        this.#yield(lane);
        this.#refresh(lane);
      }
      if (this.#idle.size + this.#leaving.size > 0) this.#retire(now);
    }
  }

  get #restsUntil(): Ms {
    return this.#sharing?.restsUntil ?? 0;
  }

  get #lingerMs(): Ms {
    return this.#o.shared ? LINGER_SHARED_MS : LINGER_MS;
  }

  #giveBack(lane: HeldLane, now: Ms): void {
    this.#drop(lane);
    const { slot, lane: number, health } = lane;
    const rests = lane.restsUntil(now);
    const notBefore = rests > now ? rests : 0;
    this.#releases.push({ lane, release: { slot, lane: number, notBefore, ...health } });
  }

  #drop(lane: HeldLane): void {
    lane.dropped = true;
    this.#lanes.delete(laneNumber(lane));
    this.#dispatcher.remove(lane);
    this.#waiting.delete(lane);
    this.#hungry.delete(lane);
    this.#idle.delete(lane);
    this.#leaving.delete(lane);
  }

  async #complete(now: Ms): Promise<void> {
    if (this.#completing || now < this.#storeRetryAt) return;
    if (this.#results.length === 0 && this.#releases.length === 0 && !this.#commanded) return;
    this.#completing = true;
    const results = this.#results.splice(0, COMPLETE_MAX);
    // A lane goes back only in the transaction that has all its outcomes, or a later one.
    const releases = this.#results.length === 0 ? this.#releases.splice(0) : [];
    this.#commanded = false;
    const work = { results, release: releases.map(({ release }) => release) };
    try {
      const { fenced, moved } = await this.#o.store.complete(this.#lease.node, work, now);
      this.#o.at('worker:completed');
      this.#storeFailures = 0;
      this.#unstored = false;
      this.#unsettled -= results.length;
      for (const result of results) {
        this.#stored(result, now);
        if (result.disable) this.#o.configChanged?.();
      }
      for (const key of moved) this.#moved(key);
      if (fenced) this.#lease.fenced();
      const told = results.flatMap(({ notices = [] }) => notices.map(({ event }) => event));
      if (told.length > 0) this.asked(lanesOf(told));
      if (releases.length > 0) this.#wake = true;
    } catch (error) {
      this.#results.unshift(...results);
      this.#releases.unshift(...releases);
      this.#commanded = true;
      this.#unstored = true;
      this.#storeFailed(error);
    } finally {
      this.#completing = false;
    }
    this.#pump();
  }

  #stored({ key, next }: Result, now: Ms): void {
    const lane = this.#lanes.get(laneNumber(key));
    if (!lane) return;
    lane.forget(rowKey(key));
    if (next.kind === 'retry' && next.at <= now) lane.restart();
    else if (next.kind === 'retry') lane.owesAt = Math.min(lane.owesAt, next.at);
    this.#refresh(lane);
  }

  #moved(key: DeliveryKey): void {
    const lane = this.#lanes.get(laneNumber(key));
    if (!lane) return;
    lane.removeBuffered(rowKey(key));
    lane.restart();
    this.#refresh(lane);
  }

  /** Nothing is sent while outcomes can't be stored: each would be sent again. */
  #storeFailed(error: unknown): void {
    const { clock, log } = this.#o;
    this.#storeFailures += 1;
    const most = this.#o.shared ? BACKOFF_SHARED_MAX_MS : BACKOFF_MAX_MS;
    const wait = Math.min(100 * 2 ** Math.min(this.#storeFailures, 10), most);
    this.#storeRetryAt = clock.now() + wait;
    log.warn({ err: error, retryInMs: wait }, 'the store failed; sending pauses');
    this.#schedule(clock.now());
  }

  // ---- time ----

  #schedule(now: Ms): void {
    let at = this.#stopping ? ASLEEP : this.#nextAcquireAt;
    const room = !this.#acquiring && this.#lanes.size < HELD_MAX;
    if (this.#wake && room) at = Math.min(at, Math.max(this.#restsUntil, now + 1));
    for (const lane of this.#waiting) at = Math.min(at, lane.wakesAt(now));
    if (this.#idle.size > 0) at = Math.min(at, now + this.#lingerMs);
    if (this.#sharing && this.#lanes.size > 0) at = Math.min(at, this.#sharing.lookAt);
    if (this.#storeRetryAt > now) at = this.#storeRetryAt;
    if (!this.#lease.holds(now)) at = Math.max(at, now + POLL_MAX_MS);
    at = Math.max(at, now + 1);
    if (this.#timer && this.#timer.at <= at && this.#timer.at > now) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (at >= ASLEEP) return;
    const cancel = this.#o.clock.after(at - now, () => {
      this.#timer = undefined;
      this.#pump();
    });
    this.#timer = { at, cancel };
  }

  // ---- configuration ----

  #configured(items: readonly ConfigItem[]): void {
    const inherits = items.some((item) => item.kind === 'tenant');
    // Endpoints inherit from tenants, so any plan may be another one now.
    if (inherits) this.#plans = new WeakMap();
    const changed = new Set(items.map(({ id }) => id));
    for (const id of changed) this.#disabling.delete(id as EndpointId);
    for (const lane of this.#lanes.values()) {
      if (inherits || changed.has(lane.endpoint)) this.#reconsider(lane);
    }
    this.#wake = true;
    this.#pump();
  }

  #plan(id: string): Plan | undefined {
    const endpoint = this.#o.view.endpoint(id);
    if (!endpoint) return undefined;
    const known = this.#plans.get(endpoint);
    if (known) return known;
    const plan = planFor(endpoint, this.#o.view);
    this.#plans.set(endpoint, plan);
    return plan;
  }

  #limitsOf(id: string): Plan['limits'] {
    return this.#plan(id)?.limits ?? { maxConcurrency: 1, rate: undefined, fifo: false };
  }
}
