import { type Operation, operations } from '@posthorn/api';
import { expect, test } from 'vitest';
import { eventually, start, startReceiver } from '../../delivery/harness.suite.ts';
import {
  Browser,
  basic,
  postForm,
  queryOf,
  REDIRECT,
  type Tokens,
  VERIFIER,
  type Who,
} from './flow.suite.ts';

/** The whole way: consent, events, more scopes, tokens, revocation; real HTTP, real SQLite. */

const tenant = 'C2';
const admin: Who = { tenant };

async function stage() {
  const app = await start({ flags: { loginUrl: 'https://host.example.com/login' } });
  const receiver = await startReceiver(app.clock);
  await app.api.putTenant({ tenant: 'C1', body: { name: 'Origin' } });
  await app.api.putTenant({ tenant, body: { name: 'Harbour', parent: 'C1' } });
  await app.api.loadPreset({ tenant: 'C1', preset: 'cand' });
  const body = {
    name: 'Shop',
    redirectUris: [REDIRECT],
    webhookUrl: receiver.url,
    scope: 'all' as const,
  };
  const shop = await app.api.createApp({ tenant: 'default', body });
  const own = { tenant: 'default', app: shop.id };
  const { clientSecret } = await app.api.createAppSecret(own);
  const browser = new Browser(app.app.url, app.api);
  const publish = (type: string, data: object) =>
    app.api.publishEvents({
      tenant,
      body: { type, data, actor: { id: 'U1', profileId: 'P1' } },
    });
  const token = (form: Record<string, string>) =>
    postForm(`${app.app.url}/oauth2/token`, form, basic(shop.id, clientSecret));
  const redeem = (to: URL) =>
    token({
      grant_type: 'authorization_code',
      code: to.searchParams.get('code') ?? '',
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
    });
  const install = async (scope = 'webhook:MOIM:product', who = admin): Promise<Tokens> =>
    (await redeem(await browser.consent(queryOf(shop.id, { scope }), who))).body;
  return { app, receiver, shop, own, clientSecret, browser, publish, token, redeem, install };
}

test('an admin agrees, and the events arrive in canD’s format with their community', async () => {
  const { browser, shop, receiver, publish, app } = await stage();
  const to = await browser.consent(queryOf(shop.id), admin);
  expect(to.href).toMatch(/^https:\/\/app\.example\.com\/back\?code=phc_/);
  expect(to.searchParams.get('state')).toBe('xyz');
  expect(to.searchParams.get('iss')).toBe(app.app.url);
  await publish('MOIM:product.created', { id: 'CP:AK290DKFJD' });
  const { body } = await receiver.request(1);
  expect(JSON.parse(body.toString())).toEqual({
    module: 'MOIM',
    type: 'product.created',
    context: { originCommunityId: 'C1', userId: 'U1', communityId: 'C2', profileId: 'P1' },
    payload: { id: 'CP:AK290DKFJD' },
  });
  const [grant] = (await app.api.listGrants({ tenant })).items;
  expect(grant).toMatchObject({
    app: { id: shop.id, name: 'Shop' },
    role: 'admin',
    person: { id: 'U1', name: 'Ada' },
    scopes: ['webhook:MOIM:product'],
    eventTypes: ['MOIM:product', 'MOIM:product.*'],
  });
});

