import { expect, test } from 'vitest';
import { slewedTime, steadyTime } from './clock.ts';

function clocks() {
  const at = { wall: 1_000_000, monotonic: 50 };
  const now = steadyTime(
    () => at.wall,
    () => at.monotonic,
  );
  const pass = (ms: number) => {
    at.wall += ms;
    at.monotonic += ms;
  };
  return { at, now, pass };
}

test('a clock set back does not stop time', () => {
  const { at, now, pass } = clocks();
  pass(1000);
  at.wall -= 86_400_000;
  expect(now()).toBe(1_001_000);
  pass(500);
  expect(now()).toBe(1_001_500);
});

test('a clock set forward is followed, and setting it right again changes nothing', () => {
  const { at, now, pass } = clocks();
  at.wall += 7_200_000;
  expect(now()).toBe(8_200_000);
  at.wall -= 7_200_000;
  pass(10);
  expect(now()).toBe(8_200_010);
});

test('the time a machine slept through, which the monotonic clock leaves out, is found', () => {
  const { at, now } = clocks();
  at.wall += 3_600_000;
  at.monotonic += 5;
  expect(now()).toBe(4_600_000);
});

test('follows a clock elsewhere, and never goes back when that was behind', () => {
  let [offset, monotonic] = [1000, 0];
  const time = slewedTime(
    () => monotonic + offset,
    () => monotonic,
  );
  expect(time()).toBe(1000);
  monotonic = 10;
  expect(time()).toBe(1010);
  offset = 990;
  expect(time()).toBe(1010);
  monotonic = 20;
  expect(time()).toBe(1015);
  monotonic = 100;
  expect(time()).toBe(1090);
});
