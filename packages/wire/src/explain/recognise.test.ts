import { describe, expect, test } from 'vitest';
import { headersOf, readGolden } from '../dialects/golden.suite.ts';
import { dialects } from '../dialects/index.ts';
import type { DialectName } from '../message.ts';
import { recognise } from './recognise.ts';

const names: DialectName[] = [
  'standard',
  'logto',
  'ferriskey',
  'casdoor',
  'casdoor-docs',
  'cand',
  'caisy',
];

function valueIn(text: string): unknown {
  return text.startsWith('{') ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
}

describe.each(names)('%s', (name) => {
  test.each(readGolden(name))('is told from what it sends: $name', (golden) => {
    const headers = headersOf(golden.headers);
    const body = Buffer.from(golden.body);
    const says = dialects[name].parse({ method: golden.method, headers, body });
    const flat = headers.flatMap((header) => [header.name, header.value]);
    const found = recognise(flat, () => valueIn(body.toString()));
    expect(found.type).toBe(says.type);
    if (says.id !== undefined) expect(found.id).toBe(says.id);
    if (golden.secrets.length > 0 || name !== 'casdoor-docs') expect(found.sender).toBe(name);
  });
});

test.each([
  [
    'github',
    'issues.opened',
    '72d3',
    { 'X-GitHub-Event': 'issues', 'X-GitHub-Delivery': '72d3' },
    { action: 'opened' },
  ],
  ['github', 'push', undefined, { 'X-GitHub-Event': 'push' }, { ref: 'x' }],
  [
    'gitlab',
    'push',
    'u1',
    { 'X-Gitlab-Event': 'Push Hook', 'X-Gitlab-Event-UUID': 'u1' },
    { object_kind: 'push' },
  ],
  [
    'shopify',
    'orders/create',
    's1',
    { 'X-Shopify-Topic': 'orders/create', 'X-Shopify-Webhook-Id': 's1' },
    {},
  ],
  [
    'slack',
    'app_mention',
    'Ev1',
    { 'X-Slack-Signature': 'v0=1' },
    { type: 'event_callback', event_id: 'Ev1', event: { type: 'app_mention' } },
  ],
  [
    'stripe',
    'charge.paid',
    'evt_1',
    {},
    { object: 'event', id: 'evt_1', type: 'charge.paid', data: {}, livemode: false },
  ],
  ['cloudevents', 'com.acme.thing', 'e1', { 'ce-type': 'com.acme.thing', 'ce-id': 'e1' }, {}],
  [undefined, 'thing.done', 'd1', { 'X-Acme-Event': 'thing.done', 'X-Acme-Delivery': 'd1' }, {}],
  [undefined, 'paid', 'x1', {}, { event: 'paid', id: 'x1' }],
  [undefined, undefined, undefined, { 'X-Acme-Event': 'a\u0007b' }, []],
])('%s %s %s', (sender, type, id, headers, body) => {
  expect(recognise(Object.entries(headers).flat(), () => body)).toEqual({ sender, type, id });
});