test('one scope more asks again, marks what is new, and the same grant hears both', async () => {
  const { browser, shop, install, publish, receiver, app } = await stage();
  await install('webhook:MOIM:product');
  const more = queryOf(shop.id, { scope: 'webhook:MOIM:product webhook:MOIM:member.joined' });
  const page = await (await browser.open(more, admin)).response.text();
  expect(page).toMatch(/Product created<\/b><small>/);
  expect(page).toMatch(/Member joined<\/b><span class="new">new<\/span>/);
  expect(page).not.toContain('Member updated');
  await publish('MOIM:member.joined', { id: 'UAKDIJ23KD' });
  await browser.consent(more, admin);
  await publish('MOIM:member.joined', { id: 'UAKDIJ23KE' });
  await publish('MOIM:member.updated', { id: 'UAKDIJ23KE' });
  await publish('MOIM:product.voted', { id: 'CP:1', voted: true });
  await receiver.request(2);
  const types = receiver.requests.map(({ body }) => JSON.parse(body.toString()).type);
  expect(types.sort()).toEqual(['member.joined', 'product.voted']);
  const grants = (await app.api.listGrants({ tenant })).items;
  expect(grants).toHaveLength(1);
  const { items } = await app.api.listAudit({ tenant });
  expect(items.map(({ action, scopes }) => [action, scopes])).toEqual([
    ['grant.extended', ['webhook:MOIM:member.joined']],
    ['grant.created', ['webhook:MOIM:product']],
  ]);
  expect(items[0]?.actor).toEqual({ kind: 'person', id: 'U1', name: 'Ada' });
});

