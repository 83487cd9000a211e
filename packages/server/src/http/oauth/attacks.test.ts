import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { start } from '../../delivery/harness.suite.ts';
import {
  Browser,
  basic,
  CHALLENGE,
  postForm,
  type Query,
  queryOf,
  REDIRECT,
  VERIFIER,
} from './flow.suite.ts';

/** Attacks on the authorisation server (RFC 6819, RFC 9700): none may be accepted. */

const tenant = 'acme';
const admin = { tenant };

async function stage() {
  const app = await start({ flags: { loginUrl: 'https://host.example.com/login' } });
  const { api } = app;
  for (const id of [tenant, 'other']) {
    await api.putTenant({ tenant: id, body: {} });
    await api.loadPreset({ tenant: id, preset: 'cand' });
  }
  const body = {
    name: 'A',
    redirectUris: [REDIRECT],
    webhookUrl: 'http://127.0.0.1:45999/hooks',
    scope: 'all',
  };
  const make = (changes: object) =>
    api.createApp({ tenant: 'default', body: { ...body, ...changes } as never });
  const shop = await make({});
  const rival = await make({ redirectUris: ['https://rival.example.com/back', REDIRECT] });
  const open = await make({ public: true });
  const deaf = await make({ webhookUrl: null });
  const secretOf = async (id: typeof shop.id) =>
    (await api.createAppSecret({ tenant: 'default', app: id })).clientSecret;
  const secrets = { shop: await secretOf(shop.id), rival: await secretOf(rival.id) };
  const browser = new Browser(app.app.url, api);
  const codeOf = async (id: string, changes: Record<string, string | undefined> = {}) =>
    (await browser.consent(queryOf(id, changes), admin)).searchParams.get('code') ?? '';
  return { app, shop, rival, open, deaf, secrets, browser, codeOf };
}
type Stage = Awaited<ReturnType<typeof stage>>;

