import { expect, test } from 'vitest';
import { parseSeconds, parseSecondsList, printSeconds } from './durations.ts';

test.each([
  ['30s', 30],
  ['5m', 300],
  ['1.5h', 5400],
  ['2 d', 172_800],
  ['7', 7],
  ['', undefined],
  ['5 minutes', undefined],
  ['-1s', undefined],
])('%j is %j seconds', (text, seconds) => {
  expect(parseSeconds(text)).toBe(seconds);
});

test('a list takes spaces and commas, and is refused whole', () => {
  expect(parseSecondsList('5s, 5m 30m,2h')).toEqual([5, 300, 1800, 7200]);
  expect(parseSecondsList('5s, soon')).toBeUndefined();
  expect(parseSecondsList(' ')).toEqual([]);
});

test.each([0, 5, 90, 300, 7200, 172_800])('%d seconds survive printing and reading', (seconds) => {
  expect(parseSeconds(printSeconds(seconds))).toBe(seconds);
});
