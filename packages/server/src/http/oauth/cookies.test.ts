import { expect, test } from 'vitest';
import { startServer } from '../harness.suite.ts';
import { Browser, queryOf, REDIRECT } from './flow.suite.ts';

/** Over https, as the harness says it is reached. */

const tenant = 'default';

async function stage() {
  const server = await startServer();
  await server.admin.loadPreset({ tenant, preset: 'cand' });
  const { id } = await server.admin.createApp({
    tenant,
    body: { name: 'A', redirectUris: [REDIRECT], webhookUrl: 'https://app.example.com/hooks' },
  });
  return { server, target: `/oauth2/authorize?${new URLSearchParams(queryOf(id))}` };
}

test('cookies are of this host alone, for no script, and sent to no other site', async () => {
  const { server, target } = await stage();
  const asked = await fetch(server.url + target, { redirect: 'manual' });
  const [login = ''] = asked.headers.getSetCookie();
  expect(login).toMatch(
    /^__Host-posthorn-login=[\w-]{43}; Path=\/; Max-Age=900; HttpOnly; SameSite=Lax; Secure$/,
  );
  const to = new URL(asked.headers.get('location') ?? '');
  expect(to.origin + to.pathname).toBe('https://hooks.example.com/dashboard/-/authorize');
  const returnTo = to.searchParams.get('return_to') ?? '';
  expect(returnTo).toMatch(/^https:\/\/hooks\.example\.com\/oauth2\/authorize\?/);
  const { url } = await server.admin.createSignIn({
    tenant,
    body: { user: { id: 'U1' }, role: 'admin', returnTo },
  });
  const opened = await fetch(url.replace('https://hooks.example.com', server.url), {
    redirect: 'manual',
    headers: { cookie: login.split(';')[0] ?? '' },
  });
  const [visit = '', over = ''] = opened.headers.getSetCookie();
  expect(visit).toMatch(
    /^__Host-posthorn-visit=phv_[\w-]+; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax; Secure$/,
  );
  expect(over).toContain('__Host-posthorn-login=; Path=/; Max-Age=0');
  expect(opened.headers.get('location')).toMatch(/^\/oauth2\/authorize\?/);
});

test('a cookie that somebody else set beside ours is as good as none', async () => {
  const { server, target } = await stage();
  const browser = new Browser(server.url, server.admin);
  browser.cookies.set('__Host-posthorn-visit', 'phv_x; __Host-posthorn-visit=phv_y');
  expect((await browser.get(target)).headers.get('location')).toContain('/dashboard/-/authorize');
});

test('metadata names what there is, and nothing else', async () => {
  const { server } = await stage();
  const found = await fetch(`${server.url}/.well-known/oauth-authorization-server`);
  expect(found.headers.get('access-control-allow-origin')).toBe('*');
  expect(await found.json()).toMatchObject({
    issuer: 'https://hooks.example.com',
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    authorization_response_iss_parameter_supported: true,
  });
});

test.each([
  ['GET', '/oauth2/token', 405],
  ['PUT', '/oauth2/authorize', 405],
  ['GET', '/oauth2/nothing', 404],
  ['POST', '/.well-known/oauth-authorization-server', 405],
])('%s %s is %i', async (method, path, status) => {
  const { server } = await stage();
  expect((await fetch(server.url + path, { method })).status).toBe(status);
});
