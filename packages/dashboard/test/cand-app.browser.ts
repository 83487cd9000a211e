import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { stage, type Watched } from './lib/stage.ts';

/** The example app's whole story, in a real browser, against the built product. */

const on = stage();
const APP = fileURLToPath(new URL('../../../examples/cand-app/app.js', import.meta.url));
const tenant = 'C2';

interface Shop {
  readonly url: string;
  readonly id: `app_${string}`;
}

/** The community, the app as it is registered, and the app as it runs. */
async function startShop(): Promise<Shop> {
  const { api, url } = on.product;
  const port = await freePort();
  await api.putTenant({ tenant: 'C1', body: { name: 'Origin' } });
  await api.putTenant({ tenant, body: { name: 'Harbour', parent: 'C1' } });
  await api.loadPreset({ tenant: 'C1', preset: 'cand' });
  const body = {
    name: 'Shop',
    website: 'https://shop.example.com',
    redirectUris: [`http://localhost:${port}/back`],
    webhookUrl: `http://127.0.0.1:${port}/webhook/a-long-secret`,
    scope: 'all' as const,
  };
  const { id } = await api.createApp({ tenant: 'default', body });
  const { clientSecret } = await api.createAppSecret({ tenant: 'default', app: id });
  const child = spawn(process.execPath, [APP], {
    env: {
      PATH: process.env['PATH'],
      PORT: String(port),
      POSTHORN_URL: url,
      CLIENT_ID: id,
      CLIENT_SECRET: clientSecret,
      WEBHOOK_SECRET: 'a-long-secret',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => end(child));
  await once(createInterface({ input: child.stdout }), 'line');
  return { url: `http://localhost:${port}`, id };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill();
  if (child.exitCode === null) await once(child, 'exit');
}

/** The app's pages are of another origin: that is what it is about. */
function own(page: Watched): string[] {
  return page.offences.filter((offence) => !offence.startsWith('request to http://localhost:'));
}

/** What the app heard, once it heard something new. */
async function heard(page: Watched, shop: Shop, text: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await page.goto(shop.url);
        return page.locator('body').textContent();
      },
      { timeout: 10_000 },
    )
    .toContain(text);
}

const publish = (type: string, data: object) =>
  on.product.api.publishEvents({
    tenant,
    body: { type, data, actor: { id: 'U1', profileId: 'P1' } },
  });

test('authorise, receive, ask for more, receive that too, revoke, and nothing arrives', async () => {
  const shop = await startShop();
  const page = await on.signedIn();
  const connect = `${shop.url}/connect?community=${tenant}&scope=`;

  await page.goto(connect + encodeURIComponent('webhook:MOIM:product'));
  await page.getByRole('heading', { name: 'Shop asks for access to Harbour' }).waitFor();
  await page.getByText('Product created').waitFor();
  expect(await page.getByText('new', { exact: true }).count()).toBe(3);
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('connected to C2: webhook:MOIM:product').waitFor();

  await publish('MOIM:product.created', { id: 'CP:AK290DKFJD' });
  await heard(page, shop, 'product CP:AK290DKFJD was created in C2');
  await heard(page, shop, 'the bot sees MOIM:product.created of C2');

  await publish('MOIM:member.joined', { id: 'UAAAAAAAAA' });
  await page.goto(connect + encodeURIComponent('webhook:MOIM:product webhook:MOIM:member'));
  await page.getByText('Member joined').waitFor();
  // Those of members; products were allowed before.
  expect(await page.getByText('new', { exact: true }).count()).toBe(3);
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('connected to C2: webhook:MOIM:product webhook:MOIM:member').waitFor();
  await publish('MOIM:member.joined', { id: 'UBBBBBBBBB' });
  await heard(page, shop, 'member UBBBBBBBBB joined C2');
  expect(await page.locator('body').textContent()).not.toContain('UAAAAAAAAA');

  const [grant] = (await on.product.api.listGrants({ tenant })).items;
  const endpoint = grant?.endpoint as `ep_${string}`;
  const attempts = async () =>
    (await on.product.api.listAttempts({ tenant, endpoint })).items.length;
  await page.goto(`${on.product.url}/dashboard/${tenant}/webhooks/${endpoint}/edit`);
  await page.getByText('This webhook belongs to an app').waitFor();
  await page.getByRole('link', { name: 'Apps and grants' }).waitFor();
  expect(await page.getByRole('textbox').count()).toBe(0);
  const before = await attempts();
  await on.product.api.revokeGrant({ tenant, grant: grant?.id as `grt_${string}` });
  const [after] = [await publish('MOIM:product.created', { id: 'CP:LATE' })].flat();
  expect(after?.deliveries).toBe(0);
  // Nothing can be awaited where nothing may happen: a second, as it is promised.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(await attempts()).toBe(before);
  await page.goto(shop.url);
  expect(await page.locator('body').textContent()).not.toContain('CP:LATE');

  expect(own(page)).toEqual([]);
  page.offences.length = 0;
});

test('who denies is sent back with the reason', async () => {
  const shop = await startShop();
  const page = await on.signedIn('', { mayComplain: true });
  await page.goto(`${shop.url}/connect?community=${tenant}&scope=webhook:MOIM:payment`);
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByText('Not allowed: access_denied').waitFor();
  expect(own(page)).toEqual([]);
  page.offences.length = 0;
});

test.each([
  ['light', 1280],
  ['dark', 1280],
  ['dark', 360],
] as const)('the page in %s, %i pixels wide, fits and is read by name', async (scheme, width) => {
  const shop = await startShop();
  const page = await on.signedIn('', { scheme, width, height: 740 });
  await page.goto(
    `${shop.url}/connect?community=${tenant}&scope=${encodeURIComponent('webhook:MOIM:product bot:MOIM:product:read')}`,
  );
  await page.getByRole('heading', { name: 'Shop asks for access to Harbour' }).waitFor();
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
  );
  expect(overflow).toBe(false);
  const shots = process.env['SHOTS'];
  if (shots)
    await page.screenshot({ path: `${shots}/consent-${scheme}-${width}.png`, fullPage: true });
  expect(own(page)).toEqual([]);
  page.offences.length = 0;
});
