import { describe, expect, test } from 'vitest';
import type { Fault, Outcome } from './exchange.ts';
import { alertLevel, DEFAULT_RETRY, HEALTHY, parseRetryAfter, settle } from './settle.ts';

const NOW = Date.UTC(2026, 10, 22);
const response = (status: number, headers = ''): Outcome => ({
  kind: 'response',
  status,
  head: Buffer.from(`HTTP/1.1 ${status} x\r\n${headers}`, 'latin1'),
  body: new Uint8Array(),
  truncated: false,
});
const fault = (code: Fault): Outcome => ({
  kind: 'fault',
  fault: code,
  detail: '',
  status: undefined,
  head: undefined,
  body: undefined,
});
const input = (outcome: Outcome, over = {}) => ({
  outcome,
  attempt: 0,
  policy: DEFAULT_RETRY,
  health: HEALTHY,
  now: NOW,
  random: 0,
  ...over,
});

describe('settle', () => {
  test('2xx ends the delivery and heals the endpoint', () => {
    const settled = settle(input(response(204), { health: { failingSince: 5, failures: 3 } }));
    expect(settled).toMatchObject({ next: { kind: 'succeeded' }, health: HEALTHY });
  });

  test('the default schedule has ten attempts over 75 h 35 m 5 s', () => {
    let at = NOW;
    let attempts = 0;
    for (let attempt = 0; attempt < 100; attempt++) {
      attempts += 1;
      const { next } = settle(input(fault('timeout'), { attempt, now: at }));
      if (next.kind !== 'retry') break;
      at = next.at;
    }
    expect(attempts).toBe(10);
    expect(at - NOW).toBe(((75 * 60 + 35) * 60 + 5) * 1000);
  });

  test('jitter only ever delays, by less than a fifth', () => {
    const { next } = settle(input(response(500), { random: 0.999_999 }));
    expect(next).toEqual({ kind: 'retry', at: NOW + 6000 });
  });

  test.each([301, 302, 307, 400, 404])('%i is a failure that is tried again', (status) => {
    expect(settle(input(response(status))).next).toEqual({ kind: 'retry', at: NOW + 5000 });
  });

  test('a transient-only policy gives up on a 404 and tries again on a 503', () => {
    const policy = { ...DEFAULT_RETRY, retryOn: 'transient' as const };
    expect(settle(input(response(404), { policy })).next.kind).toBe('failed');
    expect(settle(input(response(503), { policy })).next.kind).toBe('retry');
    expect(settle(input(fault('reset'), { policy })).next.kind).toBe('retry');
  });

  test('410 disables at once and the delivery waits', () => {
    expect(settle(input(response(410)))).toMatchObject({
      disable: 'gone',
      next: { kind: 'retry' },
    });
  });

  test('five days and ten attempts without a success disable', () => {
    const health = { failingSince: NOW - 5 * 86_400_000, failures: 9 };
    expect(settle(input(response(500), { health })).disable).toBe('failing');
    expect(
      settle(input(response(500), { health: { ...health, failures: 8 } })).disable,
    ).toBeUndefined();
    const young = { failingSince: NOW - 5 * 86_400_000 + 1, failures: 50 };
    expect(settle(input(response(500), { health: young })).disable).toBeUndefined();
  });

  test('a stale kept connection is tried again at once', () => {
    expect(settle(input(fault('stale_connection'))).next).toEqual({ kind: 'retry', at: NOW });
  });

  test('Retry-After of a 429 wins over the schedule and never exceeds a day', () => {
    const asked = (value: string, random = 0) =>
      settle(input(response(429, `retry-AFTER: ${value}\r\n`), { random })).next;
    expect(asked('120')).toEqual({ kind: 'retry', at: NOW + 120_000 });
    expect(asked('120', 0.5)).toEqual({ kind: 'retry', at: NOW + 132_000 });
    expect(asked('999999999999', 0.9)).toEqual({ kind: 'retry', at: NOW + 86_400_000 });
    expect(asked('-5')).toEqual({ kind: 'retry', at: NOW + 5000 });
    expect(settle(input(response(500, 'Retry-After: 120\r\n'))).next).toEqual({
      kind: 'retry',
      at: NOW + 5000,
    });
  });
});

describe('parseRetryAfter', () => {
  test.each([
    ['1', 1000],
    ['0', undefined],
    ['1e3', undefined],
    ['', undefined],
    ['soon', undefined],
    ['1000000000000000000', 86_400_000],
    [new Date(NOW + 60_000).toUTCString(), 60_000],
    [new Date(NOW - 60_000).toUTCString(), undefined],
    ['Thu, 01 Jan 1970 00:00:00 GMT', undefined],
    ['Tue, 19 Jan 2038 03:14:08 GMT', 86_400_000],
    ['Sun, 29 Feb 2027 00:00:00 GMT', 86_400_000],
    ['Xyz, 99 Foo 2026 00:00:00 GMT', undefined],
  ])('%s -> %s', (text, expected) => {
    expect(parseRetryAfter(text, NOW)).toBe(expected);
  });
});

test('owners are told of failing after a day, and after three', () => {
  const since = 1_000_000;
  const hours = (n: number) => since + n * 3_600_000;
  const failing = { failingSince: since, failures: 9 };
  const levels = [hours(24) - 1, hours(24), hours(72) - 1, hours(72), hours(500)];
  expect(levels.map((now) => alertLevel(failing, now))).toEqual([0, 24, 24, 72, 72]);
  expect(alertLevel(HEALTHY, hours(500))).toBe(0);
});
