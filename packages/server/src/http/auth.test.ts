import { expect, test } from 'vitest';
import { type Harness, startServer } from './harness.suite.ts';

async function status(server: Harness, authorization: string): Promise<Response> {
  const place = `${server.url}/api/v1/tenants/default/endpoints`;
  return fetch(place, { headers: { authorization } });
}

test('a key that expires works until then', async () => {
  const server = await startServer();
  const expiresAt = server.clock.now + 1000;
  const { text } = await server.registry.keys.create({
    name: '',
    tenant: 'default',
    scopes: ['read'],
    expiresAt,
  });
  expect((await status(server, `Bearer ${text}`)).status).toBe(200);
  server.clock.now = expiresAt;
  expect((await status(server, `Bearer ${text}`)).status).toBe(401);
});

test('the scheme is read in any case, other schemes are refused', async () => {
  const server = await startServer();
  expect((await status(server, `bearer ${server.adminKey}`)).status).toBe(200);
  const refused = await status(server, `Basic ${server.adminKey}`);
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer/);
});

test('twenty wrong keys in a minute lock guessing, not the keys in use', async () => {
  const server = await startServer();
  expect((await status(server, `Bearer ${server.adminKey}`)).status).toBe(200);
  for (let i = 0; i < 20; i++) expect((await status(server, `Bearer wrong${i}`)).status).toBe(401);
  const locked = await status(server, 'Bearer wrong');
  expect(locked.status).toBe(429);
  expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0);
  await server.admin.putTenant({ tenant: 'a', body: {} });
  expect((await status(server, `Bearer ${server.adminKey}`)).status).toBe(200);
  server.clock.now += 60_000;
  expect((await status(server, 'Bearer wrong')).status).toBe(401);
});

test('a key of one tenant cannot make, change or read the secret of an endpoint of all', async () => {
  const server = await startServer();
  const key = await server.key('default', ['read', 'write']);
  const body = { url: 'https://example.com', scope: 'all' } as const;
  const mine = server.client(key);
  const all = await server.admin.createEndpoint({ tenant: 'default', body });
  const own = await mine.createEndpoint({ tenant: 'default', body: { url: body.url } });
  const address = { tenant: 'default', endpoint: all.id };
  for (const attempt of [
    () => mine.createEndpoint({ tenant: 'default', body }),
    () => mine.updateEndpoint({ ...address, body: { url: 'https://evil.example' } }),
    () => mine.updateEndpoint({ ...address, endpoint: own.id, body: { scope: 'all' } }),
    () => mine.getEndpointSecret(address),
    () => mine.rotateEndpointSecret(address),
    () => mine.pauseEndpoint(address),
    () => mine.deleteEndpoint(address),
  ]) {
    await expect(attempt()).rejects.toMatchObject({ status: 403, code: 'forbidden' });
  }
});

test('an endpoint of another tenant is not found under the own one', async () => {
  const server = await startServer();
  await server.admin.putTenant({ tenant: 'other', body: {} });
  const body = { url: 'https://example.com' };
  const { id } = await server.admin.createEndpoint({ tenant: 'other', body });
  const address = { tenant: 'default', endpoint: id };
  for (const attempt of [
    () => server.admin.getEndpoint(address),
    () => server.admin.updateEndpoint({ ...address, body: {} }),
    () => server.admin.deleteEndpoint(address),
  ]) {
    await expect(attempt()).rejects.toMatchObject({ status: 404 });
  }
});
