import { expect, test } from 'vitest';
import { stage } from './lib/stage.ts';

const on = stage();
const tenant = 'default';

test('the preview is the request that the test then sends, with changes that are not saved', async () => {
  const { id } = await on.product.api.createEndpoint({
    tenant,
    body: { url: on.receiver.url('/old'), name: 'Previewed', eventTypes: ['user.created'] },
  });
  const page = await on.signedIn(`/webhooks/${id}/edit`);
  await page.getByLabel('URL').fill(on.receiver.url('/new'));
  await page.getByRole('combobox', { name: 'Dialect' }).click();
  await page.getByRole('option', { name: 'Logto' }).waitFor();
  await page.getByRole('option', { name: 'canD' }).click();
  const preview = page.getByRole('region', { name: 'The request' });
  await preview.getByText('POST /new HTTP/1.1').waitFor();
  await preview.getByText('"module"').waitFor();
  await page.getByRole('button', { name: 'Send a test of it' }).click();
  const result = page.getByRole('region', { name: 'What came of the test' });
  await result.getByText('HTTP/1.1 200 OK').waitFor();
  const sent = await on.receiver.wait(({ path }) => path === '/new');
  expect(Object.keys(JSON.parse(sent.body) as object)).toContain('module');
  // Nothing was saved by looking.
  expect(await on.product.api.getEndpoint({ tenant, endpoint: id })).toMatchObject({
    url: on.receiver.url('/old'),
    dialect: null,
  });
});

test('a filter is tried against what came last, and then decides', async () => {
  for (const total of [50, 150]) {
    await on.product.api.publishEvents({ tenant, body: { type: 'order.paid', data: { total } } });
  }
  const page = await on.signedIn('/webhooks/new');
  await page.getByLabel('URL').fill(on.receiver.url('/filtered'));
  await page.getByText('Only these', { exact: true }).click();
  await page.getByRole('combobox', { name: 'Event types' }).fill('order.*');
  await page.getByRole('combobox', { name: 'Event types' }).press('Enter');
  await page.getByText('Conditions', { exact: true }).click();
  await page.getByLabel('Field 1').fill('data.total');
  await page.getByRole('combobox', { name: 'Comparison 1' }).click();
  await page.getByRole('option', { name: 'is at least' }).click();
  await page.getByLabel('Value 1').fill('100');
  await page.getByText('1 of the latest 2 events of these types would be sent.').waitFor();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: 'Edit' }).waitFor();
  for (const total of [60, 160]) {
    await on.product.api.publishEvents({ tenant, body: { type: 'order.paid', data: { total } } });
  }
  const { body } = await on.receiver.wait(({ path }) => path === '/filtered');
  expect(JSON.parse(body)).toMatchObject({ data: { total: 160 } });
});

test('what somebody else saved meanwhile is shown, and replaced only on purpose', async () => {
  const { api } = on.product;
  const { id: endpoint } = await api.createEndpoint({
    tenant,
    body: { url: on.receiver.url('/both'), name: 'Both' },
  });
  const page = await on.signedIn(`/webhooks/${endpoint}/edit`, { mayComplain: true });
  await page.getByLabel('Description').fill('mine');
  // A pause is not in the form.
  await api.pauseEndpoint({ tenant, endpoint });
  await api.updateEndpoint({ tenant, endpoint, body: { description: 'theirs' } });
  const conflict = page.getByRole('alert').filter({ hasText: 'Somebody else changed' });
  const row = conflict.getByRole('row', { name: 'description "theirs" "mine"' });
  await row.waitFor();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('The endpoint was changed meanwhile').waitFor();
  const stored = async () => (await api.getEndpoint({ tenant, endpoint })).description;
  expect(await stored()).toBe('theirs');
  await conflict.getByRole('button', { name: 'Show theirs' }).click();
  await conflict.waitFor({ state: 'detached' });
  expect(await page.getByLabel('Description').inputValue()).toBe('theirs');
  await page.getByLabel('Description').fill('mine again');
  await api.updateEndpoint({ tenant, endpoint, body: { description: 'theirs again' } });
  await conflict.getByRole('button', { name: 'Save mine over it' }).click();
  await page.getByText('Saved.').waitFor();
  expect(await stored()).toBe('mine again');
});

test('a format of its own is sent as it was put together', async () => {
  const page = await on.signedIn('/webhooks/new');
  await page.getByLabel('URL').fill(on.receiver.url('/custom'));
  await page.getByRole('combobox', { name: 'Dialect' }).click();
  await page.getByRole('option', { name: 'Custom', exact: true }).click();
  await page.getByLabel('Header of the signature').fill('X-Shop-Signature');
  await page.getByLabel('Before the signature').fill('t={timestamp},v1=');
  const preview = page.getByRole('region', { name: 'The request' });
  await preview.getByText('POST /custom HTTP/1.1').waitFor();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: 'Send a test' }).click();
  const { headers } = await on.receiver.wait(({ path }) => path === '/custom');
  expect(headers['x-shop-signature']).toMatch(/^t=\d{10},v1=[0-9a-f]{64}$/);
});

test('a copy for development gets the same events, without the headers of the original', async () => {
  const { id } = await on.product.api.createEndpoint({
    tenant,
    body: {
      url: on.receiver.url('/real'),
      name: 'Shop',
      eventTypes: ['dev.*'],
      headers: [{ name: 'X-Team', value: 'a' }],
    },
  });
  const page = await on.signedIn(`/webhooks/${id}`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Duplicate for development' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/URL of your machine/).fill(on.receiver.url('/machine'));
  await dialog.getByRole('button', { name: 'Duplicate' }).click();
  await page.getByRole('heading', { name: 'Shop (development)' }).waitFor();
  await on.product.api.publishEvents({ tenant, body: { type: 'dev.once', data: {} } });
  const real = await on.receiver.wait(({ path }) => path === '/real');
  const copy = await on.receiver.wait(({ path }) => path === '/machine');
  expect([real.headers['x-team'], copy.headers['x-team']]).toEqual(['a', undefined]);
});

test('a plain copy opens to be changed, and is off', async () => {
  const { id } = await on.product.api.createEndpoint({
    tenant,
    body: { url: on.receiver.url('/twin'), name: 'Twin' },
  });
  const page = await on.signedIn(`/webhooks/${id}`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Duplicate', exact: true }).click();
  await page.getByRole('heading', { name: 'Twin (copy)' }).waitFor();
  expect(await page.getByRole('switch', { name: 'Enabled' }).isChecked()).toBe(false);
});
