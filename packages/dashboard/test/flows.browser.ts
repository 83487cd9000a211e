import { expect, test } from 'vitest';
import { stage } from './lib/stage.ts';

const on = stage();
const tenant = 'default';
const bodiesAt = (path: string) =>
  on.receiver.received.filter((one) => one.path === path).map(({ body }) => body);

test('events are replayed in bulk: counted first, then with how far it is', async () => {
  for (let n = 0; n < 25; n++) {
    await on.product.api.publishEvents({ tenant, body: { type: 'bulk.sent', data: { n } } });
  }
  const { id } = await on.product.api.createEndpoint({
    tenant,
    body: { url: on.receiver.url('/bulk'), name: 'Late', eventTypes: ['bulk.*'] },
  });
  const page = await on.signedIn(`/webhooks/${id}`);
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Replay events' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: 'What' }).click();
  await page.getByRole('option', { name: /never got/ }).click();
  await dialog.getByRole('button', { name: 'Count first' }).click();
  await dialog.getByText('25 deliveries would be owed.').waitFor();
  expect(bodiesAt('/bulk')).toEqual([]);
  await dialog.getByRole('button', { name: 'Start' }).click();
  await page.getByRole('progressbar').waitFor();
  await page.getByText('25 owed again').waitFor();
  await expect.poll(() => bodiesAt('/bulk').length).toBe(25);
});

test('an event is edited and sent: a new one, with the digits that were typed', async () => {
  await on.product.api.createEndpoint({
    tenant,
    body: { url: on.receiver.url('/edited'), eventTypes: ['edit.*'] },
  });
  await on.product.api.publishEvents({ tenant, body: { type: 'edit.me', data: { price: 1 } } });
  const page = await on.signedIn('/activity?type=edit.me');
  await page.getByRole('row', { name: /edit\.me/ }).click();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: /Edit and send/ }).click();
  const editor = page.getByRole('textbox', { name: 'Data' });
  await editor.click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText('{"price": 1.50}');
  await page.getByRole('button', { name: 'Post', exact: true }).click();
  await page.getByText('Posted to 1 webhook.').waitFor();
  await expect.poll(() => bodiesAt('/edited').length).toBe(2);
  expect(bodiesAt('/edited')[1]).toContain('"data":{"price": 1.50}');
});

test('a preset fills the catalogue, and a sample of a type reaches who listens', async () => {
  await on.product.api.createEndpoint({
    tenant,
    body: { url: on.receiver.url('/sample'), name: 'Accounts', eventTypes: ['User.*'] },
  });
  const page = await on.signedIn('/event-types');
  await page.getByRole('button', { name: 'Load a preset' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: 'Preset' }).click();
  await page.getByRole('option', { name: /Logto/ }).click();
  await dialog.getByRole('button', { name: 'See what would change' }).click();
  await dialog.getByText(/Would be: \d+ added/).waitFor();
  await dialog.getByRole('button', { name: 'Load', exact: true }).click();
  await page.getByRole('link', { name: 'User.Created' }).click();
  await page
    .getByRole('region', { name: 'Subscribed' })
    .getByRole('link', { name: 'Accounts' })
    .waitFor();
  await page.getByRole('button', { name: 'Send a sample' }).click();
  const { body } = await on.receiver.wait(({ path }) => path === '/sample');
  expect(JSON.parse(body)).toMatchObject({ type: 'User.Created' });
});
