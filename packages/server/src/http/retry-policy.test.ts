import { DEFAULT_RETRY_POLICY, RetryPolicyInput } from '@posthorn/api';
import { expect, test } from 'vitest';
import { DEFAULT_RETRY } from '../core/settle.ts';
import { retryPolicyFromApi, retryPolicyToApi } from './retry-policy.ts';

function delays(input: RetryPolicyInput): readonly number[] | undefined {
  return retryPolicyFromApi(RetryPolicyInput.parse(input))?.delaysMs;
}

test('nothing given is the default schedule', () => {
  expect(retryPolicyFromApi({})).toEqual(DEFAULT_RETRY);
  expect(retryPolicyToApi(DEFAULT_RETRY)).toEqual(DEFAULT_RETRY_POLICY);
});

test('a schedule is taken as it is, in seconds', () => {
  expect(delays({ schedule: [0, 1.5, 60] })).toEqual([0, 1500, 60_000]);
  expect(delays({ schedule: [] })).toEqual([]);
});

test('more attempts repeat the last wait, fewer cut the schedule', () => {
  expect(delays({ schedule: [1, 2], attempts: 5 })).toEqual([1000, 2000, 2000, 2000]);
  expect(delays({ schedule: [1, 2], attempts: 2 })).toEqual([1000]);
  expect(delays({ attempts: 1 })).toEqual([]);
});

test('base grows by factor up to max', () => {
  expect(delays({ base: 1, attempts: 5, max: 5 })).toEqual([1000, 2000, 4000, 5000]);
  expect(delays({ base: 3, factor: 1, attempts: 3 })).toEqual([3000, 3000]);
  expect(delays({ base: 604_800, factor: 100, attempts: 100 })).toHaveLength(99);
});

test('what the API shows may be sent back', () => {
  const policy = retryPolicyFromApi({ base: 1, attempts: 4, jitter: 0, retryOn: 'transient' });
  const shown = retryPolicyToApi(policy);
  expect(retryPolicyFromApi(RetryPolicyInput.parse(shown))).toEqual(policy);
});

test.each([
  { schedule: [1], base: 1 },
  { factor: 2 },
  { schedule: [], attempts: 2 },
  { schedule: [-1] },
  { attempts: 0 },
  { attempts: 101 },
  { jitter: 1.1 },
])('%j is refused', (input) => {
  expect(RetryPolicyInput.safeParse(input).success).toBe(false);
});
