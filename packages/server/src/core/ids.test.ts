import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { COUNTERS, createIdFactory, decodeId, encodeId, isId, slotOfId, timeOfId } from './ids.ts';

test('encode and decode are inverse, and order is kept', () => {
  const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(bytes16, bytes16, (a, b) => {
      expect(decodeId(`x_${encodeId(a)}`)).toEqual(a);
      expect(encodeId(a) < encodeId(b)).toBe(Buffer.compare(a, b) < 0);
    }),
  );
});

test('an id tells its time, version, variant and slot', () => {
  const bytes = decodeId(createIdFactory(randomBytes).event(217, 1_795_000_000_123));
  expect(bytes && timeOfId(bytes)).toBe(1_795_000_000_123);
  expect(bytes && slotOfId(bytes)).toBe(217);
  expect((bytes?.[6] ?? 0) >> 4).toBe(7);
  expect((bytes?.[8] ?? 0) >> 6).toBe(2);
});

test('ids grow strictly when the clock stands still and when it steps back', () => {
  const ids = createIdFactory(randomBytes);
  const made = Array.from({ length: 10_000 }, (_, i) => ids.event(3, i < 9000 ? 1000 : 10));
  expect([...made].sort()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
});

test('ids are later than those of the process before, also if the clock was set back', () => {
  const ids = createIdFactory(randomBytes, { after: 2000 });
  const times = [10, 10, 3000].map((now) => timeOfId(decodeId(ids.event(3, now)) ?? Buffer.of()));
  expect(times).toEqual([2001, 2001, 3000]);
});

test('two factories of a process never share time and counter', () => {
  const publishing = createIdFactory(randomBytes);
  const delivering = createIdFactory(randomBytes, { counters: COUNTERS.delivering });
  const place = (id: string) => decodeId(id)?.subarray(0, 8).toString();
  const places = Array.from({ length: 5000 }, () => [
    place(publishing.event(3, 1000)),
    place(delivering.event(3, 1000)),
  ]).flat();
  expect(new Set(places).size).toBe(places.length);
});

test('refuses what is not an id', () => {
  for (const text of [
    '',
    'evt_',
    'evt_0',
    `evt_${'u'.repeat(26)}`,
    `evt_8${'0'.repeat(25)}`,
    'ep_x',
  ]) {
    expect(isId('evt', text)).toBe(false);
  }
});
