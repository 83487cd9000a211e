import { importVerifyKey, verify } from '@posthorn/wire';
import { expect, test } from 'vitest';
import { stage } from './lib/stage.ts';

const on = stage();
const tenant = 'default';

test('the first minute: the page flips when the first event arrives', async () => {
  const page = await on.signedIn();
  await page.getByText('Waiting for the first event').waitFor();
  await on.product.api.publishEvents({ tenant, body: { type: 'user.created', data: {} } });
  await page.getByText('Waiting for the first event').waitFor({ state: 'detached' });
});

test('a webhook made in the form gets a signed request with everything that was filled in', async () => {
  const page = await on.signedIn('/webhooks/new');
  await page.getByLabel('URL').fill(on.receiver.url('/made'));
  await page.getByLabel('Name', { exact: true }).fill('Made by hand');
  await page.getByText('Only these', { exact: true }).click();
  await page.getByRole('combobox', { name: 'Event types' }).fill('invoice.*');
  await page.getByRole('combobox', { name: 'Event types' }).press('Enter');
  for (const [index, name] of ['X-Second', 'X-First'].entries()) {
    await page.getByRole('button', { name: 'Add a header' }).click();
    await page.getByLabel(`Name ${index + 1}`).fill(name);
    await page.getByLabel(`Value ${index + 1}`).fill(`v${index}`);
  }
  await page.getByRole('button', { name: 'Move up' }).nth(1).click();
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Made by hand' }).waitFor();

  await page.getByRole('button', { name: 'Show the secret' }).click();
  const secret = (await page.getByText(/^whsec_/).textContent()) ?? '';
  const { api } = on.product;
  await api.publishEvents({ tenant, body: { type: 'other.thing', data: {} } });
  await api.publishEvents({ tenant, body: { type: 'invoice.paid', data: { id: 'i_1' } } });
  const { headers, body } = await on.receiver.wait(({ path }) => path === '/made');
  expect(JSON.parse(body)).toMatchObject({ type: 'invoice.paid', data: { id: 'i_1' } });
  expect([headers['x-first'], headers['x-second']]).toEqual(['v1', 'v0']);
  const result = await verify({
    id: String(headers['webhook-id']),
    timestamp: String(headers['webhook-timestamp']),
    signature: String(headers['webhook-signature']),
    body: Buffer.from(body),
    keys: [importVerifyKey(secret)],
    nowS: Date.now() / 1000,
  });
  expect(result.ok).toBe(true);
  await page.getByRole('link', { name: /200.*invoice\.paid/ }).waitFor();
});

test('what the server refuses is said at the field, and nothing typed is lost', async () => {
  const page = await on.signedIn('/webhooks/new', { mayComplain: true });
  await page.getByLabel('URL').fill('ftp://example.com');
  await page.getByLabel('Name', { exact: true }).fill('Kept');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('alert').getByText('is not an http or https URL').waitFor();
  expect(await page.getByLabel('URL').getAttribute('aria-invalid')).toBe('true');
  expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe('Kept');
});

async function make(name: string, path: string) {
  const body = { url: on.receiver.url(path), name };
  return on.product.api.createEndpoint({ tenant, body });
}

test('pause holds, resume sends what waited', async () => {
  const { id } = await make('Held', '/held');
  const page = await on.signedIn(`/webhooks/${id}`);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('Events still match and wait').waitFor();
  await on.product.api.publishEvents({ tenant, body: { type: 'a.b', data: 1 } });
  expect(on.receiver.received.filter(({ path }) => path === '/held')).toEqual([]);
  await page.getByRole('button', { name: 'Resume' }).click();
  await on.receiver.wait(({ path }) => path === '/held');
});

test('a replaced secret signs beside the old one', async () => {
  const { id, secret } = await make('Rotated', '/rotated');
  const page = await on.signedIn(`/webhooks/${id}`);
  await page.getByRole('button', { name: 'Replace' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Replace' }).click();
  await page.getByText('Older, still signing').waitFor();
  expect(await page.getByText(secret).count()).toBe(1);
  await on.product.api.publishEvents({ tenant, body: { type: 'a.b', data: 1 } });
  const { headers } = await on.receiver.wait(({ path }) => path === '/rotated');
  expect(String(headers['webhook-signature']).split(' ')).toHaveLength(2);
});

test('an edit changes what is sent next', async () => {
  const { id } = await make('Edited', '/before');
  const page = await on.signedIn(`/webhooks/${id}`);
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('URL').fill(on.receiver.url('/after'));
  await page.getByRole('combobox', { name: 'Method' }).click();
  await page.getByRole('option', { name: 'PUT' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  await on.product.api.publishEvents({ tenant, body: { type: 'a.b', data: 1 } });
  expect((await on.receiver.wait(({ path }) => path === '/after')).method).toBe('PUT');
});

test('to delete one its name must be typed', async () => {
  const { id } = await make('Unwanted', '/unwanted');
  const page = await on.signedIn(`/webhooks/${id}`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  const dialog = page.getByRole('dialog');
  const button = dialog.getByRole('button', { name: 'Delete' });
  expect(await button.isDisabled()).toBe(true);
  await dialog.getByLabel('Type Unwanted to confirm').fill('Unwanted');
  await button.click();
  await page.getByText('Deleted.').waitFor();
  const { items } = await on.product.api.listEndpoints({ tenant });
  expect(items.map((endpoint) => endpoint.id)).not.toContain(id);
});
