import { expect, test } from 'vitest';
import { stage } from './lib/stage.ts';

const on = stage();
const tenant = 'default';

async function make(path: string, fields: object = {}) {
  const body = { url: on.receiver.url(path), name: path.slice(1), ...fields };
  return on.product.api.createEndpoint({ tenant, body });
}

async function publish(type: string, data: unknown = {}) {
  const answer = await on.product.api.publishEvents({ tenant, body: { type, data } });
  return (Array.isArray(answer) ? answer[0] : answer) ?? { id: '', deliveries: 0 };
}

test('an attempt appears by itself, and opens with the exact exchange', async () => {
  await make('/exact', { eventTypes: ['exact.*'] });
  const page = await on.signedIn('/activity');
  await page.getByText('Nothing was sent yet').waitFor();
  await publish('exact.bytes', { n: 1 });
  const row = page.getByRole('row', { name: /exact\.bytes/ });
  await row.click();
  const request = page.getByRole('region', { name: 'Request' });
  await request.getByText('POST /exact HTTP/1.1').waitFor();
  await request.getByText('"exact.bytes"').waitFor();
  const response = page.getByRole('region', { name: 'Response' });
  await response.getByText('HTTP/1.1 200 OK').waitFor();
  await request.getByText('Hex').click();
  await request.getByText('7b 22 74 79 70 65').waitFor();
  await request.getByText('Headers').click();
  await request.getByText('webhook-signature').waitFor();
});

test('resend sends again, live into the timeline', async () => {
  await make('/again', { eventTypes: ['again.*'] });
  await publish('again.please', {});
  await on.receiver.wait(({ path }) => path === '/again');
  const page = await on.signedIn('/activity?type=again.please');
  await page.getByRole('row', { name: /again\.please/ }).click();
  await page.getByRole('button', { name: 'Send again', exact: true }).click();
  await page.getByText('Sent again.').waitFor();
  await expect
    .poll(() => on.receiver.received.filter(({ path }) => path === '/again').length)
    .toBe(2);
  const ids = on.receiver.received
    .filter(({ path }) => path === '/again')
    .map(({ headers }) => headers['webhook-id']);
  expect(ids[0]).toBe(ids[1]);
  const timeline = page.getByRole('region', { name: 'Attempts' });
  await timeline.getByRole('link').nth(1).waitFor();
});

test('a failed delivery says why, when it is tried next, and can be tried now', async () => {
  await make('/fail', { eventTypes: ['fail.*'] });
  await publish('fail.now', {});
  const page = await on.signedIn('/activity?type=fail.now');
  await page.getByRole('row', { name: /fail\.now/ }).click();
  await page.getByText(/Answered 500 in .*; only 2xx counts\. It is tried again\./).waitFor();
  await page.getByText('Next attempt').waitFor();
  const before = on.receiver.received.filter(({ path }) => path === '/fail').length;
  await page.getByRole('button', { name: 'Try now' }).click();
  await expect
    .poll(() => on.receiver.received.filter(({ path }) => path === '/fail').length)
    .toBeGreaterThan(before);
});

test('the copied curl command sends the same bytes to the same place', async () => {
  await make('/copied', { eventTypes: ['copied.*'] });
  await publish('copied.request', { text: "it's $HOME" });
  const sent = await on.receiver.wait(({ path }) => path === '/copied');
  const page = await on.signedIn('/activity?type=copied.request');
  await page.getByRole('row', { name: /copied\.request/ }).click();
  await page.getByRole('button', { name: 'Copy as' }).click();
  await page.getByRole('menuitem', { name: 'curl' }).click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  expect(command).toContain(`curl '${on.receiver.url('/copied')}'`);
  expect(command).toContain(sent.body.replaceAll("'", `'\\''`));
});

test('an event that goes nowhere is found among the events', async () => {
  await publish('lonely.event', { x: '1.0' });
  const page = await on.signedIn('/activity?view=events');
  const row = page.getByRole('row', { name: /lonely\.event/ });
  await row.getByText('nowhere').waitFor();
  await row.click();
  await page.getByText('No webhook subscribed to it when it came.').waitFor();
});

test('words are searched for: typed, in the address, with the filters, by what has been read', async () => {
  await make('/fail/words', { eventTypes: ['words.*'], retryPolicy: { attempts: 1 } });
  for (const who of ['grace', 'hana']) {
    await publish('words.said', { email: `${who}@example.com` });
    await publish('words.other', { email: `${who}@example.com` });
  }
  const page = await on.signedIn('/activity', { mayComplain: true });
  const rows = page.getByRole('row', { name: /words\./ });
  await rows.nth(3).waitFor();
  // The index is behind the log for a moment only: here until the second answer.
  let behind = true;
  await page.route(/attempts\?.*q=/, async (route) => {
    const response = await route.fetch();
    const answer = (await response.json()) as object;
    const searchedTo = behind ? '2026-01-02T03:04:05Z' : null;
    await route.fulfill({ response, json: { ...answer, items: [], searchedTo, next: null } });
  });
  await page.keyboard.press('/');
  await page.keyboard.type('grace@example.com wor*');
  await page.keyboard.press('Enter');
  await page.getByText(/^Searched up to .*2026/).waitFor();
  await page.getByText('Nothing was found').waitFor();
  behind = false;
  await page.unrouteAll();
  await publish('words.said', { email: 'grace@example.com' });
  await rows.nth(2).waitFor();
  expect(await rows.count()).toBe(3);
  await page.getByText(/^Searched up to/).waitFor({ state: 'detached' });
  await page.keyboard.press('f');
  await page.getByLabel('Event type').fill('words.other');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await expect.poll(() => rows.count()).toBe(1);
  const { searchParams } = new URL(page.url());
  expect(searchParams.get('q')).toBe('grace@example.com wor*');
  await page.reload();
  await expect.poll(() => rows.count()).toBe(1);
  await page.getByRole('searchbox').fill('');
  await expect.poll(() => rows.count()).toBe(2);
  await page.getByRole('searchbox').fill('*');
  await page.keyboard.press('Enter');
  await page.getByText('This cannot be searched for').waitFor();
  await page.getByRole('button', { name: 'Show everything' }).click();
  await expect.poll(() => rows.count()).toBe(2);
});

test('the keyboard alone: filter, move, open, resend, close', async () => {
  await make('/keys', { eventTypes: ['keys.*'] });
  for (let n = 0; n < 3; n++) await publish('keys.used', { n });
  await expect
    .poll(() => on.receiver.received.filter(({ path }) => path === '/keys').length)
    .toBe(3);
  const page = await on.signedIn();
  // Typed as quickly as people do: a page that is still drawing must not come between the two.
  await Promise.all([page.keyboard.press('g'), page.keyboard.press('a')]);
  await page.getByRole('heading', { name: 'Activity' }).waitFor();
  await page.keyboard.press('f');
  await page.getByLabel('Event type').fill('keys.used');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await page
    .getByRole('row', { name: /keys\.used/ })
    .nth(2)
    .waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Request' }).waitFor();
  await page.keyboard.press('r');
  await expect
    .poll(() => on.receiver.received.filter(({ path }) => path === '/keys').length)
    .toBe(4);
  await page.keyboard.press('Escape');
  await page.getByRole('region', { name: 'Request' }).waitFor({ state: 'detached' });
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
});
