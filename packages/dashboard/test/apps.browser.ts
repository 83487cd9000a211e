import { expect, test } from 'vitest';
import { stage } from './lib/stage.ts';

const on = stage();
const tenant = 'default';

test('an app is made, changed and deleted; its secret is shown once', async () => {
  const { api } = on.product;
  const page = await on.signedIn('/apps');
  await page.getByText('No apps yet').waitFor();
  await page.getByRole('button', { name: 'New app' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Calendar');
  await dialog.getByRole('combobox', { name: 'Redirect URIs' }).fill('https://example.com/back');
  await dialog.getByRole('combobox', { name: 'Redirect URIs' }).press('Enter');
  await dialog.getByLabel('Webhook URL').fill(on.receiver.url('/calendar'));
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page
    .getByRole('row', { name: /Calendar/ })
    .first()
    .waitFor();

  await page.getByRole('button', { name: 'Actions for Calendar' }).click();
  await page.getByRole('menuitem', { name: 'New client secret' }).click();
  await dialog.getByRole('button', { name: 'New client secret' }).click();
  await dialog.getByText('the only time').waitFor();
  const [app] = (await api.listApps({ tenant })).items;
  const hint = app?.clientSecret?.hint ?? 'none';
  expect(await dialog.textContent()).toContain(hint);
  await dialog.getByRole('button', { name: 'Close' }).last().click();

  await page.getByRole('button', { name: 'Actions for Calendar' }).click();
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  await dialog.getByLabel('Name').fill('Planner');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  expect((await api.listApps({ tenant })).items[0]).toMatchObject({
    name: 'Planner',
    redirectUris: ['https://example.com/back'],
    webhookUrl: on.receiver.url('/calendar'),
  });

  await page.getByRole('button', { name: 'Actions for Planner' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await dialog.getByLabel('Type Planner to confirm').fill('Planner');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No apps yet').waitFor();
  const audit = page.getByRole('region', { name: 'Who did what' });
  await audit.getByRole('row', { name: /App deleted/ }).waitFor();
});

test('what the server refuses of an app is said at its field', async () => {
  const page = await on.signedIn('/apps', { mayComplain: true });
  await page.getByRole('button', { name: 'New app' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Broken');
  await dialog.getByLabel('Webhook URL').fill('ftp://example.com');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect
    .poll(() => dialog.getByLabel('Webhook URL').getAttribute('aria-invalid'))
    .toBe('true');
});
