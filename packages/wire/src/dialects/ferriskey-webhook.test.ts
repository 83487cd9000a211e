import { expect, test } from 'vitest';
import { presets } from '../catalogue/index.ts';
import { ferriskeyWebhook } from './ferriskey-webhook.ts';

const ENDPOINT = {
  id: 'ep_1',
  alias: null,
  url: 'https://example.com/hooks',
  name: 'Shop',
  description: '',
  eventTypes: ['user.created', 'user.deleted'],
  createdAt: Date.UTC(2026, 2, 17, 14, 30),
  updatedAt: Date.UTC(2026, 2, 17, 14, 30, 0, 120),
};

test('a webhook in the order and the words of FerrisKey, without headers and secret', () => {
  const webhook = ferriskeyWebhook(ENDPOINT);
  const id = webhook.id;
  expect(JSON.stringify(webhook)).toBe(
    `{"id":"${id}","endpoint":"https://example.com/hooks","name":"Shop","description":null,` +
      `"subscribers":[{"id":"${webhook.subscribers[0]?.id}","name":"user.created","webhook_id":"${id}"},` +
      `{"id":"${webhook.subscribers[1]?.id}","name":"user.deleted","webhook_id":"${id}"}],` +
      '"triggered_at":null,"updated_at":"2026-03-17T14:30:00.120Z","created_at":"2026-03-17T14:30:00Z"}',
  );
});

test('its ids are UUIDs that never change; an alias stands in place of its own', () => {
  const webhook = ferriskeyWebhook(ENDPOINT);
  expect(ferriskeyWebhook({ ...ENDPOINT, name: 'other' }).id).toBe(webhook.id);
  const ids = [webhook.id, ...webhook.subscribers.map((one) => one.id)];
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab]/);
  expect(new Set(ids).size).toBe(3);
  expect(ferriskeyWebhook({ ...ENDPOINT, alias: 'mine' })).toMatchObject({
    id: 'mine',
    subscribers: [{ webhook_id: 'mine' }, { webhook_id: 'mine' }],
  });
});

test('it has the members of the webhook in the preset of FerrisKey, in their order', () => {
  const described = presets.ferriskey.eventTypes.find(({ name }) => name === 'webhook.created');
  const members = Object.keys(Object(described?.example?.data));
  expect(members).toContain('subscribers');
  expect(Object.keys(ferriskeyWebhook(ENDPOINT))).toEqual(members);
});
