import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { stage } from './lib/stage.ts';

const on = stage();
const tenant = 'default';

async function inbox(name: string) {
  return on.product.api.createInbox({ tenant, body: { name } });
}

const send = (url: string, init: RequestInit = {}) =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, ...init });

test('a new inbox tells its URL, and shows a request the moment it is caught', async () => {
  const page = await on.signedIn('/inboxes');
  await page.getByText('No inboxes yet').waitFor();
  await page.getByRole('button', { name: 'New inbox' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name in the URL').fill('shop');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByText('Waiting for the first request').waitFor();
  await page.getByText('posthorn listen 3000 --inbox shop').waitFor();
  await page.getByRole('button', { name: 'Custom', exact: true }).click();
  await page.getByRole('row', { name: /user\.created/ }).waitFor();
  const answer = await send(`${on.product.url}/in/shop/orders?x=1`, { body: '{"order":{"id":7}}' });
  expect(answer.status).toBe(200);
  await page.getByRole('row', { name: /POST \/orders\?x=1/ }).click();
  const request = page.getByRole('region', { name: 'Request' });
  await request.getByText('"order"').waitFor();
  await page.getByText(/Answered 200 by inbox/).waitFor();
});

test('secrets are masked until they are asked for', async () => {
  const { url } = await inbox('masked');
  await send(url, { headers: { authorization: 'Bearer correct-horse' } });
  const page = await on.signedIn('/inboxes');
  await page.getByRole('link', { name: 'masked' }).first().click();
  await page.getByRole('row', { name: /POST/ }).click();
  const request = page.getByRole('region', { name: 'Request' });
  await request.getByText('Headers').click();
  await request.getByText('authorization').waitFor();
  expect(await request.textContent()).not.toContain('correct-horse');
  await request.getByRole('button', { name: 'Reveal masked' }).click();
  await request.getByText('Bearer correct-horse').waitFor();
});

test('a rule made of a request answers its like from then on', async () => {
  const { id, url } = await inbox('ruled');
  await send(`${url}/orders`);
  const page = await on.signedIn(`/inboxes/${id}`);
  await page.getByRole('row', { name: /POST \/orders/ }).click();
  const pane = page.getByRole('region', { name: 'Capture' });
  await pane.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Make an answer rule of it' }).click();
  const rule = page.getByRole('region', { name: 'POST /orders' });
  await rule.getByLabel('Status').fill('503');
  await rule.getByLabel('Headers, one per line').fill('Retry-After: 7');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved.').waitFor();
  const answer = await send(`${url}/orders`);
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('7');
  expect((await send(`${url}/others`)).status).toBe(200);
});

test('a request is compared with the one before of its kind', async () => {
  const { id, url } = await inbox('compared');
  await send(`${url}/a`, { body: '{"state":"open","n":1}' });
  await send(`${url}/b`, { body: '{"state":"unrelated"}' });
  await send(`${url}/a`, { body: '{"state":"closed","n":1}' });
  const page = await on.signedIn(`/inboxes/${id}`);
  await page
    .getByRole('row', { name: /POST \/a/ })
    .first()
    .click();
  await page.getByRole('button', { name: 'Compare' }).click();
  const differences = page.getByRole('region', { name: /Against the one before/ });
  await differences.getByRole('row', { name: 'state "open" "closed"' }).waitFor();
  expect(await differences.getByText('unrelated').count()).toBe(0);
});

test('a request goes on: as a QR code, as a HAR file, by a link until it is withdrawn', async () => {
  const { id, url } = await inbox('passed-on');
  await send(`${url}/orders`, {
    body: '{"order":8810}',
    headers: { authorization: 'Bearer s3cret' },
  });
  const page = await on.signedIn(`/inboxes/${id}`);
  await page.getByRole('button', { name: 'As a QR code' }).click();
  const code = page.getByRole('img', { name: `QR code of ${url}` });
  expect((await code.boundingBox())?.width).toBeGreaterThan(200);
  await page.keyboard.press('Escape');
  await page.getByRole('row', { name: /POST \/orders/ }).click();
  const pane = page.getByRole('region', { name: 'Capture' });
  await pane.getByRole('button', { name: 'Copy as' }).click();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'HAR file' }).click(),
  ]);
  const har = await text(await file.createReadStream());
  const { log } = JSON.parse(har) as { log: { entries: { request: { url: string } }[] } };
  expect(log.entries.map(({ request }) => request.url)).toEqual([`${url}/orders`]);
  expect(har).not.toContain('s3cret');
  await pane.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Share this request' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const link = (await dialog.getByText(/\/shared\//).textContent()) ?? '';
  const shared = await (await fetch(link)).text();
  expect(shared).toContain('8810');
  expect(shared).not.toContain('s3cret');
  await dialog.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText('Withdrawn.').waitFor();
  expect((await fetch(link)).status).toBe(404);
});

test('who listens is shown, and what waits for them while they are away', async () => {
  const { id, name, url } = await inbox('listened-to');
  const { port } = new URL(on.receiver.url('/'));
  const end = await on.product.listen(name, port);
  const page = await on.signedIn(`/inboxes/${id}`);
  const listeners = page.getByRole('list', { name: 'Listeners' });
  await listeners.getByText('listens').waitFor();
  await end();
  for (let n = 0; n < 3; n++) await send(url);
  await listeners.getByText(/last seen .* · 3 wait/).waitFor();
});

test('captures are searched', async () => {
  const { id, url } = await inbox('searched');
  await send(url, { body: '{"user":{"id":41}}' });
  await send(url, { body: '{"user":{"id":42}}' });
  const page = await on.signedIn(`/inboxes/${id}`);
  await page.getByRole('row', { name: /POST/ }).nth(1).waitFor();
  await page.getByRole('searchbox').fill('body.user.id:42');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.getByRole('row', { name: /POST/ }).count()).toBe(1);
});

test('a request is sent again to a URL, changed and twice', async () => {
  const { id, url } = await inbox('replayed');
  await send(`${url}/orders`, { body: '{"n":1}' });
  const page = await on.signedIn(`/inboxes/${id}`);
  await page.getByRole('row', { name: /POST \/orders/ }).click();
  await page.getByRole('button', { name: 'Send again' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('To a URL').click();
  await dialog.getByRole('textbox', { name: 'URL' }).fill(on.receiver.url('/again'));
  await dialog.getByLabel('Times').fill('2');
  await dialog.getByLabel('Body').fill('{"n":2}');
  await dialog.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByText('Answered: 200, 200').waitFor();
  const again = on.receiver.received.filter(({ path }) => path === '/again/orders');
  expect(again.map(({ body }) => body)).toEqual(['{"n":2}', '{"n":2}']);
  await page.getByRole('region', { name: 'What was done with it' }).waitFor();
});
