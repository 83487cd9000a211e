import { expect, test } from 'vitest';
import { parseEvents } from './event.ts';
import { decodeMeta, encodeMeta } from './message.ts';

function metaOf(body: string): string {
  const [draft] = parseEvents(new TextEncoder().encode(body)).events;
  if (draft === undefined) throw new Error('must hold: one event');
  return encodeMeta(draft);
}

test('an event with nothing more than type, id, time and data has no meta', () => {
  const meta = metaOf('{"type":"t","id":"1","occurredAt":"2026-03-17T14:30:00Z","data":{}}');
  expect(meta).toBe('');
  expect(decodeMeta(meta)).toEqual({});
});

test('keeps what the producer said, and only that', () => {
  const meta = metaOf(
    '{"type":"t","subject":"s","actor":{"__proto__":1},"headers":{"A":"b"},"channels":[]}',
  );
  expect(meta).toBe(
    '{"subject":"s","actor":{"__proto__":1},"headers":[{"name":"A","value":"b"}],"channels":[]}',
  );
  expect(encodeMeta({ ...decodeMeta(meta) } as Parameters<typeof encodeMeta>[0])).toBe(meta);
});
