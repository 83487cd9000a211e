import type { EndpointId, Ms } from './model.ts';
import { FAILING_ATTEMPTS, HEALTHY, type Health } from './settle.ts';

/**
 * One held lane in its owner's memory: how much may be sent, and when. Because one node owns a lane,
 * these limits are exact. Pure: time is an argument, and the rows are opaque.
 *
 *   closed ──10 failures in a row──▶ open (1 s, 2 s, … 30 s) ──▶ one probe ──success──▶ closed
 */

export const LANE_CONCURRENCY = 16;
const BREAKER_STREAK = FAILING_ATTEMPTS;
const BREAKER_BASE_MS = 1000;
const BREAKER_MAX_MS = 30_000;
/** Between tries of what has waited that long already. */
const BREAKER_LATE_MS = 100;
const SUCCESSES_PER_STEP = 20;
const SLOW_MS = 2000;

export interface LaneLimits {
  readonly maxConcurrency: number;
  /** Requests per second; undefined = no limit. */
  readonly rate: number | undefined;
  readonly fifo: boolean;
}

export interface LaneTake {
  readonly slot: number;
  readonly lane: number;
  readonly endpoint: EndpointId;
  readonly health: Health;
  /** One row at a time, written down before it is sent: a process died here three times. */
  readonly careful: boolean;
  readonly now: Ms;
}

export class LaneState<Row> {
  readonly slot: number;
  readonly lane: number;
  readonly endpoint: EndpointId;
  readonly careful: boolean;
  readonly heldSince: Ms;
  /** Rows ready to be sent, in order. */
  readonly buffer: Row[] = [];
  inFlight = 0;
  served = 0;
  health: Health;
  /** Nothing is sent before then: open circuit, ordered back-off, next rate token. */
  waitUntil: Ms = 0;
  #limits: LaneLimits;
  #width: number;
  #successes = 0;
  #latencyMs = 0;
  #tokens = 0;
  #tokensAt: Ms;

  constructor(take: LaneTake, limits: LaneLimits) {
    this.slot = take.slot;
    this.lane = take.lane;
    this.endpoint = take.endpoint;
    this.careful = take.careful;
    this.heldSince = take.now;
    this.health = take.health;
    this.#limits = limits;
    this.#width = this.#probing ? 1 : limits.maxConcurrency;
    // Starts with one token, not a full bucket: a hand-over never exceeds the rate.
    this.#tokens = 1;
    this.#tokensAt = take.now;
  }

  setLimits(limits: LaneLimits): void {
    // A lane that was not narrowed is as wide as allowed, and follows.
    const full = this.#width >= this.#limits.maxConcurrency && !this.#probing;
    this.#width = full ? limits.maxConcurrency : Math.min(this.#width, limits.maxConcurrency);
    this.#limits = limits;
  }

  get fifo(): boolean {
    return this.#limits.fifo;
  }

  /** Slow or failing lanes share half of all sockets. */
  get slow(): boolean {
    return this.#latencyMs > SLOW_MS || this.health.failures >= 3;
  }

