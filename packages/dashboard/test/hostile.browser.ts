import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HOSTILE, HOSTILE_HEADER } from './lib/hostile.ts';
import { stage, type Watched } from './lib/stage.ts';

/** Stored by strangers, by customers in the portal, by receivers: nothing of it may ever run. */

const on = stage();
const tenant = 'default';

let receiver: Server;
beforeAll(async () => {
  // A receiver answers with whatever it likes, in its headers and its status line too.
  receiver = createServer((_, res) => {
    res.writeHead(500, HOSTILE_HEADER.slice(0, 200), { 'x-hostile': HOSTILE_HEADER });
    res.end(`<html><body>${HOSTILE}</body></html>`);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => receiver.once('listening', resolve));
});
afterAll(() => receiver.close());

interface Planted {
  readonly endpoint: string;
  readonly event: string;
  readonly inbox: string;
}

async function plant(): Promise<Planted> {
  const { api } = on.product;
  const { port } = receiver.address() as AddressInfo;
  const { id: endpoint } = await api.createEndpoint({
    tenant,
    body: {
      url: `http://127.0.0.1:${port}/${encodeURIComponent(HOSTILE)}?q=${encodeURIComponent(HOSTILE)}`,
      name: HOSTILE.slice(0, 200),
      description: HOSTILE,
      headers: [{ name: 'X-Hostile', value: HOSTILE_HEADER }],
      metadata: { note: HOSTILE.slice(0, 400) },
      retryPolicy: { attempts: 1 },
      filter: { any: [{ 'data.text': { ne: HOSTILE } }, { 'data.text': HOSTILE }] },
    },
  });
  await api.putEventType({
    tenant,
    type: 'hostile.type',
    body: {
      label: HOSTILE.slice(0, 200),
      group: HOSTILE.slice(0, 100),
      description: HOSTILE,
      schema: { type: 'object', title: HOSTILE, description: HOSTILE },
      example: { data: { [HOSTILE]: HOSTILE } },
    },
  });
  const accepted = await api.publishEvents({
    tenant,
    body: {
      type: 'hostile.type',
      data: { text: HOSTILE, [HOSTILE]: [HOSTILE], html: `<!doctype html>${HOSTILE}` },
      subject: HOSTILE.slice(0, 256),
      actor: { name: HOSTILE },
      context: { userAgent: HOSTILE },
      orderingKey: HOSTILE.slice(0, 256),
    },
  });
  const [{ id: event } = { id: '' }] = [accepted].flat();
  await expect
    .poll(async () => (await api.listAttempts({ tenant, state: 'failed' })).items.length)
    .toBe(1);
  const inbox = await plantCapture();
  await api.createKey({ body: { tenant, name: HOSTILE.slice(0, 200), scopes: ['read'] } });
  const before = await api.getTenant({ tenant });
  const { id: _, createdAt: _c, updatedAt: _u, ...kept } = before;
  await api.putTenant({
    tenant,
    body: {
      ...kept,
      name: HOSTILE.slice(0, 200),
      portal: { title: HOSTILE.slice(0, 60), frameAncestors: [] },
    },
  });
  return { endpoint, event, inbox };
}

async function plantCapture(): Promise<string> {
  const { api } = on.product;
  const { id, url } = await api.createInbox({ tenant, body: { title: HOSTILE.slice(0, 200) } });
  // By hand: names, file names and types as no browser would write them.
  const quoted = HOSTILE.replaceAll('"', '%22');
  const form = [
    `--x\r\nContent-Disposition: form-data; name="${quoted}"\r\n\r\n${HOSTILE}`,
    `--x\r\nContent-Disposition: form-data; name="file"; filename="${quoted}"\r\nContent-Type: ${HOSTILE}\r\n\r\n${HOSTILE}`,
    '--x--\r\n',
  ].join('\r\n');
  const path = `${encodeURIComponent(HOSTILE)}?${encodeURIComponent(HOSTILE)}`;
  const headers = { 'x-hostile': HOSTILE_HEADER, 'x-github-event': HOSTILE_HEADER.slice(0, 100) };
  await fetch(`${url}/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=x', ...headers },
    body: form,
  });
  await fetch(url, {
    method: 'POST',
    headers: { 'content-type': `text/html; x=${HOSTILE_HEADER}`, ...headers },
    body: `<html>${HOSTILE}</html>`,
  });
  await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type: HOSTILE, [HOSTILE]: HOSTILE }),
  });
  const { items } = await api.listCaptures({ tenant, inbox: id });
  for (const { id: capture } of items) {
    await api.markCapture({ tenant, inbox: id, capture, body: { note: HOSTILE } });
  }
  return id;
}

/** Everything that may open, opened; then nothing was made of the text but text. */
async function lookAround(page: Watched): Promise<void> {
  await page.evaluate(() => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  for (const view of ['Headers', 'Raw', 'Hex', 'Pretty']) {
    const switches = page.locator('label').filter({ hasText: new RegExp(`^${view}`) });
    for (const one of await switches.all()) await one.click({ timeout: 2000 }).catch(() => {});
  }
  expect(await page.locator('[data-hostile], iframe, img, math').count()).toBe(0);
  expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
}

test('nothing that strangers wrote runs, on any page, and the policy has nothing to stop', async () => {
  const { endpoint, event, inbox } = await plant();
  const page = await on.signedIn();
  await page.exposeFunction('report', (what: string) => page.offences.push(`ran: ${what}`));
  const { items: attempts } = await on.product.api.listAttempts({ tenant });
  const { items: captures } = await on.product.api.listCaptures({
    tenant,
    inbox: inbox as `inb_${string}`,
  });
  const paths = [
    '',
    '/webhooks',
    `/webhooks/${endpoint}`,
    `/webhooks/${endpoint}/edit`,
    '/activity',
    `/activity/${attempts[0]?.id}`,
    '/activity?view=events',
    `/events/${event}`,
    `/events/new?from=${event}`,
    '/event-types',
    '/event-types/hostile.type',
    '/event-types/hostile.type/edit',
    '/inboxes',
    ...captures.map(({ id }) => `/inboxes/${inbox}/${id}`),
    `/inboxes/${inbox}/rules?from=${captures[0]?.id}`,
    `/inboxes/${inbox}/settings`,
    '/alerts',
    '/settings',
    '/-/tenants',
    '/-/keys',
  ];
  for (const path of paths) {
    await on.visit(page, path.startsWith('/-') ? `/dashboard${path}` : `/dashboard/default${path}`);
    await page
      .getByText(/onerror=report/)
      .first()
      .waitFor({ timeout: 1500 })
      .catch(() => {});
    await lookAround(page);
  }
  const share = await on.product.api.createShare({ tenant, inbox: inbox as `inb_${string}` });
  await page.goto(share.url);
  await page
    .getByText(/onerror=report/)
    .first()
    .waitFor();
  await lookAround(page);
}, 200_000);

test('a test against a hostile receiver shows its answer as text', async () => {
  const { port } = receiver.address() as AddressInfo;
  const page = await on.signedIn('/webhooks/new');
  await page.exposeFunction('report', (what: string) => page.offences.push(`ran: ${what}`));
  await page.getByLabel('URL').fill(`http://127.0.0.1:${port}/`);
  await page.getByRole('button', { name: 'Send a test of it' }).click();
  const result = page.getByRole('region', { name: 'What came of the test' });
  await result
    .getByText(/onerror=report/)
    .first()
    .waitFor();
  await lookAround(page);
});
