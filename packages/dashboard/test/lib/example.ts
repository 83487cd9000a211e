import { expect } from 'vitest';
import type { Stage, Watched } from './stage.ts';

/** An installation as people have one: some webhooks, one of them failing, and what they were sent. */

const tenant = 'default';

export interface Example {
  /** Every page there is: a name for files, and its address. */
  readonly pages: readonly (readonly [name: string, path: string])[];
}

export async function fill(on: Stage): Promise<Example> {
  const { api } = on.product;
  await api.loadPreset({ tenant, preset: 'logto', body: {} });
  await api.putTenant({ tenant: 'acme', body: { name: 'Acme', parent: 'default' } });
  await api.createKey({ body: { name: 'Shop backend', tenant, scopes: ['publish', 'read'] } });
  await api.createKey({ body: { name: 'Deployment', tenant, scopes: ['write'] } });
  await api.createApp({
    tenant,
    body: {
      name: 'Calendar',
      website: 'https://calendar.example.com',
      redirectUris: ['https://calendar.example.com/connected'],
      webhookUrl: on.receiver.url('/calendar'),
    },
  });
  const shop = await makeWebhooks(on);
  await publish(on);
  const inbox = await makeInbox(on);
  const failed = await attempt(on, 'failed');
  const succeeded = await attempt(on, 'succeeded');
  const [capture] = (await api.listCaptures({ tenant, inbox })).items;
  const [event] = (await api.listEvents({ tenant, type: 'order.paid' })).items;
  const of = (path: string) => `/dashboard/default${path}`;
  return {
    pages: [
      ['overview', of('')],
      ['webhooks', of('/webhooks')],
      ['webhook', of(`/webhooks/${shop}`)],
      ['webhook-form', of(`/webhooks/${shop}/edit`)],
      ['activity', of('/activity')],
      ['delivery', of(`/activity/${succeeded}`)],
      ['failed-delivery', of(`/activity/${failed}`)],
      ['waiting', of('/activity?view=waiting')],
      ['events', of('/activity?view=events')],
      ['event', of(`/events/${event?.id}`)],
      ['post-event', of('/events/new')],
      ['event-types', of('/event-types')],
      ['event-type', of('/event-types/User.Created')],
      ['event-type-form', of('/event-types/User.Created/edit')],
      ['inboxes', of('/inboxes')],
      ['inbox', of(`/inboxes/${inbox}/${capture?.id}`)],
      ['inbox-rules', of(`/inboxes/${inbox}/rules`)],
      ['inbox-settings', of(`/inboxes/${inbox}/settings`)],
      ['apps', of('/apps')],
      ['alerts', of('/alerts')],
      ['settings', of('/settings')],
      ['tenants', '/dashboard/-/tenants'],
      ['keys', '/dashboard/-/keys'],
      ['sessions', '/dashboard/-/sessions'],
      ['nodes', '/dashboard/-/nodes'],
      ['first-minute', '/dashboard/acme'],
    ],
  };
}

async function makeWebhooks(on: Stage): Promise<string> {
  const { api } = on.product;
  const url = (path: string) => on.receiver.url(path);
  const make = (body: Parameters<typeof api.createEndpoint>[0]['body']) =>
    api.createEndpoint({ tenant, body });
  const shop = await make({
    name: 'Shop',
    description: 'Orders and customers, for the shop backend.',
    url: url('/shop'),
    eventTypes: ['User.*', 'order.*'],
    headers: [
      { name: 'X-Team', value: 'commerce' },
      { name: 'Authorization', value: 'Bearer 6c9f1d' },
    ],
    filter: { 'data.total': { gte: 100 } },
  });
  await make({ name: 'Analytics', url: url('/analytics'), dialect: 'raw', rateLimit: 50 });
  await make({ name: 'Accounts', url: url('/accounts'), dialect: 'logto', eventTypes: ['User.*'] });
  await make({ name: 'Mailing list', url: url('/fail/mailing'), eventTypes: ['User.*'] });
  await make({
    name: 'Old warehouse',
    url: url('/fail/warehouse'),
    eventTypes: ['order.*'],
    retryPolicy: { attempts: 1 },
  });
  await make({
    name: 'Pager',
    url: url('/pager'),
    eventTypes: ['delivery.failed', 'endpoint.disabled', 'endpoint.failing'],
  });
  const paused = await make({ name: 'Billing', url: url('/billing'), eventTypes: ['order.paid'] });
  await api.pauseEndpoint({ tenant, endpoint: paused.id });
  return shop.id;
}

const NAMES = ['Alice', 'Bruno', 'Chiara', 'Dmitri', 'Elif', 'Farid', 'Grace', 'Hana'];

async function publish(on: Stage): Promise<void> {
  const { api } = on.product;
  for (const [n, name] of NAMES.entries()) {
    const id = `u_${1040 + n}`;
    const email = `${name.toLowerCase()}@example.com`;
    await api.publishEvents({
      tenant,
      body: [
        { type: 'User.Created', subject: id, data: { id, name, primaryEmail: email } },
        {
          type: 'order.paid',
          subject: `o_${8810 + n}`,
          actor: { id, name },
          data: { id: `o_${8810 + n}`, total: 40 + n * 35, currency: 'EUR', items: n + 1 },
        },
      ],
    });
  }
  await expect
    .poll(async () => (await api.listAttempts({ tenant, limit: 200 })).items.length, {
      timeout: 10_000,
    })
    .toBeGreaterThan(35);
}

async function makeInbox(on: Stage) {
  const { api } = on.product;
  const { id, url } = await api.createInbox({
    tenant,
    body: { name: 'stripe-test', title: 'Stripe, test mode' },
  });
  await api.putInboxRules({
    tenant,
    inbox: id,
    body: {
      rules: [
        {
          name: 'Refunds fail twice',
          when: { methods: ['POST'], path: '/refunds', nth: { from: 1, to: 2 } },
          answer: { kind: 'reply', status: 503, headers: [{ name: 'Retry-After', value: '5' }] },
        },
      ],
    },
  });
  const send = (path: string, body: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer 6c9f1d' },
      body: JSON.stringify(body),
    });
  await send('/refunds', { id: 're_1', type: 'charge.refunded', amount: 1900, currency: 'eur' });
  await send('/', { id: 'in_7', type: 'invoice.paid', total: 4900, customer: { id: 'cus_1' } });
  await send('/', { id: 'in_8', type: 'invoice.paid', total: 5900, customer: { id: 'cus_2' } });
  await api.createInbox({ tenant, body: { title: 'Quick look' } });
  return id;
}

/** The newest attempt that ended so and has an answer. */
async function attempt(on: Stage, state: 'failed' | 'succeeded'): Promise<string> {
  const { items } = await on.product.api.listAttempts({ tenant, state });
  const found = items.find(({ type, status }) => type === 'order.paid' && status !== null);
  if (!found) throw new Error(`no attempt ${state}`);
  return found.id;
}

/** Something to see in the charts of backlog and lag. */
export async function keepBusy(on: Stage, page: Watched): Promise<void> {
  for (let second = 0; second < 16; second++) {
    const body = { type: 'order.paid', subject: `o_${second}`, data: { total: 20 * second } };
    await on.product.api.publishEvents({ tenant, body });
    await page.waitForTimeout(1000);
  }
}
