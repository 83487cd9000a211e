import { expect, test } from 'vitest';
import { stage } from './lib/stage.ts';

const on = stage();
const tenant = 'default';

test('the first minute: a sample of any system makes the page show what happened', async () => {
  const page = await on.signedIn();
  await page.getByText('Waiting for the first event').waitFor();
  const commands = page.locator('pre, code').filter({ hasText: /curl|node -e/ });
  expect(await commands.count()).toBeGreaterThanOrEqual(3);
  await page.getByRole('button', { name: 'Send a sample' }).click();
  // One for each dialect.
  expect(await page.getByRole('menuitem').count()).toBe(9);
  await page.getByRole('menuitem', { name: /FerrisKey/ }).click();
  await page.getByRole('heading', { name: 'Failing webhooks' }).waitFor();
  const { items } = await on.product.api.listEvents({ tenant });
  expect(items.map(({ type }) => type)).toEqual(['user.created']);
});

test('a failing webhook comes first, by itself, and backlog and lag are drawn', async () => {
  const { id } = await on.product.api.createEndpoint({
    tenant,
    body: { url: on.receiver.url('/fail'), name: 'Broken', retryPolicy: { attempts: 1 } },
  });
  const page = await on.signedIn();
  await page.getByRole('figure', { name: 'Backlog' }).waitFor();
  await on.product.api.publishEvents({ tenant, body: { type: 'a.b', data: 1 } });
  const failing = page.getByRole('region', { name: 'Failing webhooks' });
  await failing.getByRole('link', { name: /Broken/ }).waitFor();
  const failures = page.getByRole('region', { name: /given up/ });
  await failures.getByRole('link', { name: /a\.b/ }).click();
  await page.getByText(/Answered 500 in/).waitFor();
  await on.product.api.deleteEndpoint({ tenant, endpoint: id });
});

test('an alert hears of a delivery that was given up', async () => {
  const page = await on.signedIn('/alerts');
  await page.getByRole('link', { name: 'New alert' }).first().click();
  await page.getByLabel('URL').fill(on.receiver.url('/alerts'));
  await page.getByLabel('Name', { exact: true }).fill('Pager');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Pager' }).waitFor();
  const broken = await on.product.api.createEndpoint({
    tenant,
    body: { url: on.receiver.url('/fail'), retryPolicy: { attempts: 1 }, eventTypes: ['c.d'] },
  });
  await on.product.api.publishEvents({ tenant, body: { type: 'c.d', data: 1 } });
  const told = await on.receiver.wait(({ path }) => path === '/alerts');
  expect(JSON.parse(told.body)).toMatchObject({ type: 'delivery.failed' });
  await page.getByRole('link', { name: 'Alerts' }).click();
  await page.getByRole('row', { name: /delivery\.failed.*Pager/ }).waitFor();
  await page
    .getByRole('region', { name: 'Told lately' })
    .getByRole('link', { name: 'delivery.failed' })
    .first()
    .waitFor();
  await on.product.api.deleteEndpoint({ tenant, endpoint: broken.id });
});

test('a tenant is made, its settings are inherited, and it is deleted by its name', async () => {
  const page = await on.signedIn();
  await page.getByRole('link', { name: 'Tenants' }).click();
  await page.getByRole('button', { name: 'New tenant' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Id').fill('acme');
  await dialog.getByLabel('Name').fill('Acme');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('link', { name: 'acme' }).click();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('combobox', { name: 'Dialect' }).click();
  await page.getByRole('option', { name: 'Logto' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const acme = { tenant: 'acme' };
  const made = await on.product.api.createEndpoint({
    ...acme,
    body: { url: on.receiver.url('/acme') },
  });
  await on.product.api.publishEvents({ ...acme, body: { type: 'User.Created', data: {} } });
  const { headers } = await on.receiver.wait(({ path }) => path === '/acme');
  expect(headers).toHaveProperty('logto-signature-sha-256');
  await on.product.api.deleteEndpoint({ ...acme, endpoint: made.id });
  await page.getByRole('link', { name: 'Tenants' }).click();
  await page.getByRole('button', { name: 'Delete acme' }).click();
  await page.getByLabel('Type acme to confirm').fill('acme');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('link', { name: 'acme' }).waitFor({ state: 'detached' });
});

test('a key is shown once, works, and is refused when it is deleted', async () => {
  const page = await on.signedIn();
  await page.getByRole('link', { name: 'API keys' }).click();
  await page.getByRole('button', { name: 'New key' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Shop');
  await dialog.getByRole('button', { name: 'Create' }).click();
  const key = (await dialog.getByText(/^phk_/).textContent()) ?? '';
  const tenants = () =>
    fetch(`${on.product.url}/api/v1/tenants`, { headers: { authorization: `Bearer ${key}` } });
  expect((await tenants()).status).toBe(200);
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await page.getByRole('button', { name: 'Delete Shop' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Deleted. It no longer works.').waitFor();
  expect((await tenants()).status).toBe(401);
});

test('without the server every list keeps what it has, is marked, and comes alive by itself', async () => {
  const { id: inbox } = await on.product.api.createInbox({ tenant, body: { name: 'kept' } });
  const paths = [
    'default',
    'default/webhooks',
    'default/activity',
    'default/event-types',
    'default/inboxes',
    `default/inboxes/${inbox}`,
    'default/apps',
    'default/alerts',
    '-/tenants',
    '-/keys',
    '-/sessions',
    '-/nodes',
  ];
  const page = await on.signedIn('/alerts', { mayComplain: true });
  for (const path of paths) await on.visit(page, `/dashboard/${path}`);
  const mark = page.getByText('Offline: what you see is from before');
  expect(await mark.count()).toBe(0);
  const start = await on.product.leave();
  // Nothing is asked for on the last of these pages: it looks by itself.
  await mark.waitFor();
  for (const path of paths) {
    await on.visit(page, `/dashboard/${path}`);
    await mark.waitFor();
  }
  // The node that served this, as it was.
  await page.getByRole('row', { name: /Healthy/ }).waitFor();
  await on.visit(page, '/dashboard/default/activity?view=events');
  await page.getByText('The server cannot be reached.').waitFor();
  await start();
  await page.getByRole('row', { name: /a\.b/ }).first().waitFor();
  await mark.waitFor({ state: 'detached' });
  // Code that was never loaded is waited for.
  await page.route('**', (route) => route.abort());
  const failed = page.waitForEvent('requestfailed', (request) => /\/settings-/.test(request.url()));
  await page.getByRole('link', { name: 'Settings' }).click();
  await failed;
  await page.unroute('**');
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
});
