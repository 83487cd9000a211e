import type { AckResult, NackReason, OpenHead } from '../../inbox/frames.ts';
import { type AnswerSink, Delivery } from './delivery.ts';
import type { LocalServer } from './local-target.ts';

export interface DeliveryEvents {
  started(delivery: Delivery): void;
  /** The local server answered, or nothing more is tried. */
  done(delivery: Delivery, result: AckResult): void;
  /** It is tried again. */
  failed(delivery: Delivery, reason: NackReason, message: string): void;
  /** The local port is closed, or open again. */
  holding(on: boolean): void;
}

export interface DeliveriesOptions {
  readonly server: LocalServer;
  /** At once; undefined = captures nobody waits for one by one, in order, the others side by side. */
  readonly concurrency: number | undefined;
  /** Name of a header: captures with the same value keep their order, others overtake. */
  readonly orderBy: string | undefined;
  readonly events: DeliveryEvents;
  /** Needs its body again, and it was not held: the connection must be made anew. */
  readonly restart: () => void;
}

/** Cut connections and silence are tried again so often; a closed port for as long as it takes. */
const ATTEMPTS_MAX = 3;
const AGAIN_MS = 1000;
const PROBE_MS = 1000;
const LIVE_MAX = 64;
const KEY_LANES = 16;
/** What has waited here for so long is asked for again: by then the server signs it anew. */
const STALE_MS = 60_000;
/** Results remembered, for what comes a second time. */
const DONE_MAX = 2000;

/** The connection that there is. */
export interface ResultsTo {
  ack(result: AckResult): void;
  nack(seq: number, reason: NackReason): void;
}
const NOBODY: ResultsTo = { ack() {}, nack() {} };

interface Lane {
  readonly max: number;
  readonly waiting: Delivery[];
  running: number;
}