test('revoked, nothing is sent any more, what is pending is cancelled, and tokens are nothing', async () => {
  const { app, install, publish, token } = await stage();
  const tokens = await install();
  const [grant] = (await app.api.listGrants({ tenant })).items;
  const endpoint = grant?.endpoint as NonNullable<typeof grant>['endpoint'] & string;
  await app.api.pauseEndpoint({ tenant, endpoint });
  await publish('MOIM:product.created', { id: 'CP:1' });
  await app.api.revokeGrant({ tenant, grant: grant?.id as `grt_${string}` });
  const published = [await publish('MOIM:product.created', { id: 'CP:2' })].flat();
  expect(published[0]?.deliveries).toBe(0);
  await eventually(
    async () => {
      const { items } = await app.api.listDeliveries({ tenant });
      return items.length === 1 && items[0]?.state === 'cancelled';
    },
    'what was pending is cancelled',
    () => app.clock.advance(100),
  );
  const bot = app.client(tokens.bot_access_token ?? '');
  await expect(bot.listDeliveries({ tenant })).rejects.toMatchObject({ status: 401 });
  const refreshed = await token({
    grant_type: 'refresh_token',
    refresh_token: tokens.refresh_token,
  });
  expect(refreshed).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

test('a code gives access, refresh and bot tokens once; used again it ends them all', async () => {
  const { app, browser, shop, redeem, own, clientSecret } = await stage();
  const to = await browser.consent(queryOf(shop.id), admin);
  const { status, body } = await redeem(to);
  expect(status).toBe(200);
  expect(body).toMatchObject({
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'webhook:MOIM:product',
    community_id: 'C2',
    tenant: 'C2',
  });
  const question = { token: body.access_token };
  const introspect = () =>
    postForm(`${app.app.url}/oauth2/introspect`, question, basic(shop.id, clientSecret));
  expect((await introspect()).body).toMatchObject({
    active: true,
    client_id: shop.id,
    sub: 'U1',
    community_id: 'C2',
  });
  expect(await app.api.introspectToken({ tenant, body: question })).toMatchObject({
    active: true,
    kind: 'access',
    role: 'admin',
    app: own.app,
  });
  expect(await app.api.introspectToken({ tenant: 'C1', body: question })).toEqual({
    active: false,
  });
  expect(await redeem(to)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect((await introspect()).body).toEqual({ active: false });
  const bot = app.client(body.bot_access_token ?? '');
  await expect(bot.listDeliveries({ tenant })).rejects.toMatchObject({ status: 401 });
  expect((await app.api.listAudit({ tenant })).items[0]?.action).toBe('grant.replay_stopped');
});

test('no code, token or secret is anywhere in the store', async () => {
  const { app, browser, shop, redeem, clientSecret } = await stage();
  const to = await browser.consent(queryOf(shop.id), admin);
  const { body } = await redeem(to);
  const kept: unknown[] = [];
  for (const kind of ['app', 'grant', 'grant-name', 'visit', 'audit'] as const) {
    const page = { tenant: undefined, limit: 100, after: undefined };
    kept.push(...(await app.app.store.config.list(kind, page)).items);
  }
  const text = JSON.stringify(kept);
  const secrets = [
    to.searchParams.get('code'),
    body.access_token,
    body.refresh_token,
    body.bot_access_token,
    clientSecret,
    ...browser.cookies.values(),
  ];
  for (const secret of secrets) expect(text).not.toContain((secret ?? '').slice(-20));
});

test('refresh tokens rotate; one that comes again ends the line', async () => {
  const { install, token } = await stage();
  const first = await install();
  const form = { grant_type: 'refresh_token', refresh_token: first.refresh_token };
  const second = await token(form);
  expect(second.body.access_token).not.toBe(first.access_token);
  expect(await token(form)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  const after = await token({ ...form, refresh_token: second.body.refresh_token });
  expect(after).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

test('codes are good for a minute, access tokens for an hour, bot tokens for thirty days', async () => {
  const { app, browser, shop, redeem, install } = await stage();
  const to = await browser.consent(queryOf(shop.id), admin);
  app.clock.advance(60_000);
  expect(await redeem(to)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  const tokens = await install();
  const active = async () =>
    (await app.api.introspectToken({ tenant, body: { token: tokens.access_token } })).active;
  expect(await active()).toBe(true);
  app.clock.advance(3_600_000);
  expect(await active()).toBe(false);
  const bot = app.client(tokens.bot_access_token ?? '');
  await bot.listDeliveries({ tenant });
  app.clock.advance(30 * 86_400_000);
  await expect(bot.listDeliveries({ tenant })).rejects.toMatchObject({ status: 401 });
});

test('of many who redeem one code at once, one at most has tokens that work', async () => {
  const { app, browser, shop, redeem } = await stage();
  const to = await browser.consent(queryOf(shop.id), admin);
  const answers = await Promise.all(Array.from({ length: 10 }, () => redeem(to)));
  const won = answers.filter(({ status }) => status === 200);
  expect(won.length).toBeLessThanOrEqual(1);
  for (const { body } of won) {
    const token = { token: body.access_token };
    expect(await app.api.introspectToken({ tenant, body: token })).toEqual({ active: false });
  }
});

test('an app ends its own tokens; a refresh token takes its line with it', async () => {
  const { app, install, shop, clientSecret } = await stage();
  const revoke = (token: string) =>
    postForm(`${app.app.url}/oauth2/revoke`, { token }, basic(shop.id, clientSecret));
  const active = async (token: string) =>
    (await app.api.introspectToken({ tenant, body: { token } })).active;
  const tokens = await install();
  expect((await revoke(tokens.access_token)).status).toBe(200);
  expect(await active(tokens.access_token)).toBe(false);
  expect(await active(tokens.bot_access_token ?? '')).toBe(true);
  expect((await revoke(tokens.refresh_token)).status).toBe(200);
  expect(await active(tokens.bot_access_token ?? '')).toBe(false);
  expect((await revoke('nonsense')).status).toBe(200);
});

test('a bot token reads, resends and tests what its grant was sent, and opens nothing else', async () => {
  const { app, install, publish, receiver } = await stage();
  const { bot_access_token: text = '' } = await install();
  const bot = app.client(text);
  await app.api.createEndpoint({ tenant, body: { url: receiver.url, eventTypes: ['MOIM:*'] } });
  const [mine] = [await publish('MOIM:product.created', { id: 'CP:1' })].flat();
  const [other] = [await publish('MOIM:member.joined', { id: 'U9' })].flat();
  await receiver.request(3);
  await app.settled();
  const deliveries = (await bot.listDeliveries({ tenant })).items;
  expect(deliveries.map(({ event }) => event)).toEqual([mine?.id]);
  expect((await bot.listEvents({ tenant })).items.map(({ id }) => id)).toEqual([mine?.id]);
  expect(await bot.getEvent({ tenant, event: mine?.id as `evt_${string}` })).toMatchObject({
    data: { id: 'CP:1' },
  });
  const [attempt] = (await bot.listAttempts({ tenant })).items;
  await bot.getAttempt({ tenant, attempt: attempt?.id as `att_${string}` });
  await bot.resendDelivery({ tenant, delivery: deliveries[0]?.id ?? '', body: {} });
  const endpoint = deliveries[0]?.endpoint as `ep_${string}`;
  await bot.testEndpoint({ tenant, endpoint, body: {} });
  const notFound = { status: 404 };
  await expect(bot.getEvent({ tenant, event: other?.id as `evt_${string}` })).rejects.toMatchObject(
    notFound,
  );
  const all = (await app.api.listDeliveries({ tenant })).items;
  const foreign = all.find((delivery) => delivery.endpoint !== endpoint);
  await expect(bot.getDelivery({ tenant, delivery: foreign?.id ?? '' })).rejects.toMatchObject(
    notFound,
  );
  await expect(
    bot.resendDelivery({ tenant, delivery: foreign?.id ?? '', body: {} }),
  ).rejects.toMatchObject(notFound);
  const elsewhere = { endpoint: { url: 'https://evil.example' } };
  await expect(bot.testEndpoint({ tenant, endpoint, body: elsewhere })).rejects.toMatchObject({
    status: 403,
  });
  await expect(bot.listDeliveries({ tenant: 'C1' })).rejects.toMatchObject(notFound);
});

test('a bot token opens nothing but what the contract lists for bots', async () => {
  const { app, install } = await stage();
  const { bot_access_token: text } = await install();
  const closed = Object.values<Operation>(operations).filter(
    ({ scope, bots }) => scope !== 'public' && !bots,
  );
  expect(closed.length).toBeGreaterThan(80);
  for (const { method, path, body } of closed) {
    const target = path.replace('{tenant}', tenant).replaceAll(/\{\w+\}/g, 'x');
    const response = await fetch(app.app.url + target, {
      method,
      headers: {
        authorization: `Bearer ${text}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: '{}' } : {}),
    });
    expect([method, path, response.status]).toEqual([method, path, 403]);
  }
});

test('the endpoint of a grant changes with the app and the grant alone', async () => {
  const { app, install, own, receiver } = await stage();
  await install();
  const [grant] = (await app.api.listGrants({ tenant })).items;
  const endpoint = grant?.endpoint as `ep_${string}`;
  const conflict = { code: 'conflict' };
  await expect(
    app.api.updateEndpoint({ tenant, endpoint, body: { eventTypes: [] } }),
  ).rejects.toMatchObject(conflict);
  await expect(app.api.deleteEndpoint({ tenant, endpoint })).rejects.toMatchObject(conflict);
  await expect(
    app.api.putEndpoints({
      tenant,
      body: { endpoints: [{ id: endpoint, name: 'x', url: receiver.url }] },
    }),
  ).rejects.toMatchObject(conflict);
  const url = `${receiver.url}/second`;
  await app.api.updateApp({
    ...own,
    body: { webhookUrl: url, dialect: 'standard', name: 'Market' },
  });
  const changed = await app.api.getEndpoint({ tenant, endpoint });
  expect(changed).toMatchObject({ url, dialect: 'standard', name: 'Market', grant: grant?.id });
  const { secret } = await app.api.getAppSigningSecret(own);
  expect((await app.api.getEndpointSecret({ tenant, endpoint })).secret).toBe(secret);
  await app.api.deleteApp(own);
  await expect(app.api.getEndpoint({ tenant, endpoint })).rejects.toMatchObject({ status: 404 });
  expect((await app.api.listGrants({ tenant })).items).toEqual([]);
});

test('a member may let an app act for them, and for nobody else', async () => {
  const { app, browser, shop, redeem } = await stage();
  const member: Who = { tenant, id: 'U2', role: 'member' };
  const { response } = await browser.open(queryOf(shop.id), member);
  expect(response.status).toBe(403);
  expect(await response.text()).toContain('Only an admin can allow this');
  const scope = 'member:MOIM:product:read';
  const to = await browser.consent(queryOf(shop.id, { scope }), member);
  const { body } = await redeem(to);
  expect(body).toMatchObject({ scope, community_id: 'C2' });
  expect(body.bot_access_token).toBeUndefined();
  expect((await app.api.listGrants({ tenant })).items).toMatchObject([
    { role: 'member', person: { id: 'U2' }, endpoint: null, scopes: [scope] },
  ]);
});

test('nobody is signed in as another by a link of somebody else’s', async () => {
  const { app, browser, shop } = await stage();
  const login = (
    await browser.get(`/oauth2/authorize?${new URLSearchParams(queryOf(shop.id))}`)
  ).headers.get('location');
  const returnTo = new URL(login ?? '').searchParams.get('return_to') ?? '';
  const victim = new Browser(app.app.url, app.api);
  const refused = await victim.signIn({ tenant, id: 'attacker' }, returnTo);
  expect(refused.status).toBe(401);
  expect(victim.cookies.size).toBe(0);
  const accepted = await browser.signIn(admin, returnTo);
  expect(accepted.status).toBe(303);
});

test('a consent form from elsewhere, or for another request, does nothing', async () => {
  const { app, browser, shop } = await stage();
  const { target, response } = await browser.open(queryOf(shop.id), admin);
  const csrf = /name="csrf" value="([^"]+)"/.exec(await response.text())?.[1] ?? '';
  const form = { csrf, decision: 'allow' };
  const other = target.replace('MOIM%3Aproduct', 'MOIM%3Apayment');
  const answers = [
    await browser.post(target, form, { origin: 'https://evil.example' }),
    await browser.post(target, form, { origin: 'null' }),
    await browser.post(target, form, { 'sec-fetch-site': 'cross-site' }),
    await browser.post(target, { ...form, csrf: `${csrf}x` }),
    await browser.post(target, { decision: 'allow' }),
    await browser.post(other, form),
  ];
  expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403]);
  expect((await app.api.listGrants({ tenant })).items).toEqual([]);
});

test('a community that has an alias is known to apps by it', async () => {
  const { app, browser, shop, redeem, publish, receiver } = await stage();
  await app.api.putTenant({ tenant, body: { name: 'Harbour', parent: 'C1', alias: 'CM:HARBOUR' } });
  const query = queryOf(shop.id, { community_id: 'CM:HARBOUR' });
  const { body } = await redeem(await browser.consent(query, admin));
  expect(body).toMatchObject({ community_id: 'CM:HARBOUR', tenant });
  await publish('MOIM:product.created', { id: 'CP:1' });
  const event = JSON.parse((await receiver.request(1)).body.toString());
  expect(event.context.communityId).toBe('CM:HARBOUR');
});

test('a denial, and an app that is not offered here, are told to the app', async () => {
  const { app, browser, shop, own } = await stage();
  const denied = await browser.consent(queryOf(shop.id), admin, 'deny');
  expect(Object.fromEntries(denied.searchParams)).toMatchObject({
    error: 'access_denied',
    state: 'xyz',
  });
  await app.api.updateApp({ ...own, body: { scope: 'tenant' } });
  const { response } = await browser.open(queryOf(shop.id), admin);
  const to = new URL(response.headers.get('location') ?? '');
  expect(to.searchParams.get('error')).toBe('access_denied');
});

test('the page holds what people wrote as text, without scripts, and nobody frames it', async () => {
  const { app, browser, own } = await stage();
  const name = '<script>alert(1)</script>"';
  await app.api.updateApp({ ...own, body: { name } });
  const { response } = await browser.open(queryOf(own.app), admin);
  const page = await response.text();
  expect(page).not.toContain('<script');
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("form-action 'self' https://app.example.com");
  expect(policy).toContain("frame-ancestors 'none'");
});

test('a community hears nothing of what another agreed to', async () => {
  const { install, publish, receiver, app } = await stage();
  await install();
  await app.api.publishEvents({ tenant: 'C1', body: { type: 'MOIM:product.created', data: {} } });
  await publish('MOIM:product.created', { id: 'CP:2' });
  await receiver.request(1);
  await app.settled();
  expect(receiver.requests).toHaveLength(1);
});
