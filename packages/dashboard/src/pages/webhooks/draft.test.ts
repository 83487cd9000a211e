import { expect, test } from 'vitest';
import { type Draft, draftOf, EMPTY, settingsOf } from './draft.ts';
import { spanOf } from './sending-draft.ts';

const FULL: Draft = {
  ...EMPTY,
  name: 'Shop',
  url: 'https://example.com/hooks',
  allEvents: false,
  eventTypes: ['user.*'],
  actor: 'some',
  actorFields: ['id'],
  alias: 'w-1',
  headers: [{ key: 0, name: 'X-Team', value: 'shop' }],
  retry: { ...EMPTY.retry, mode: 'schedule', schedule: '5s 5m', jitterPercent: '10' },
  timeoutS: '2.5',
  rateLimit: '10',
  metadata: 'team = shop\nowner=me',
};

test('what is saved reads back as the same draft', () => {
  const { settings, mistakes } = settingsOf(FULL);
  expect(mistakes).toEqual({});
  const endpoint = {
    ...settings,
    retryPolicy: { attempts: 3, schedule: [5, 300], jitter: 0.1, retryOn: 'any' as const },
    id: 'ep_1' as const,
    tenant: 'default',
    paused: false,
    disabled: null,
    version: 1,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
  };
  const again = settingsOf(draftOf(endpoint));
  expect(again.settings).toEqual(settings);
});

test('all events are sent as no types, whatever was chosen before', () => {
  expect(settingsOf({ ...FULL, allEvents: true }).settings.eventTypes).toEqual([]);
});

test('what cannot be understood is named by its field', () => {
  const { mistakes } = settingsOf({
    ...FULL,
    timeoutS: 'soon',
    metadata: 'no equals sign',
    retry: { ...FULL.retry, schedule: 'later' },
  });
  expect(Object.keys(mistakes).sort()).toEqual(['metadata', 'retryPolicy.schedule', 'timeoutS']);
});

test('a policy says how long it goes on', () => {
  expect(spanOf({ ...EMPTY.retry, mode: 'schedule', schedule: '5s 5m' })).toEqual({
    attempts: 3,
    ms: 305_000,
  });
  const backoff = {
    ...EMPTY.retry,
    mode: 'backoff' as const,
    attempts: '4',
    base: '1s',
    max: '3s',
  };
  expect(spanOf({ ...backoff, factor: '2' })).toEqual({ attempts: 4, ms: 6000 });
  expect(spanOf({ ...EMPTY.retry, mode: 'never' })).toEqual({ attempts: 1, ms: 0 });
  expect(spanOf(EMPTY.retry)).toBeUndefined();
});
