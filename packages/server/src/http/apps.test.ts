import { expect, test } from 'vitest';
import { sha256Hex } from '../core/hash.ts';
import { startServer } from './harness.suite.ts';

const tenant = 'default';
const body = {
  name: 'Shop',
  redirectUris: ['https://shop.example.com/back'],
  webhookUrl: 'https://shop.example.com/hooks',
};

test('an app is what was said of it, in canD’s dialect, and its own tenant’s', async () => {
  const { admin } = await startServer();
  const app = await admin.createApp({ tenant, body });
  expect(app).toMatchObject({
    ...body,
    tenant,
    clientId: app.id,
    dialect: 'cand',
    scope: 'tenant',
    public: false,
    clientSecret: null,
    grants: 0,
  });
  expect(await admin.getApp({ tenant, app: app.id })).toEqual(app);
  expect((await admin.listApps({ tenant })).items).toEqual([app]);
});

test('a client secret is shown once, kept as a hash, and replaced by the next', async () => {
  const { admin, store } = await startServer();
  const { id: app } = await admin.createApp({ tenant, body });
  const { clientSecret: first } = await admin.createAppSecret({ tenant, app });
  const { clientSecret } = await admin.createAppSecret({ tenant, app });
  expect(clientSecret).not.toBe(first);
  const item = await store.config.read('app', app);
  expect(JSON.stringify(item)).not.toContain(clientSecret);
  expect(item?.value).toMatchObject({ clientSecret: { hash: sha256Hex(clientSecret) } });
  expect((await admin.getApp({ tenant, app })).clientSecret?.hint).toBe(clientSecret.slice(0, 9));
});

test('a public app keeps no secret, and one that becomes public loses it', async () => {
  const { admin } = await startServer();
  const open = await admin.createApp({ tenant, body: { ...body, public: true } });
  await expect(admin.createAppSecret({ tenant, app: open.id })).rejects.toMatchObject({
    code: 'conflict',
  });
  const { id: app } = await admin.createApp({ tenant, body });
  await admin.createAppSecret({ tenant, app });
  const changed = await admin.updateApp({ tenant, app, body: { public: true } });
  expect(changed.clientSecret).toBeNull();
});

test.each([
  ['http://shop.example.com/back', 'https'],
  ['https://shop.example.com/back#top', 'fragment'],
  ['https://me@shop.example.com/back', 'user name'],
  ['https://*.example.com/back', 'wildcard'],
  ['https://SHOP.example.com/back', 'normal form'],
  ['https://shop.example.com/a/../back', 'normal form'],
  ['https://shop.example.com:443/back', 'normal form'],
  ['https://shop.example.com\\@evil.example', 'backslash'],
  ['javascript:alert(1)', 'scheme with a dot'],
  ['data:text/html,x', 'scheme with a dot'],
  ['https://shöp.example.com/', 'ASCII'],
  ['/back', 'URL'],
])('a redirect URI %s is refused', async (uri, why) => {
  const { admin } = await startServer();
  const wrong = { ...body, redirectUris: [uri] };
  await expect(admin.createApp({ tenant, body: wrong })).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining(why),
  });
});

test('a redirect URI may be a loopback, or a scheme of the app’s own', async () => {
  const { admin } = await startServer();
  const redirectUris = [
    'http://127.0.0.1:8080/back',
    'http://localhost:3000',
    'com.example.app:/x',
  ];
  await expect(admin.createApp({ tenant, body: { ...body, redirectUris } })).resolves.toMatchObject(
    {
      redirectUris,
    },
  );
});

test('a webhook URL is judged like that of every endpoint', async () => {
  const { admin } = await startServer();
  const inside = { ...body, webhookUrl: 'http://169.254.169.254/latest' };
  await expect(admin.createApp({ tenant, body: inside })).rejects.toMatchObject({
    code: 'url_refused',
    problem: { field: 'webhookUrl' },
  });
});

test('an app that other tenants can grant something to is an operator’s', async () => {
  const server = await startServer();
  const mine = server.client(await server.key(tenant, ['read', 'write']));
  const forbidden = { code: 'forbidden' };
  await expect(mine.createApp({ tenant, body: { ...body, scope: 'all' } })).rejects.toMatchObject(
    forbidden,
  );
  const { id: app } = await mine.createApp({ tenant, body });
  await expect(mine.updateApp({ tenant, app, body: { scope: 'below' } })).rejects.toMatchObject(
    forbidden,
  );
  await server.admin.updateApp({ tenant, app, body: { scope: 'all' } });
  await expect(mine.deleteApp({ tenant, app })).rejects.toMatchObject(forbidden);
  await expect(mine.getAppSigningSecret({ tenant, app })).rejects.toMatchObject(forbidden);
});

