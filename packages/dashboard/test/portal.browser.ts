import { expect, test } from 'vitest';
import { stage } from './lib/stage.ts';

/** The same pages for one tenant's people: by a link, or in a frame of somebody's application. */

const on = stage();
const HOST = 'https://app.example.com';

async function tenantWithPortal(tenant: string, frameAncestors: string[]) {
  const portal = {
    title: 'Acme webhooks',
    frameAncestors,
    theme: { color: '#b91c1c', scheme: 'dark' as const, radius: 12 },
  };
  await on.product.api.putTenant({ tenant, body: { name: tenant, portal } });
  return tenant;
}

/** An application that shows the portal in a frame; nothing of it is asked from the network. */
async function embed(url: string, options: { mayComplain?: boolean } = {}) {
  const page = await on.page({ ...options, hosts: [HOST] });
  await page.route(`${HOST}/`, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><title>app</title><iframe src="${url}" width="1200" height="700"></iframe>`,
    }),
  );
  await page.goto(`${HOST}/`);
  return page;
}

test('embedded, it looks like the application around it, and what is made there is delivered', async () => {
  const tenant = await tenantWithPortal('acme', [HOST]);
  const { api } = on.product;
  const { url } = await api.createPortalSession({ tenant, body: { role: 'write' } });
  const page = await embed(url);
  const portal = page.frameLocator('iframe');
  await portal.getByText('Acme webhooks').waitFor();
  expect(await portal.getByRole('link', { name: 'Tenants' }).count()).toBe(0);
  expect(await portal.getByRole('button', { name: 'Sign out' }).count()).toBe(0);
  const looks = await portal.locator('html').evaluate((html) => ({
    scheme: html.getAttribute('data-mantine-color-scheme'),
    accent: getComputedStyle(html).getPropertyValue('--mantine-color-accent-filled'),
    radius: getComputedStyle(html).getPropertyValue('--mantine-radius-default'),
  }));
  expect(looks).toMatchObject({ scheme: 'dark' });
  expect(looks.radius).toContain('0.75rem');
  await portal.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await portal.getByRole('button', { name: 'New webhook' }).first().click();
  await portal.getByLabel('URL').fill(on.receiver.url('/portal'));
  await portal.getByRole('button', { name: 'Create' }).click();
  await portal.getByRole('button', { name: 'Pause' }).waitFor();
  await api.publishEvents({ tenant, body: { type: 'user.created', data: { id: 'u_1' } } });
  const { body } = await on.receiver.wait(({ path }) => path === '/portal');
  expect(JSON.parse(body)).toMatchObject({ type: 'user.created' });
  // Neither cookies nor a bearer that outlives the frame.
  expect(await page.context().cookies()).toEqual([]);
  const kept = await portal
    .locator('html')
    .evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  expect(kept).not.toContain('phb_');
  expect(await portal.locator('html').evaluate(() => location.hash)).toBe('');
});

test('an application that the tenant does not list cannot embed it', async () => {
  const tenant = await tenantWithPortal('closed', ['https://other.example.com']);
  const { url } = await on.product.api.createPortalSession({ tenant, body: {} });
  const page = await embed(url, { mayComplain: true });
  await expect
    .poll(() => page.frames().some((frame) => frame.url().startsWith('chrome-error:')))
    .toBe(true);
  page.offences.length = 0;
});

test('a link that reads shows everything and changes nothing', async () => {
  const tenant = await tenantWithPortal('reader', []);
  const { api } = on.product;
  await api.createEndpoint({ tenant, body: { url: on.receiver.url('/read'), name: 'Shop' } });
  const { url } = await api.createPortalSession({ tenant, body: { role: 'read' } });
  const page = await on.page();
  await page.goto(url);
  await page.getByText('Acme webhooks').waitFor();
  await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await page.getByRole('link', { name: 'Shop' }).click();
  await page.getByRole('heading', { name: 'Shop' }).waitFor();
  for (const name of ['Edit', 'Pause', 'Send a test', 'Show the secret', 'New webhook']) {
    expect(await page.getByRole('button', { name }).count()).toBe(0);
  }
  expect(await page.getByRole('link', { name: 'Settings' }).count()).toBe(0);
});

test('an operator makes the link in the settings, and it works once', async () => {
  await tenantWithPortal('linked', []);
  const page = await on.signedIn('/../linked/settings');
  await page.getByRole('button', { name: 'Make a link' }).click();
  const url = (await page.getByText(/#phl_/).textContent()) ?? '';
  const visitor = await on.page();
  await visitor.goto(url);
  await visitor.getByText('Acme webhooks').waitFor();
  const second = await on.page({ mayComplain: true });
  await second.goto(url);
  await second.getByText('Your session has ended').waitFor();
});
