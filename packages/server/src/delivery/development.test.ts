import { expect, test } from 'vitest';
import { start } from './harness.suite.ts';

/** "Duplicate this webhook for development": a copy that sends to an inbox, and the inbox to a laptop. */

const tenant = 'default';

async function production() {
  const harness = await start();
  const made = await harness.endpoint({
    url: 'https://shop.example.com/hooks',
    name: 'Shop',
    eventTypes: ['order.*'],
    headers: [{ name: 'X-Env', value: 'prod' }],
    enabled: false,
  });
  const copy = (inbox: `inb_${string}` | null = null) =>
    harness.api.copyForDevelopment({ tenant, endpoint: made.id, body: { inbox } });
  return { ...harness, made, copy };
}

test('the copy sends what the original would, signed with its own secret, to an inbox that checks it', async () => {
  const { api, made, copy, publish, settled } = await production();
  const { endpoint, inbox } = await copy();
  expect(endpoint).toMatchObject({
    url: inbox.url,
    name: 'Shop (copy)',
    enabled: true,
    eventTypes: ['order.*'],
    metadata: { copyOf: made.id },
  });
  expect(inbox).toMatchObject({ title: 'Development copy of Shop', answer: { kind: 'live' } });
  await publish({ type: 'order.paid' });
  await publish({ type: 'user.created' });
  await settled();
  const { items } = await api.listCaptures({ tenant, inbox: inbox.id });
  expect(items).toMatchObject([
    { type: 'order.paid', status: 202, answeredBy: 'fallback', signature: { state: 'valid' } },
  ]);
});

test('asked again for the same inbox there is still one copy', async () => {
  const { api, copy } = await production();
  const first = await copy();
  const again = await copy(first.inbox.id);
  expect(again.endpoint.id).toBe(first.endpoint.id);
  expect(again.inbox.signing.secrets).toHaveLength(1);
  expect((await copy()).endpoint.id).not.toBe(first.endpoint.id);
  expect((await api.listEndpoints({ tenant })).items).toHaveLength(3);
});

test('who may only read makes no copy', async () => {
  const { api, client, made } = await production();
  const { key } = await api.createKey({ body: { name: 'r', tenant, scopes: ['read'] } });
  const asked = client(key).copyForDevelopment({ tenant, endpoint: made.id, body: {} });
  await expect(asked).rejects.toMatchObject({ status: 403 });
});
