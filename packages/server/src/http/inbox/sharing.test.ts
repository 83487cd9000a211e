import { MASK } from '@posthorn/api';
import { expect, test } from 'vitest';
import { stage } from '../../cli/tunnel/harness.suite.ts';
import { startServer } from '../harness.suite.ts';

/** Keys for one inbox, and links that show captures. */

async function shop() {
  const server = await startServer();
  const { id } = await server.admin.createInbox({ tenant: 'default', body: { name: 'shop' } });
  const place = { tenant: 'default', inbox: id };
  const send = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}/in/shop${path}`, { method: 'POST', ...init });
  const share = async (body: object = {}) => {
    const made = await server.admin.createShare({ ...place, body });
    const token = made.url.split('/shared/')[1] ?? '';
    const get = async () => {
      const response = await fetch(`${server.url}/shared/${token}`);
      return { status: response.status, headers: response.headers, html: await response.text() };
    };
    return { ...made, token, get };
  };
  return { server, place, send, share };
}

const SECRET = {
  headers: {
    Authorization: 'Bearer hidden-1',
    'X-Hub-Signature': 'hidden-2',
    'X-Plain': 'shown-1',
  },
  body: JSON.stringify({ user: 'shown-2', password: 'hidden-3', deep: [{ apiKey: 'hidden-4' }] }),
};

test('a key for one inbox opens that one, and nothing else of its tenant', async () => {
  const { server, place, send } = await shop();
  const other = await server.admin.createInbox({ tenant: 'default' });
  await send('/1');
  const { key } = await server.admin.createInboxKey(place);
  const mine = server.client(key);
  expect((await mine.listCaptures(place)).items).toHaveLength(1);
  expect((await mine.getInbox(place)).name).toBe('shop');
  for (const [attempt, status] of [
    [() => mine.getInbox({ ...place, inbox: other.id }), 404],
    [() => mine.listInboxes({ tenant: 'default' }), 403],
    [() => mine.listEndpoints({ tenant: 'default' }), 403],
    [() => mine.createInboxKey(place), 403],
    [() => mine.createShare(place), 403],
    [() => mine.publishEvents({ tenant: 'default', body: { type: 'a.b', data: 1 } }), 403],
    [() => mine.getCurrentSession(), 403],
  ] as const) {
    await expect(attempt()).rejects.toMatchObject({ status });
  }
  const { items } = await server.admin.listInboxKeys(place);
  await server.admin.deleteInboxKey({ ...place, key: items[0]?.id ?? 'key_' });
  await expect(mine.listCaptures(place)).rejects.toMatchObject({ status: 401 });
});

test('a laptop listens with a key for its inbox alone; the URL of an inbox opens nothing', async () => {
  const { server, inbox, attach, client, send } = await stage();
  const place = { tenant: 'default', inbox: inbox.id };
  const { key } = await server.admin.createInboxKey({ ...place, body: { scopes: ['read'] } });
  const reading = await attach({ key });
  expect(reading.welcomes[0]?.responder).toBe(false);
  await send('/1');
  await reading.done(1);
  const other = await server.admin.createInbox({ tenant: 'default' });
  expect(await client({ key, inbox: other.id, listener: 'x' }).end).toMatchObject({
    reason: 'no_inbox',
  });
  for (const token of [inbox.name, inbox.url, inbox.id]) {
    expect(await client({ key: token, listener: 'y' }).end).toMatchObject({
      reason: 'unauthorized',
    });
    await expect(server.client(token).listCaptures(place)).rejects.toMatchObject({ status: 401 });
  }
});

test('a link shows captures with their secrets masked, until it expires or is withdrawn', async () => {
  const { server, place, send, share } = await shop();
  await send('/orders?token=hidden-5&x=shown-3', SECRET);
  await send('/raw', { body: 'hidden-6 in a body that is no JSON' });
  const link = await share({ expiresInS: 60 });
  const { status, html, headers } = await link.get();
  expect(status).toBe(200);
  for (const text of ['shown-1', 'shown-2', 'shown-3', '/orders']) expect(html).toContain(text);
  expect(html).not.toContain('hidden-');
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('x-robots-tag')).toContain('noindex');
  expect(headers.get('cache-control')).toBe('no-store');

  const mine = server.client(link.token);
  const { items } = await mine.listCaptures(place);
  expect(items[1]).toMatchObject({ path: '/orders?token=****&x=shown-3', remoteAddress: '' });
  const whole = await mine.getCapture({ ...place, capture: items[1]?.id ?? 'cap_' });
  expect(JSON.stringify(whole)).not.toContain('hidden-');
  expect(whole.headers).toContainEqual({ name: 'Authorization', value: MASK });
  server.clock.now += 60_000;
  expect((await link.get()).status).toBe(404);
  const again = await share();
  await server.admin.deleteShare({ ...place, key: again.id });
  expect((await again.get()).status).toBe(404);
  expect((await server.admin.listShares(place)).items).toHaveLength(1);
});

test('a link does nothing but show, and one for a single capture shows only that', async () => {
  const { server, place, send, share } = await shop();
  await send('/1');
  await send('/2');
  const all = server.client((await share()).token);
  const [second, first] = (await all.listCaptures(place)).items;
  const capture = first?.id ?? 'cap_';
  for (const attempt of [
    () => all.getInbox(place),
    () => all.getCaptureBody({ ...place, capture }),
    () => all.getInboxRules(place),
    () => all.deleteCapture({ ...place, capture }),
    () => all.getCapture({ ...place, capture, reveal: 'true' }),
  ]) {
    await expect(attempt()).rejects.toMatchObject({ status: 403 });
  }
  const link = await share({ capture });
  const one = server.client(link.token);
  expect((await one.getCapture({ ...place, capture })).seq).toBe(1);
  const other = { ...place, capture: second?.id ?? 'cap_' };
  await expect(one.getCapture(other)).rejects.toMatchObject({ status: 404 });
  await expect(one.listCaptures(place)).rejects.toMatchObject({ status: 404 });
  const { html } = await link.get();
  expect([html.includes('/1'), html.includes('/2')]).toEqual([true, false]);
});

test('a stranger’s text stays text on the page, wherever it stands', async () => {
  const { server, place, send, share } = await shop();
  const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`;
  await server.admin.updateInbox({ ...place, body: { title: evil } });
  await server.raw(
    `POST /in/shop/<script>x</script>?a="><svg/onload=alert(1)> HTTP/1.1\r\nHost: a\r\nX-<b>: no\r\nX-B: ${evil}\r\nConnection: close\r\n\r\n`,
  );
  await send('/', { body: JSON.stringify({ [evil]: evil }) });
  await send('/', { method: 'PUT', headers: { 'X-C': evil }, body: '{"a":"</pre><script>"}' });
  const { html } = await (await share()).get();
  expect(html.match(/<script|<img|<svg|onerror=(?!alert\(1\)&#62;)/g)).toBeNull();
  expect(html).toContain('&#60;script&#62;');
});

test('wrong links are guessed in vain, and not often', async () => {
  const { server } = await shop();
  const statuses: number[] = [];
  for (let i = 0; i < 25; i++) statuses.push((await fetch(`${server.url}/shared/x${i}`)).status);
  expect(statuses.slice(0, 20)).toEqual(Array(20).fill(404));
  expect(statuses.at(-1)).toBe(429);
});