/** Of a request for consent, in the browser of a signed-in admin. */
const REQUESTS: Record<string, Record<string, string | undefined>> = {
  'redirect_uri missing': { redirect_uri: undefined },
  'redirect_uri empty': { redirect_uri: '' },
  'redirect_uri with a longer path': { redirect_uri: `${REDIRECT}/more` },
  'redirect_uri with a shorter path': { redirect_uri: 'https://app.example.com/' },
  'redirect_uri with a query': { redirect_uri: `${REDIRECT}?x=1` },
  'redirect_uri with a fragment': { redirect_uri: `${REDIRECT}#x` },
  'redirect_uri with a user': { redirect_uri: 'https://app.example.com@evil.example/back' },
  'redirect_uri with our user': { redirect_uri: 'https://x@app.example.com/back' },
  'redirect_uri with a prefix': { redirect_uri: 'https://app.example.com.evil.example/back' },
  'redirect_uri with a suffix': { redirect_uri: 'https://evilapp.example.com/back' },
  'redirect_uri of a subdomain': { redirect_uri: 'https://evil.app.example.com/back' },
  'redirect_uri by http': { redirect_uri: 'http://app.example.com/back' },
  'redirect_uri with a port': { redirect_uri: 'https://app.example.com:8443/back' },
  'redirect_uri in another case': { redirect_uri: 'https://APP.example.com/back' },
  'redirect_uri with another path case': { redirect_uri: 'https://app.example.com/Back' },
  'redirect_uri that climbs': { redirect_uri: 'https://app.example.com/x/../back' },
  'redirect_uri with a backslash': { redirect_uri: 'https://evil.example\\@app.example.com/back' },
  'redirect_uri with a line break': {
    redirect_uri: `${REDIRECT}\r\nLocation: https://evil.example`,
  },
  'redirect_uri with a tab': { redirect_uri: 'https://app.exam\tple.com/back' },
  'redirect_uri percent-encoded': { redirect_uri: 'https://app.example.com/%62ack' },
  'redirect_uri as script': { redirect_uri: 'javascript:alert(1)' },
  'redirect_uri of another app': { redirect_uri: 'https://rival.example.com/back' },
  'redirect_uri of the server itself': { redirect_uri: '/dashboard/' },
  'redirect_uri without a scheme': { redirect_uri: '//evil.example/back' },
  'client_id missing': { client_id: undefined },
  'client_id of nobody': { client_id: 'app_00000000000000000000000000' },
  'client_id with a wildcard': { client_id: '%' },
  'response_type missing': { response_type: undefined },
  'response_type token (implicit)': { response_type: 'token' },
  'response_type id_token': { response_type: 'id_token' },
  'response_type code token (hybrid)': { response_type: 'code token' },
  'response_mode fragment': { response_mode: 'fragment' },
  'response_mode form_post': { response_mode: 'form_post' },
  'state missing': { state: undefined },
  'state empty': { state: '' },
  'state with a line break': { state: 'a\r\nb' },
  'PKCE missing': { code_challenge: undefined, code_challenge_method: undefined },
  'PKCE method missing': { code_challenge_method: undefined },
  'PKCE plain': { code_challenge: VERIFIER, code_challenge_method: 'plain' },
  'PKCE challenge missing': { code_challenge: undefined },
  'PKCE challenge too short': { code_challenge: 'abc' },
  'PKCE method in lower case': { code_challenge_method: 's256' },
  'a request object': { request: 'eyJhbGciOiJub25lIn0.e30.' },
  'a request by reference': { request_uri: 'https://evil.example/request.jwt' },
  'scope missing': { scope: undefined },
  'scope empty': { scope: '' },
  'scope with a wildcard': { scope: 'webhook:*' },
  'scope with a wildcard resource': { scope: 'webhook:MOIM:*' },
  'scope of a whole module': { scope: 'webhook:MOIM' },
  'scope of a module with a colon': { scope: 'webhook:MOIM:' },
  'scope of nothing': { scope: 'webhook:' },
  'scope of an unknown event': { scope: 'webhook:MOIM:secret' },
  'scope that looks alike': { scope: 'webhook:MOIM:prоduct' },
  'scope in upper case': { scope: 'WEBHOOK:MOIM:product' },
  'scope with a quote': { scope: 'webhook:MOIM:product"' },
  'scope with a trailing dot': { scope: 'webhook:MOIM:product.' },
  'scope with a tab between': { scope: 'webhook:MOIM:product\twebhook:MOIM:member' },
  'scope of our own events': { scope: 'webhook:endpoint' },
  'scopes beyond number': { scope: Array.from({ length: 101 }, (_, i) => `x${i}`).join(' ') },
  'another community than one is signed in at': {
    community_id: 'other',
    posthorn_login: 'a'.repeat(43),
  },
  'prompt none': { prompt: 'none' },
};

test('no forged request for consent is shown to an admin, or leads anywhere else', async () => {
  const { browser, shop, deaf } = await stage();
  await browser.open(queryOf(shop.id), admin);
  const cases: [string, string][] = Object.entries(REQUESTS).map(([name, changes]) => [
    name,
    new URLSearchParams(queryOf(shop.id, changes)).toString(),
  ]);
  const right = new URLSearchParams(queryOf(shop.id)).toString();
  for (const name of ['client_id', 'redirect_uri', 'scope', 'state', 'code_challenge']) {
    cases.push([`${name} twice`, `${right}&${name}=x`]);
  }
  cases.push(['events for an app without a webhook', right.replace(shop.id, deaf.id)]);
  expect(cases.length).toBeGreaterThan(60);
  const accepted: string[] = [];
  for (const [name, query] of cases) {
    const response = await browser.get(`/oauth2/authorize?${query}`);
    const location = response.headers.get('location');
    const told = location === null ? undefined : new URL(location);
    const isRefused = told
      ? location?.startsWith(`${REDIRECT}?`) && told.searchParams.has('error')
      : response.status >= 400 && response.status < 500;
    if (!isRefused || told?.searchParams.has('code')) {
      accepted.push(`${name}: ${response.status} ${location}`);
    }
  }
  expect(accepted).toEqual([]);
});