test('what is done to apps is written down, with who did it', async () => {
  const server = await startServer();
  const text = await server.key(tenant, ['read', 'write']);
  const mine = server.client(text);
  const { id: app } = await mine.createApp({ tenant, body });
  await mine.createAppSecret({ tenant, app });
  await mine.updateApp({ tenant, app, body: { name: 'Market' } });
  await mine.deleteApp({ tenant, app });
  const { items } = await mine.listAudit({ tenant });
  expect(items.map(({ action, app: { name } }) => [action, name])).toEqual([
    ['app.deleted', 'Market'],
    ['app.updated', 'Market'],
    ['app.secret_created', 'Shop'],
    ['app.created', 'Shop'],
  ]);
  const key = server.config.keyByHash(sha256Hex(text));
  expect(items[0]?.actor).toEqual({ kind: 'key', id: key?.id, name: '' });
  await expect(mine.getApp({ tenant, app })).rejects.toMatchObject({ code: 'not_found' });
});

test('a tenant that has apps is not deleted', async () => {
  const { admin } = await startServer();
  await admin.putTenant({ tenant: 'acme', body: {} });
  const { id: app } = await admin.createApp({ tenant: 'acme', body });
  await expect(admin.deleteTenant({ tenant: 'acme' })).rejects.toMatchObject({ code: 'conflict' });
  await admin.deleteApp({ tenant: 'acme', app });
  await admin.deleteTenant({ tenant: 'acme' });
});

test('the catalogue makes the list of scopes: one for each resource', async () => {
  const { admin } = await startServer();
  await admin.loadPreset({ tenant, preset: 'cand' });
  await admin.putEventType({ tenant, type: 'signup', body: { label: 'Somebody came' } });
  const { items } = await admin.listWebhookScopes({ tenant });
  expect(items.map(({ scope }) => scope)).toEqual([
    'webhook:MOIM:content',
    'webhook:MOIM:member',
    'webhook:MOIM:message',
    'webhook:MOIM:payment',
    'webhook:MOIM:product',
    'webhook:MOIM:subscription',
    'webhook:signup',
  ]);
  const products = items.find(({ scope }) => scope === 'webhook:MOIM:product');
  expect(products?.events.map(({ label, scope }) => [label, scope])).toEqual([
    ['Product created', 'webhook:MOIM:product.created'],
    ['Product updated', 'webhook:MOIM:product.updated'],
    ['Product voted for', 'webhook:MOIM:product.voted'],
  ]);
});

test('a portal session vouches for nobody', async () => {
  const server = await startServer();
  const made = await server.admin.createPortalSession({ tenant, body: { role: 'write' } });
  const { bearer } = await server.admin.openSession({
    body: { token: new URL(made.url).hash.slice(1) },
  });
  const returnTo = `https://hooks.example.com/oauth2/authorize?posthorn_login=${'a'.repeat(43)}`;
  const signIn = { user: { id: 'U1' }, role: 'admin' as const, returnTo };
  const portal = server.client(bearer);
  await expect(portal.createSignIn({ tenant, body: signIn })).rejects.toMatchObject({
    code: 'forbidden',
  });
  const made2 = await server.admin.createSignIn({ tenant, body: signIn });
  expect(made2.url).toMatch(/^https:\/\/hooks\.example\.com\/oauth2\/sign-in\?token=phv_/);
});

test.each([
  'https://evil.example/oauth2/authorize?posthorn_login=x',
  'https://hooks.example.com/dashboard/',
  'https://hooks.example.com/oauth2/authorize',
  '//evil.example/oauth2/authorize',
])('a sign-in leads only to where people were sent from, not to %s', async (returnTo) => {
  const { admin } = await startServer();
  const signIn = { user: { id: 'U1' }, role: 'admin' as const, returnTo };
  await expect(admin.createSignIn({ tenant, body: signIn })).rejects.toMatchObject({
    code: 'invalid_request',
  });
});
