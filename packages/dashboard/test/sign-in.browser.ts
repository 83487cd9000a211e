import { expect, test } from 'vitest';
import { stage } from './lib/stage.ts';

const on = stage();

test('the link signs in once; it leaves no token in the address, and a reload stays', async () => {
  const page = await on.page();
  const link = await on.product.link();
  await page.goto(link);
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  expect(page.url()).toBe(`${on.product.url}/dashboard/default`);
  await page.reload();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();

  const other = await on.page({ mayComplain: true });
  await other.goto(link);
  await other.getByText('This link was used or has expired').waitFor();
});

test('a new tab of a signed-in person is signed in, one of a stranger is not', async () => {
  const page = await on.signedIn();
  const tab = await page.context().newPage();
  await tab.goto(`${on.product.url}/dashboard/default/webhooks`);
  await tab.getByRole('heading', { name: 'Webhooks', exact: true }).waitFor();

  const stranger = await on.page();
  await stranger.goto(`${on.product.url}/dashboard/default/webhooks`);
  await stranger.getByRole('heading', { name: 'Sign in' }).waitFor();
});

test('an API key is exchanged for a session and kept nowhere', async () => {
  const { key } = await on.product.api.createKey({ body: { tenant: 'default', scopes: ['read'] } });
  const page = await on.page({ mayComplain: true });
  await page.goto(`${on.product.url}/dashboard/`);
  await page.getByLabel('API key').fill('phk_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('with a key that exists').waitFor();
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  const kept = await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  expect(kept).not.toContain(key);
  // What a key that only reads may not do is not offered.
  await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
  await page.getByText('No webhooks yet').waitFor();
  expect(await page.getByRole('button', { name: 'New webhook' }).count()).toBe(0);
  expect(await page.getByRole('link', { name: 'API keys' }).count()).toBe(0);
});

test('who signs out is out, in every tab', async () => {
  const page = await on.signedIn('', { mayComplain: true });
  const tab = await page.context().newPage();
  await tab.goto(`${on.product.url}/dashboard/default/webhooks`);
  await tab.getByRole('heading', { name: 'Webhooks', exact: true }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('You are signed out.').waitFor();
  await tab.getByText('You are signed out.').waitFor();
});

test('no cookie is ever set', async () => {
  const page = await on.signedIn();
  expect(await page.context().cookies()).toEqual([]);
});
