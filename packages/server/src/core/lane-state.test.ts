import { describe, expect, test } from 'vitest';
import { Dispatcher, type LaneLimits, LaneState } from './lane-state.ts';
import type { EndpointId } from './model.ts';
import { HEALTHY, type Health } from './settle.ts';

const NOW = 1_000_000;
const LIMITS: LaneLimits = { maxConcurrency: 16, rate: undefined, fifo: false };

function lane(limits: Partial<LaneLimits> = {}, take: { health?: Health; careful?: boolean } = {}) {
  const state = new LaneState<number>(
    {
      slot: 0,
      lane: 16,
      endpoint: 'ep_1' as EndpointId,
      health: HEALTHY,
      careful: false,
      now: NOW,
      ...take,
    },
    { ...LIMITS, ...limits },
  );
  for (let i = 0; i < 100_000; i++) state.buffer.push(i);
  return state;
}

/** Sends what may be sent at `now`, and answers at once if told to. */
function burst(state: LaneState<number>, now: number, answer = false): number {
  let sent = 0;
  while (state.canSend(now)) {
    state.buffer.shift();
    state.sending();
    sent += 1;
    if (answer) succeed(state, now);
  }
  return sent;
}

function succeed(state: LaneState<number>, now: number): void {
  state.settled({ health: HEALTHY, slowDown: false, durationMs: 1, lateMs: 0, now });
}

function fail(state: LaneState<number>, now: number, slowDown = false, lateMs = 0): void {
  const health = { failingSince: NOW, failures: state.health.failures + 1 };
  state.sending();
  state.settled({ health, slowDown, durationMs: 1, lateMs, now });
}

describe('width', () => {
  test('as many as allowed are in flight, and no more', () => {
    const state = lane();
    expect(burst(state, NOW)).toBe(16);
    succeed(state, NOW);
    expect(burst(state, NOW)).toBe(1);
  });

  test('an ordered or careful lane sends one at a time', () => {
    expect(burst(lane({ fifo: true }), NOW)).toBe(1);
    expect(burst(lane({}, { careful: true }), NOW)).toBe(1);
  });

  test('halves when the receiver asks for less, and grows by one per 20 successes', () => {
    const state = lane();
    fail(state, NOW, true);
    expect(state.width).toBe(8);
    for (let i = 0; i < 10; i++) fail(state, NOW, true);
    expect(state.width).toBe(1);
    for (let i = 0; i < 19; i++) {
      state.sending();
      succeed(state, NOW);
    }
    expect(state.width).toBe(1);
    state.sending();
    succeed(state, NOW);
    expect(state.width).toBe(2);
  });

  test('never grows past the limit', () => {
    const state = lane({ maxConcurrency: 2 });
    for (let i = 0; i < 100; i++) {
      state.sending();
      succeed(state, NOW);
    }
    expect(state.width).toBe(2);
  });

  test('follows a changed limit at once, unless it was narrowed', () => {
    const state = lane({ maxConcurrency: 4 });
    state.setLimits({ ...LIMITS, maxConcurrency: 32 });
    expect(state.width).toBe(32);
    fail(state, NOW, true);
    state.setLimits({ ...LIMITS, maxConcurrency: 64 });
    expect(state.width).toBe(16);
    state.setLimits({ ...LIMITS, maxConcurrency: 3 });
    expect(state.width).toBe(3);
  });
});

