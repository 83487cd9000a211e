import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foreign, foreignShortId, foreignUuid, foreignUuidV7, isUuid } from './foreign.ts';

test('ids never change', () => {
  expect(foreignUuid('tenant', 'default')).toBe('c8bc5261-0928-850b-ae03-30982c2fdce3');
  expect(foreignShortId('endpoint', 'ep_06cj8h2f7s5t9v1x3z5b7d9fgh')).toBe('qch249jnao7ptxsxzjzk2');
  expect(foreignUuidV7('delivery', 'ep_1\nevt_1', 1_773_757_800_000)).toBe(
    '019cfc34-1e40-7f88-a347-f2477649ca32',
  );
});

test('a UUIDv8 is the SHA-256 of kind and id, with version and variant', () => {
  const hex = createHash('sha256').update('event\nevt_1').digest('hex');
  const id = foreignUuid('event', 'evt_1').replaceAll('-', '');
  expect(id.slice(0, 12)).toBe(hex.slice(0, 12));
  expect(id[12]).toBe('8');
  expect('89ab').toContain(id[16]);
  expect(id.slice(17)).toBe(hex.slice(17, 32));
});

test('an alias wins', () => {
  expect(foreign('tenant', { id: 'default', alias: 'acme' })).toBe('acme');
  expect(foreign('tenant', { id: 'default', alias: null })).toBe(foreignUuid('tenant', 'default'));
});

test.each([
  [0, '00000000-0000'],
  [1_773_757_800_000, '019cfc34-1e40'],
  [-1, '00000000-0000'],
  [Number.MAX_SAFE_INTEGER, 'ffffffff-ffff'],
])('a UUIDv7 begins with its time: %d', (ms, start) => {
  const id = foreignUuidV7('delivery', 'x', ms);
  expect(id.slice(0, 13)).toBe(start);
  expect(id[14]).toBe('7');
});

test('they have their form, whatever the id, and different ones for different things', () => {
  const seen = new Map<string, string>();
  fc.assert(
    fc.property(
      fc.constantFrom('tenant', 'endpoint', 'event' as const),
      fc.string(),
      (kind, id) => {
        const uuid = foreignUuid(kind, id);
        expect(isUuid(uuid)).toBe(true);
        expect(foreignShortId(kind, id)).toMatch(/^[0-9a-z]{21}$/);
        const key = `${kind}\n${id}`;
        expect(seen.get(uuid) ?? key).toBe(key);
        seen.set(uuid, key);
      },
    ),
  );
});
