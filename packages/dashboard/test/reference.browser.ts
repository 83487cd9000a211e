import { expect, test } from 'vitest';
import { stage } from './lib/stage.ts';

const on = stage();

test('the API reference shows every group, and asks nobody but this server', async () => {
  const page = await on.page();
  await page.goto(`${on.product.url}/docs`);
  const description = await (await fetch(`${on.product.url}/openapi.json`)).json();
  const groups = (description as { tags: { name: string }[] }).tags.map(({ name }) => name);
  expect(groups.length).toBeGreaterThan(5);
  for (const name of groups) await page.getByText(name, { exact: true }).first().waitFor();
  await page.getByText('List tenants').first().click();
  await page.getByText('/api/v1/tenants').first().waitFor();
  expect(page.offences).toEqual([]);
});

test('the dashboard leads operators to it', async () => {
  const page = await on.signedIn();
  const link = page.getByRole('link', { name: 'API reference' });
  expect(await link.getAttribute('href')).toBe('/docs');
});