type Attempt = (stage: Stage) => Promise<{ status: number }>;

function redeem({ app }: Stage, form: Record<string, string | undefined>, headers = {}) {
  const whole = {
    grant_type: 'authorization_code',
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
    ...form,
  };
  const sent = Object.entries(whole).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  );
  return postForm(`${app.app.url}/oauth2/token`, Object.fromEntries(sent) as Query, headers);
}

/** Each with a code that would be good. */
const EXCHANGES: Record<string, Attempt> = {
  'a code for another app': async (s) =>
    redeem(s, { code: await s.codeOf(s.shop.id) }, basic(s.rival.id, s.secrets.rival)),
  'a code without its secret': async (s) =>
    redeem(s, { code: await s.codeOf(s.shop.id), client_id: s.shop.id }),
  'a code with a wrong secret': async (s) =>
    redeem(s, { code: await s.codeOf(s.shop.id) }, basic(s.shop.id, 'phcs_wrong')),
  'a code with the secret of another app': async (s) =>
    redeem(s, { code: await s.codeOf(s.shop.id) }, basic(s.shop.id, s.secrets.rival)),
  'a code with two ways of authenticating': async (s) =>
    redeem(
      s,
      { code: await s.codeOf(s.shop.id), client_secret: s.secrets.shop },
      basic(s.shop.id, s.secrets.shop),
    ),
  'a code with one app in the header and another in the form': async (s) =>
    redeem(
      s,
      { code: await s.codeOf(s.shop.id), client_id: s.rival.id },
      basic(s.shop.id, s.secrets.shop),
    ),
  'a code without a verifier': async (s) =>
    redeem(s, { code: await s.codeOf(s.open.id), client_id: s.open.id, code_verifier: undefined }),
  'a code with another verifier': async (s) =>
    redeem(s, {
      code: await s.codeOf(s.open.id),
      client_id: s.open.id,
      code_verifier: 'w'.repeat(43),
    }),
  'a code with the challenge as its verifier': async (s) =>
    redeem(s, { code: await s.codeOf(s.open.id), client_id: s.open.id, code_verifier: CHALLENGE }),
  'a code with a verifier too short': async (s) => {
    const short = 'short';
    const challenge = createHash('sha256').update(short).digest('base64url');
    const code = await s.codeOf(s.open.id, { code_challenge: challenge });
    return redeem(s, { code, client_id: s.open.id, code_verifier: short });
  },
  'a code with another redirect_uri': async (s) =>
    redeem(
      s,
      { code: await s.codeOf(s.rival.id), redirect_uri: 'https://rival.example.com/back' },
      basic(s.rival.id, s.secrets.rival),
    ),
  'a code without a redirect_uri': async (s) =>
    redeem(
      s,
      { code: await s.codeOf(s.shop.id), redirect_uri: undefined },
      basic(s.shop.id, s.secrets.shop),
    ),
  'a code with one character changed': async (s) => {
    const code = await s.codeOf(s.shop.id);
    const other = code.slice(0, -1) + (code.endsWith('A') ? 'B' : 'A');
    return redeem(s, { code: other }, basic(s.shop.id, s.secrets.shop));
  },
  'a code as a refresh token': async (s) =>
    redeem(
      s,
      { grant_type: 'refresh_token', refresh_token: await s.codeOf(s.shop.id) },
      basic(s.shop.id, s.secrets.shop),
    ),
  'a public app with a secret': async (s) =>
    redeem(s, { code: await s.codeOf(s.open.id), client_id: s.open.id, client_secret: 'x' }),
  'the password grant': (s) =>
    redeem(
      s,
      { grant_type: 'password', username: 'U1', password: 'x' },
      basic(s.shop.id, s.secrets.shop),
    ),
  'the client credentials grant': (s) =>
    redeem(s, { grant_type: 'client_credentials' }, basic(s.shop.id, s.secrets.shop)),
  'no grant type': (s) => redeem(s, { grant_type: undefined }, basic(s.shop.id, s.secrets.shop)),
  'an unsigned token (alg none)': (s) =>
    redeem(s, { code: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJVMSJ9.' }, basic(s.shop.id, s.secrets.shop)),
  'JSON instead of a form': async (s) => {
    const code = await s.codeOf(s.open.id);
    return fetch(`${s.app.app.url}/oauth2/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'authorization_code', code, client_id: s.open.id }),
    });
  },
  'a parameter twice': async (s) => {
    const code = await s.codeOf(s.open.id);
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      client_id: s.open.id,
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
    });
    form.append('code', code);
    return fetch(`${s.app.app.url}/oauth2/token`, { method: 'POST', body: form });
  },
  'parameters in the query': async (s) => {
    const form = new URLSearchParams({
      grant_type: 'authorization_code',
      code: await s.codeOf(s.open.id),
      client_id: s.open.id,
      redirect_uri: REDIRECT,
      code_verifier: VERIFIER,
    });
    return fetch(`${s.app.app.url}/oauth2/token?${form}`, { method: 'POST' });
  },
  'a refresh token of another app': async (s) => {
    const { body } = await redeem(
      s,
      { code: await s.codeOf(s.shop.id) },
      basic(s.shop.id, s.secrets.shop),
    );
    return redeem(
      s,
      { grant_type: 'refresh_token', refresh_token: body.refresh_token },
      basic(s.rival.id, s.secrets.rival),
    );
  },
  'a refresh with more scopes than were agreed to': async (s) => {
    const { body } = await redeem(
      s,
      { code: await s.codeOf(s.shop.id) },
      basic(s.shop.id, s.secrets.shop),
    );
    return redeem(
      s,
      {
        grant_type: 'refresh_token',
        refresh_token: body.refresh_token,
        scope: 'webhook:MOIM:product webhook:MOIM:payment',
      },
      basic(s.shop.id, s.secrets.shop),
    );
  },
  'an access token as a refresh token': async (s) => {
    const { body } = await redeem(
      s,
      { code: await s.codeOf(s.shop.id) },
      basic(s.shop.id, s.secrets.shop),
    );
    return redeem(
      s,
      { grant_type: 'refresh_token', refresh_token: body.access_token },
      basic(s.shop.id, s.secrets.shop),
    );
  },
};

test('no forged exchange gives a token', async () => {
  const world = await stage();
  const accepted: string[] = [];
  for (const [name, attempt] of Object.entries(EXCHANGES)) {
    const { status } = await attempt(world);
    if (status < 400 || status >= 500) accepted.push(`${name}: ${status}`);
  }
  expect(accepted).toEqual([]);
});

test('a control: the same request and exchange as they should be are accepted', async () => {
  const world = await stage();
  const { status } = await redeem(
    world,
    { code: await world.codeOf(world.shop.id) },
    basic(world.shop.id, world.secrets.shop),
  );
  expect(status).toBe(200);
  const open = { code: await world.codeOf(world.open.id), client_id: world.open.id };
  expect((await redeem(world, open)).status).toBe(200);
});

test('who guesses secrets is stopped for a while', async () => {
  const world = await stage();
  const guess = (secret: string) => redeem(world, { code: 'x' }, basic(world.shop.id, secret));
  for (let i = 0; i < 20; i++) expect((await guess(`phcs_${i}`)).status).toBe(401);
  expect((await guess(world.secrets.shop)).status).toBe(429);
  world.app.clock.advance(60_000);
  expect((await guess(world.secrets.shop)).status).toBe(400);
});
