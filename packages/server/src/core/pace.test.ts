import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

const EVERY_MS = 100;

/** Adds what the pace allows to an endpoint that delivers `perSecond`; resolves what was due at most. */
function busiest(perSecond: number, seconds: number, live = 0): { due: number; added: number } {
  const pace = new Pace();
  let [due, most, added] = [0, 0, 0];
  for (let now = 0; now < seconds * 1000; now += EVERY_MS) {
    const room = pace.room(Math.floor(due), now);
    added += room;
    due += room + (live * EVERY_MS) / 1000;
    if (now > 10_000) most = Math.max(most, due);
    due = Math.max(0, due - (perSecond * EVERY_MS) / 1000);
  }
  return { due: most, added };
}

test.each([1, 10, 100, 1000])('at %i a second, what is due drains within about two', (rate) => {
  const { due, added } = busiest(rate, 60);
  expect(due).toBeLessThanOrEqual(2 * rate + 3);
  expect(added).toBeGreaterThan(rate * 30);
});

test('what live events leave free is used, and no more', () => {
  const { due, added } = busiest(100, 60, 60);
  expect(due).toBeLessThanOrEqual(220);
  expect(added).toBeGreaterThan(1000);
});

test('where live events alone are too much, it waits', () => {
  const { added } = busiest(100, 120, 150);
  expect(added).toBeLessThan(1500);
});

test('a lane that does not move gets nothing more', () => {
  const pace = new Pace();
  expect(pace.room(0, 0)).toBe(4);
  for (let now = 100; now < 60_000; now += 100) expect(pace.room(4, now)).toBe(0);
  expect(pace.width).toBe(1);
  expect(pace.room(0, 60_000)).toBe(2);
});
