import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatRfc3339, offsetMinutesOf, parseRfc3339 } from './rfc3339.ts';

test.each([
  ['1970-01-01T00:00:00Z', 0],
  ['2026-03-17T14:30:00.123456789+00:00', 1773757800123],
  ['2026-03-17t15:30:00.1+01:00', 1773757800100],
  ['2026-03-17T09:00:00-05:30', 1773757800000],
  ['2026-03-17T14:30:00.9999z', 1773757800999],
  ['2038-01-19T03:14:08Z', 2 ** 31 * 1000],
  ['2024-02-29T23:59:59Z', Date.UTC(2024, 1, 29, 23, 59, 59)],
  ['0000-01-01T00:00:00Z', -62_167_219_200_000],
  ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
  ['1990-12-31T23:59:60Z', Date.UTC(1990, 11, 31, 23, 59, 59, 999)],
  ['1990-12-31T15:59:60.5-08:00', Date.UTC(1990, 11, 31, 23, 59, 59, 999)],
])('reads %s', (text, ms) => expect(parseRfc3339(text)).toBe(ms));

test.each([
  '',
  '2026-03-17',
  '2026-03-17T14:30:00',
  '2026-03-17 14:30:00Z',
  '2026-03-17T14:30Z',
  '2026-03-17T14:30:00.Z',
  '2026-03-17T14:30:00.1234567890Z',
  '2026-03-17T14:30:00,5Z',
  '2026-03-17T24:00:00Z',
  '2026-03-17T14:60:00Z',
  '2026-03-17T14:30:60Z',
  '2026-03-17T23:59:61Z',
  '2026-02-29T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-03-17T14:30:00+24:00',
  '2026-03-17T14:30:00+01:60',
  '2026-03-17T14:30:00+0100',
  '0000-01-01T00:00:00+00:01',
  '9999-12-31T23:59:59-00:01',
  '+002026-03-17T14:30:00Z',
  '２026-03-17T14:30:00Z',
  '2026-03-17T14:30:00Z\n',
])('refuses %j', (text) => expect(parseRfc3339(text)).toBeUndefined());

test('reads back every time that can be printed', () => {
  const range = { min: -62_167_219_200_000, max: 253_402_300_799_999 };
  fc.assert(
    fc.property(fc.integer(range), (ms) => parseRfc3339(new Date(ms).toISOString()) === ms),
    { numRuns: 300 },
  );
});

describe('printing', () => {
  const ms = Date.UTC(2026, 2, 17, 14, 30, 0, 120);
  test.each([
    [{ fraction: 'ms', utc: 'Z' }, '2026-03-17T14:30:00.120Z'],
    [{ fraction: 'none', utc: 'Z' }, '2026-03-17T14:30:00Z'],
    [{ fraction: 'auto', utc: '+00:00' }, '2026-03-17T14:30:00.120+00:00'],
    [{ fraction: 'none', utc: 'Z', offsetMinutes: 480 }, '2026-03-17T22:30:00+08:00'],
    [{ fraction: 'ms', utc: 'Z', offsetMinutes: -210 }, '2026-03-17T11:00:00.120-03:30'],
    [{ fraction: 'none', utc: 'Z', offsetMinutes: 0 }, '2026-03-17T14:30:00Z'],
  ] as const)('%j', (options, text) => {
    expect(formatRfc3339(ms, options)).toBe(text);
    expect(parseRfc3339(text)).toBe(options.fraction === 'none' ? ms - 120 : ms);
  });

  test('whole seconds have no fraction, and no year has five digits', () => {
    expect(formatRfc3339(0, { fraction: 'auto', utc: '+00:00' })).toBe('1970-01-01T00:00:00+00:00');
    const last = Date.UTC(9999, 11, 31, 23);
    const east = { fraction: 'none', utc: 'Z', offsetMinutes: 840 } as const;
    expect(formatRfc3339(last, east)).toBe('9999-12-31T23:00:00Z');
  });

  test('any time of the calendar comes back', () => {
    const time = fc.integer({ min: Date.UTC(1, 0, 1), max: Date.UTC(9999, 11, 30) });
    const minutes = fc.integer({ min: -1439, max: 1439 });
    fc.assert(
      fc.property(time, minutes, (at, offsetMinutes) => {
        const options = { fraction: 'auto', utc: '+00:00', offsetMinutes } as const;
        expect(parseRfc3339(formatRfc3339(at, options))).toBe(at);
      }),
    );
  });
});

test.each([
  ['+08:00', 480],
  ['-0330', -210],
  ['Z', 0],
  ['UTC', 0],
  ['Asia/Shanghai', 480],
  ['Europe/Berlin', 60],
  ['America/St_Johns', -150],
  ['+24:00', undefined],
  ['Nowhere/Land', undefined],
  ['', undefined],
  ['x'.repeat(10_000), undefined],
])('the zone %j is %s minutes ahead of UTC', (zone, minutes) => {
  expect(offsetMinutesOf(zone, Date.UTC(2026, 2, 17))).toBe(minutes);
});
