import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { expect, test } from 'vitest';
import { start } from '../../delivery/harness.suite.ts';
import { Browser, REDIRECT } from './flow.suite.ts';

/** Two clients that nobody here wrote go the whole way, unmodified. */

const tenant = 'default';

async function stage(isPublic: boolean) {
  const app = await start({ flags: { loginUrl: 'https://host.example.com/login' } });
  await app.api.loadPreset({ tenant, preset: 'cand' });
  const body = {
    name: 'Shop',
    redirectUris: [REDIRECT],
    webhookUrl: 'http://127.0.0.1:45999/hooks',
    public: isPublic,
  };
  const { id, clientId } = await app.api.createApp({ tenant, body });
  const secret = async () => (await app.api.createAppSecret({ tenant, app: id })).clientSecret;
  const agree = async (to: URL) =>
    new Browser(app.app.url, app.api).consent(Object.fromEntries(to.searchParams), { tenant });
  return { app, clientId, secret, agree, issuer: new URL(app.app.url) };
}

test('openid-client: discovery, PKCE, code, refresh, introspection, revocation', async () => {
  const { clientId, secret, agree, issuer } = await stage(false);
  const config = await client.discovery(issuer, clientId, await secret(), undefined, {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
  });
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const to = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: 'webhook:MOIM:product',
    state: expectedState,
    community_id: tenant,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  });
  const checks = { pkceCodeVerifier, expectedState };
  const tokens = await client.authorizationCodeGrant(config, await agree(to), checks);
  expect(tokens).toMatchObject({ community_id: tenant, scope: 'webhook:MOIM:product' });
  expect(tokens['bot_access_token']).toMatch(/^phb_/);
  const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '');
  expect(await client.tokenIntrospection(config, next.access_token)).toMatchObject({
    active: true,
    client_id: clientId,
  });
  await client.tokenRevocation(config, next.access_token);
  expect(await client.tokenIntrospection(config, next.access_token)).toEqual({ active: false });
});

test('oauth4webapi: a public app with PKCE alone', async () => {
  const { clientId, agree, issuer } = await stage(true);
  const http = { [oauth.allowInsecureRequests]: true };
  const found = await oauth.discoveryRequest(issuer, { ...http, algorithm: 'oauth2' });
  const as = await oauth.processDiscoveryResponse(issuer, found);
  const app: oauth.Client = { client_id: clientId };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const to = new URL(as.authorization_endpoint ?? '');
  to.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: REDIRECT,
    response_type: 'code',
    scope: 'webhook:MOIM:product',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString();
  const answer = oauth.validateAuthResponse(as, app, await agree(to), state);
  const response = await oauth.authorizationCodeGrantRequest(
    as,
    app,
    oauth.None(),
    answer,
    REDIRECT,
    verifier,
    http,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(as, app, response);
  expect(tokens).toMatchObject({ token_type: 'bearer', community_id: tenant });
});