/**
 * All captures that are with this client, over all its connections: what is under way when one is lost
 * goes on, and what comes again over the next is not delivered twice.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #lanes: readonly Lane[];
  /** Of captures somebody waits for. */
  readonly #side: Lane;
  readonly #open = new Map<number, Delivery>();
  readonly #done = new Map<number, AckResult>();
  /** With the local server now. */
  readonly #flying = new Set<Delivery>();
  #to: ResultsTo = NOBODY;
  /** The server signs anew what comes late. */
  #resigns = false;
  #held: Promise<void> | undefined;
  #paused = false;
  #stopped = false;
  #idle: (() => void) | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    const { concurrency, orderBy } = options;
    const lane = (max: number): Lane => ({ max, waiting: [], running: 0 });
    const byKey = orderBy !== undefined;
    const max = byKey ? 1 : (concurrency ?? 1);
    const lanes = Array.from({ length: byKey ? (concurrency ?? KEY_LANES) : 1 }, () => lane(max));
    const apart = concurrency === undefined && !byKey;
    this.#side = apart ? lane(LIVE_MAX) : (lanes[0] as Lane);
    this.#lanes = apart ? [...lanes, this.#side] : lanes;
  }

  get holding(): boolean {
    return this.#held !== undefined;
  }
  get paused(): boolean {
    return this.#paused;
  }
  /** Waiting or under way. */
  get size(): number {
    return this.#open.size;
  }

  /** Where results go from now on. */
  connected(to: ResultsTo & { readonly resigns: boolean }): void {
    this.#to = to;
    this.#resigns = to.resigns;
  }

  /** What is not here whole comes again over the next connection. */
  disconnected(): void {
    this.#to = NOBODY;
    for (const delivery of [...this.#open.values()]) {
      delivery.cut(DEAF);
      if (!delivery.complete) this.#forget(delivery);
    }
  }

  /** undefined = it is known already: its body is not needed. */
  add(head: OpenHead, sink: AnswerSink): Delivery | undefined {
    const result = this.#done.get(head.seq);
    if (result) {
      this.#to.ack(result);
      return undefined;
    }
    if (this.#open.has(head.seq)) return undefined;
    const delivery = new Delivery(head, sink, Date.now());
    this.#open.set(head.seq, delivery);
    const lane = this.#laneOf(delivery);
    lane.waiting.push(delivery);
    this.#fill(lane);
    return delivery;
  }

  pause(on: boolean): void {
    this.#paused = on;
    for (const lane of this.#lanes) this.#fill(lane);
  }

  #laneOf({ head, live }: Delivery): Lane {
    const { orderBy } = this.#options;
    if (orderBy === undefined) return live ? this.#side : (this.#lanes[0] as Lane);
    const at = head.headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === orderBy);
    const key = at < 0 ? '' : (head.headers[at + 1] as string);
    let hash = 0;
    for (let i = 0; i < key.length; i++) hash = (hash * 31 + key.charCodeAt(i)) >>> 0;
    return this.#lanes[hash % this.#lanes.length] as Lane;
  }

  get #running(): number {
    return this.#lanes.reduce((sum, { running }) => sum + running, 0);
  }

  /** Starts nothing more; resolves when what is under way has ended, at most after `timeoutMs`. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopped = true;
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #fill(lane: Lane): void {
    while (!this.#paused && !this.#stopped && lane.running < lane.max) {
      const next = lane.waiting.shift();
      if (!next) return;
      lane.running += 1;
      void this.#deliver(next).finally(() => {
        lane.running -= 1;
        if (this.#running === 0) this.#idle?.();
        this.#fill(lane);
      });
    }
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { server, events, restart } = this.#options;
    const { seq } = delivery.head;
    events.started(delivery);
    while (!this.#stopped) {
      await this.#held;
      if (this.#resigns && isStale(delivery)) this.#renew();
      if (this.#open.get(seq) !== delivery) return;
      this.#flying.add(delivery);
      const outcome = await delivery.run(server, ownHeaders(delivery));
      this.#flying.delete(delivery);
      if (outcome.kind === 'answered') {
        this.#finish(delivery, outcome.result);
        return;
      }
      if (outcome.kind === 'cut') {
        // Still known: then it was this connection that could not give its body again.
        if (this.#open.get(seq) === delivery) restart();
        this.#forget(delivery);
        return;
      }
      const { reason, message } = outcome;
      this.#to.nack(seq, reason);
      events.failed(delivery, reason, message);
      if (reason === 'refused' || reason === 'dns' || reason === 'tls') this.#hold();
      else if (delivery.attempts < ATTEMPTS_MAX) await sleep(AGAIN_MS);
      else {
        const error = `gave up after ${ATTEMPTS_MAX} attempts: ${message}`;
        const ms = Date.now() - delivery.startedAt;
        this.#finish(delivery, { seq, status: null, ms, error, truncated: false });
        return;
      }
    }
  }

  #finish(delivery: Delivery, result: AckResult): void {
    this.#forget(delivery);
    this.#done.set(result.seq, result);
    if (this.#done.size > DONE_MAX) {
      for (const oldest of this.#done.keys()) {
        this.#done.delete(oldest);
        break;
      }
    }
    this.#options.events.done(delivery, result);
    this.#to.ack(result);
  }

  #forget(delivery: Delivery): void {
    const { seq } = delivery.head;
    if (this.#open.get(seq) === delivery) this.#open.delete(seq);
    for (const { waiting } of this.#lanes) {
      const at = waiting.indexOf(delivery);
      if (at >= 0) waiting.splice(at, 1);
    }
  }

  /** Over a new connection everything comes again that is not known here. */
  #renew(): void {
    for (const delivery of [...this.#open.values()]) {
      if (isStale(delivery) && !this.#flying.has(delivery)) this.#forget(delivery);
    }
    this.#options.restart();
  }

  /** Nothing is sent until the local port is open again. */
  #hold(): void {
    this.#held ??= this.#untilOpen();
  }

  async #untilOpen(): Promise<void> {
    const { server, events } = this.#options;
    events.holding(true);
    do await sleep(PROBE_MS);
    while (!this.#stopped && !(await server.probe()));
    this.#held = undefined;
    events.holding(false);
  }
}

/** A replay comes only once; no sender waits for an answer so long. */
function isStale({ head, startedAt }: Delivery): boolean {
  return !head.replay && Date.now() - startedAt > STALE_MS;
}

const DEAF: AnswerSink = { answer() {}, async data() {}, taken() {} };

function ownHeaders({ head, attempts }: Delivery): string[] {
  const flat = ['X-Posthorn-Capture', head.id];
  const late = head.liveMs === 0 && Date.now() - head.receivedAt > LATE_MS;
  if (head.replay || late) {
    flat.push('Hook-Replay', 'true', 'Hook-Original-At', new Date(head.receivedAt).toISOString());
  }
  if (attempts > 0) flat.push('X-Posthorn-Attempt', String(attempts + 1));
  return flat;
}

/** What comes so much later than it was captured is told apart from what comes at once. */
const LATE_MS = 10_000;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
