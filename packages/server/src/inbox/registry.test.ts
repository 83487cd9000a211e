import { expect, test } from 'vitest';
import { type Harness, startServer } from '../http/harness.suite.ts';

/** Inboxes as people make them: names, owners, bounds. */

const DAY = 86_400_000;
const named = (server: Harness, tenant: string, name: string) =>
  server.admin.createInbox({ tenant, body: { name } });

async function twoTenants(): Promise<Harness> {
  const server = await startServer();
  await server.admin.putTenant({ tenant: 'a', body: {} });
  await server.admin.putTenant({ tenant: 'b', body: {} });
  return server;
}

test('a name nobody chose cannot be guessed', async () => {
  const server = await startServer();
  const names = await Promise.all(
    [1, 2].map(async () => (await server.admin.createInbox({ tenant: 'default' })).name),
  );
  for (const name of names) expect(name).toMatch(/^[0-7][0-9a-hjkmnp-tv-z]{25}$/);
  expect(new Set(names).size).toBe(2);
});

test('a chosen name belongs to its owner, also while others ask at once', async () => {
  const server = await twoTenants();
  await named(server, 'a', 'shop');
  await expect(named(server, 'b', 'shop')).rejects.toMatchObject({ status: 409 });
  await expect(named(server, 'a', 'shop')).rejects.toMatchObject({ status: 409 });
  const raced = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => named(server, i % 2 === 0 ? 'a' : 'b', 'race')),
  );
  expect(raced.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('a released name goes back to its owner at once, to another only after a month', async () => {
  const server = await twoTenants();
  const first = await named(server, 'a', 'shop');
  await server.admin.deleteInbox({ tenant: 'a', inbox: first.id });
  expect((await fetch(`${server.url}/in/shop`)).status).toBe(404);
  await expect(named(server, 'b', 'shop')).rejects.toMatchObject({ status: 409 });
  const second = await named(server, 'a', 'shop');
  await server.admin.updateInbox({
    tenant: 'a',
    inbox: second.id,
    body: { name: 'other' },
  });
  server.clock.now += 30 * DAY - 1;
  await expect(named(server, 'b', 'shop')).rejects.toMatchObject({ status: 409 });
  server.clock.now += 1;
  expect((await named(server, 'b', 'shop')).tenant).toBe('b');
});

test('names that look official, or like ours, are refused', async () => {
  const server = await startServer();
  for (const name of ['www', 'api', 'xn--80ak6aa92e', '0'.repeat(26)]) {
    await expect(named(server, 'default', name)).rejects.toMatchObject({ code: 'invalid_request' });
  }
});

test('the number of inboxes of a tenant is bounded', async () => {
  const server = await twoTenants();
  for (let i = 0; i < 5; i++) await named(server, 'a', `n${i}`);
  await expect(named(server, 'a', 'more')).rejects.toMatchObject({ status: 409 });
  await named(server, 'b', 'more');
});

test('a tenant with inboxes is not deleted', async () => {
  const server = await twoTenants();
  const { id } = await named(server, 'a', 'shop');
  await expect(server.admin.deleteTenant({ tenant: 'a' })).rejects.toMatchObject({ status: 409 });
  await server.admin.deleteInbox({ tenant: 'a', inbox: id });
  await server.admin.deleteTenant({ tenant: 'a' });
});

test('fields change one by one, secrets stay hidden and stay what they were', async () => {
  const server = await startServer();
  const signing = { scheme: 'github' as const, secrets: ['first-secret', 'second-secret'] };
  const { id } = await server.admin.createInbox({ tenant: 'default', body: { signing } });
  const place = { tenant: 'default', inbox: id };
  const shown = await server.admin.updateInbox({ ...place, body: { title: 'Shop' } });
  expect(shown).toMatchObject({ title: 'Shop', signing: { scheme: 'github' } });
  expect(JSON.stringify(shown)).not.toContain('secret"');
  const [first = ''] = shown.signing.secrets;
  await server.admin.updateInbox({
    ...place,
    body: { signing: { scheme: null, secrets: [first, 'third'] } },
  });
  const item = await server.store.config.read('inbox', id);
  expect(item?.value).toMatchObject({
    signing: { scheme: null, secrets: ['first-secret', 'third'] },
  });
  const stale = { ...place, body: { title: 'x', version: shown.version } };
  await expect(server.admin.updateInbox(stale)).rejects.toMatchObject({ status: 409 });
});

test('an inbox of another tenant is not found under the own one', async () => {
  const server = await twoTenants();
  const { id } = await named(server, 'b', 'shop');
  await fetch(`${server.url}/in/shop`);
  const place = { tenant: 'a', inbox: id };
  for (const attempt of [
    () => server.admin.getInbox(place),
    () => server.admin.updateInbox({ ...place, body: {} }),
    () => server.admin.deleteInbox(place),
    () => server.admin.listCaptures(place),
    () => server.admin.deleteCaptures(place),
  ]) {
    await expect(attempt()).rejects.toMatchObject({ status: 404 });
  }
});
