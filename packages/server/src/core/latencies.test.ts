import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Latencies } from './latencies.ts';

const durations = fc.array(fc.double({ min: 1, max: 60_000, noNaN: true }), { minLength: 1 });

function of(values: readonly number[]): Latencies {
  const made = new Latencies();
  for (const value of values) made.add(value);
  return made;
}

test('a quantile is within 5 % of the true one, also after it was stored', () => {
  fc.assert(
    fc.property(durations, fc.constantFrom(0.5, 0.9, 0.99), (values, share) => {
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
      const told = Latencies.decode(of(values).encode()).quantile(share) ?? 0;
      expect(Math.abs(told - exact)).toBeLessThanOrEqual(exact * 0.05 + 0.05);
    }),
  );
});

test('merged ones tell what one of all would', () => {
  fc.assert(
    fc.property(durations, durations, (a, b) => {
      const merged = of(a);
      merged.merge(of(b));
      expect(merged.encode()).toEqual(of([...a, ...b]).encode());
    }),
  );
});

test('what is too short or too long counts at the ends, and nothing has no quantile', () => {
  expect(new Latencies().quantile(0.5)).toBeUndefined();
  expect(of([0, 0.01]).quantile(0.5)).toBe(1);
  expect(of([1e9]).quantile(0.5)).toBeGreaterThan(60_000);
});

test('a million durations take no more room than a few', () => {
  const many = new Latencies();
  for (let i = 0; i < 1_000_000; i++) many.add(1 + (i % 60_000));
  expect(many.encode().length).toBeLessThan(600);
});