describe('rate', () => {
  /** Most sends in any second of ten, looking every millisecond. */
  function busiestSecond(state: LaneState<number>): { most: number; all: number } {
    const sends: number[] = [];
    for (let now = NOW; now < NOW + 10_000; now++) {
      for (let n = burst(state, now, true); n > 0; n--) sends.push(now);
    }
    let most = 0;
    for (let from = 0, to = 0; to < sends.length; to++) {
      while ((sends[from] as number) <= (sends[to] as number) - 1000) from += 1;
      most = Math.max(most, to - from + 1);
    }
    return { most, all: sends.length };
  }

  test.each([1, 3, 50, 99, 250, 3000])('%i per second is never exceeded, and reached', (rate) => {
    const { most, all } = busiestSecond(lane({ rate }));
    expect(most).toBeLessThanOrEqual(rate);
    expect(all).toBeGreaterThanOrEqual(rate * 10 * 0.9);
  });

  test('half a request per second is one every two', () => {
    expect(busiestSecond(lane({ rate: 0.5 })).all).toBe(5);
  });

  test('rest does not save up for a burst', () => {
    const state = lane({ rate: 50 });
    expect(burst(state, NOW + 3_600_000, true)).toBe(1);
  });

  test('the next owner is told when the next request may go', () => {
    const state = lane({ rate: 10 });
    burst(state, NOW, true);
    expect(state.restsUntil(NOW)).toBe(NOW + 100);
    expect(state.restsUntil(NOW + 100)).toBeLessThanOrEqual(NOW + 100);
  });
});

describe('the breaker', () => {
  test('does not keep waiting what has waited half a minute: it is tried one at a time', () => {
    const state = lane();
    for (let i = 0; i < 15; i++) fail(state, NOW);
    expect(state.waitUntil - NOW).toBe(30_000);
    const later = NOW + 30_000;
    fail(state, later, false, 30_001);
    expect(state.waitUntil - later).toBe(100);
    expect(burst(state, later + 100)).toBe(1);
  });

  test('waits 1, 2, 4 … 30 s after ten failures in a row', () => {
    const state = lane();
    for (let i = 0; i < 9; i++) fail(state, NOW);
    expect(state.canSend(NOW)).toBe(true);
    const waits: number[] = [];
    let now = NOW;
    for (let i = 0; i < 7; i++) {
      fail(state, now);
      expect(state.canSend(now)).toBe(false);
      waits.push(state.waitUntil - now);
      now = state.waitUntil;
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  test('probes with one, and a success closes it', () => {
    const state = lane();
    for (let i = 0; i < 10; i++) fail(state, NOW);
    expect(burst(state, state.waitUntil)).toBe(1);
    succeed(state, NOW + 1000);
    for (let i = 0; i < 19; i++) {
      expect(burst(state, NOW + 1000)).toBe(1);
      succeed(state, NOW + 1000);
    }
    expect(burst(state, NOW + 1000)).toBe(2);
  });

  test('a lane that comes failing from its last owner starts with a probe', () => {
    const health = { failingSince: NOW, failures: 10 };
    expect(burst(lane({}, { health }), NOW)).toBe(1);
  });

  test('one success among failures keeps it closed', () => {
    const state = lane();
    for (let i = 0; i < 30; i++) {
      if (i % 9 === 8) {
        state.sending();
        succeed(state, NOW);
      } else fail(state, NOW);
    }
    expect(state.canSend(NOW)).toBe(true);
  });
});

describe('the dispatcher', () => {
  const of = (inFlight: number, slow = false) => ({ inFlight, slow });

  test('gives the lane with the fewest requests in flight, the first among equals', () => {
    const dispatcher = new Dispatcher<{ inFlight: number; slow: boolean }>();
    const lanes = [of(2), of(1), of(1), of(0)];
    for (const one of lanes) dispatcher.add(one);
    const order = [1, 2, 3, 4, 5].map(() => dispatcher.next(true));
    expect(order.map((one) => one && lanes.indexOf(one))).toEqual([3, 1, 2, 0, undefined]);
  });

  test('leaves slow lanes out when told to', () => {
    const dispatcher = new Dispatcher<{ inFlight: number; slow: boolean }>();
    const [fast, slow] = [of(5), of(0, true)];
    dispatcher.add(fast);
    dispatcher.add(slow);
    expect(dispatcher.next(false)).toBe(fast);
    expect(dispatcher.next(false)).toBeUndefined();
    expect(dispatcher.next(true)).toBe(slow);
  });

  test('a lane whose load changed stands in its new place only', () => {
    const dispatcher = new Dispatcher<{ inFlight: number; slow: boolean }>();
    const one = of(0);
    dispatcher.add(one);
    one.inFlight = 3;
    dispatcher.add(one);
    expect(dispatcher.next(true)).toBe(one);
    expect(dispatcher.next(true)).toBeUndefined();
  });
});