  get width(): number {
    if (this.#limits.fifo || this.careful) return 1;
    return Math.min(this.#width, this.#limits.maxConcurrency);
  }

  canSend(now: Ms): boolean {
    if (this.buffer.length === 0 || this.inFlight >= this.width || now < this.waitUntil)
      return false;
    if (this.#limits.rate === undefined) return true;
    this.#refill(now);
    if (this.#tokens >= 1) return true;
    this.waitUntil = now + this.#untilToken(this.#limits.rate);
    return false;
  }

  /** Before then the next owner must not send either; not later than `now` = it may at once. */
  restsUntil(now: Ms): Ms {
    const { rate } = this.#limits;
    if (rate === undefined) return this.waitUntil;
    this.#refill(now);
    const token = this.#tokens >= 1 ? 0 : now + this.#untilToken(rate);
    return Math.max(this.waitUntil, token);
  }

  sending(): void {
    this.inFlight += 1;
    this.served += 1;
    if (this.#limits.rate !== undefined) this.#tokens -= 1;
  }

  /** What an exchange taught about the receiver. */
  settled(result: {
    health: Health;
    slowDown: boolean;
    durationMs: Ms;
    /** From when the delivery was due to when it was sent. */
    lateMs: Ms;
    now: Ms;
  }): void {
    this.inFlight -= 1;
    this.health = result.health;
    this.#latencyMs += (result.durationMs - this.#latencyMs) / 8;
    if (result.health === HEALTHY) {
      this.#successes += 1;
      if (this.#successes % SUCCESSES_PER_STEP === 0) this.#widen();
    } else {
      this.#successes = 0;
      if (result.slowDown) this.#width = Math.max(1, this.#width >> 1);
      this.#trip(result.now, result.lateMs);
    }
  }

  /**
   * What a full bucket holds and what flows in during a second make up the rate together, so that no
   * second sees more than it. Small rates are evenly spaced; large ones come in bursts of a hundredth,
   * because timers tick in milliseconds.
   */
  #refill(now: Ms): void {
    const rate = this.#limits.rate as number;
    const flow = ((now - this.#tokensAt) / 1000) * flowOf(rate);
    this.#tokens = Math.min(bucketOf(rate), this.#tokens + flow);
    this.#tokensAt = now;
  }

  #untilToken(rate: number): Ms {
    return Math.ceil(((1 - this.#tokens) / flowOf(rate)) * 1000);
  }

  get #probing(): boolean {
    return this.health.failures >= BREAKER_STREAK;
  }

  #widen(): void {
    this.#width = Math.min(this.#limits.maxConcurrency, this.#width + 1);
  }

  /** Nothing waits for the circuit longer than its longest wait: then it is tried, one at a time. */
  #trip(now: Ms, lateMs: Ms): void {
    const over = this.health.failures - BREAKER_STREAK;
    if (over < 0) return;
    this.#width = 1;
    const grown = Math.min(BREAKER_BASE_MS * 2 ** Math.min(over, 10), BREAKER_MAX_MS);
    const open = lateMs > BREAKER_MAX_MS ? BREAKER_LATE_MS : grown;
    this.waitUntil = Math.max(this.waitUntil, now + open);
  }
}

function bucketOf(rate: number): number {
  return Math.max(1, rate / 100);
}

function flowOf(rate: number): number {
  return rate - bucketOf(rate) + 1;
}

/**
 * Who sends next: the lane with the fewest requests in flight (max-min fairness), first come first
 * among equals. A set per number in flight keeps that a constant-time choice.
 */
export class Dispatcher<L extends { readonly inFlight: number; readonly slow: boolean }> {
  readonly #fast: Set<L>[] = [];
  readonly #slow: Set<L>[] = [];
  readonly #place = new Map<L, Set<L>>();

  /** The lane can send now. */
  add(lane: L): void {
    const levels = lane.slow ? this.#slow : this.#fast;
    let level = levels[lane.inFlight];
    if (!level) {
      level = new Set();
      levels[lane.inFlight] = level;
    }
    const now = this.#place.get(lane);
    if (now === level) return;
    now?.delete(lane);
    level.add(lane);
    this.#place.set(lane, level);
  }

  remove(lane: L): void {
    this.#place.get(lane)?.delete(lane);
    this.#place.delete(lane);
  }

  /** Takes the next one out; `slowAllowed` false = only lanes that are not slow. */
  next(slowAllowed: boolean): L | undefined {
    const fast = first(this.#fast);
    const slow = slowAllowed ? first(this.#slow) : undefined;
    const lane = !fast ? slow : !slow || fast.inFlight <= slow.inFlight ? fast : slow;
    if (lane) this.remove(lane);
    return lane;
  }
}

function first<L>(levels: readonly (Set<L> | undefined)[]): L | undefined {
  for (const level of levels) {
    if (!level) continue;
    for (const lane of level) return lane;
  }
  return undefined;
}
