import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { type Harness, startServer } from '../http/harness.suite.ts';

/** How inboxes answer: handshakes, rules, templates. Through the front door. */

type RuleInput = Parameters<Harness['admin']['putInboxRules']>[0]['body']['rules'][number];

async function inboxWith(rules: RuleInput[] = [], body: object = {}) {
  const server = await startServer();
  const inbox = await server.admin.createInbox({
    tenant: 'default',
    body: { name: 'shop', ...body },
  });
  const place = { tenant: 'default', inbox: inbox.id };
  const shown = await server.admin.putInboxRules({ ...place, body: { rules } });
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${server.url}/in/shop${path}`, { method: 'POST', ...init });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const by = async () =>
    (await server.admin.listCaptures({ ...place, limit: 1 })).items[0]?.answeredBy;
  return { server, place, ask, by, rules: shown.rules };
}
const reply = (status: number, more: object = {}) => ({ kind: 'reply', status, ...more }) as const;

test('the first rule that fits answers; each shows how often it did', async () => {
  const { ask, by, rules, server, place } = await inboxWith([
    { enabled: false, answer: reply(500) },
    { when: { methods: ['PUT'] }, answer: reply(201) },
    { when: { path: '/orders/*/pay' }, answer: reply(402) },
    { when: { query: 'headers.x-event:push body.user.id:42' }, answer: reply(203) },
    { name: 'rest', when: { path: '/orders/*' }, answer: reply(204) },
  ]);
  expect((await ask('/orders/1/pay')).status).toBe(402);
  expect((await ask('/orders/1/pay?x', { method: 'PUT' })).status).toBe(201);
  expect((await ask('/orders/1')).status).toBe(204);
  expect(await by()).toBe(`rule:${rules[4]?.id}`);
  expect((await ask('/elsewhere')).status).toBe(200);
  expect(await by()).toBe('default');
  const headers = { 'X-Event': 'push' };
  expect((await ask('/x', { headers, body: '{"user":{"id":42}}' })).status).toBe(203);
  expect((await ask('/x', { headers, body: '{"user":{"id":43}}' })).status).toBe(200);
  const after = await server.admin.getInboxRules(place);
  expect(after.rules.map(({ hits }) => hits)).toEqual([0, 1, 1, 1, 1]);
});

test('a rule may be for the nth request only, or for a share of them', async () => {
  const { ask } = await inboxWith([
    { when: { path: '/first', nth: { to: 2 } }, answer: reply(503) },
    { when: { path: '/third', nth: { from: 3, every: 3 } }, answer: reply(500) },
    { when: { path: '/never', probability: 0 }, answer: reply(500) },
    { when: { path: '/always', probability: 1 }, answer: reply(201) },
  ]);
  const statuses = async (path: string, count: number) => {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await ask(path)).status);
    return all;
  };
  expect(await statuses('/first', 4)).toEqual([503, 503, 200, 200]);
  expect(await statuses('/third', 7)).toEqual([200, 200, 500, 200, 200, 500, 200]);
  expect(await statuses('/never', 2)).toEqual([200, 200]);
  expect(await statuses('/always', 2)).toEqual([201, 201]);
});

test('rules keep their ids while they are moved; what is no rule is refused with the reason', async () => {
  const { server, place, rules } = await inboxWith([
    { name: 'a', answer: reply(201) },
    { name: 'b', answer: reply(202) },
  ]);
  const input = rules.map(({ id, name, answer }) => ({ id, name, answer }));
  const moved = await server.admin.putInboxRules({ ...place, body: { rules: input.toReversed() } });
  expect(moved.rules.map(({ id }) => id)).toEqual(rules.map(({ id }) => id).toReversed());
  for (const [rule, message] of [
    [{ when: { query: 'metod:x' }, answer: reply(200) }, /rules\.0\.when\.query: .*no field/],
    [{ answer: reply(200, { body: '{{nothing.x}}' }) }, /rules\.0\.answer\.body: .*leads nowhere/],
    [{ answer: reply(200, { body: '{{body.x' }) }, /not closed/],
    [{ answer: reply(200, { headers: [{ name: 'Set-Cookie', value: 'a' }] }) }, /never sent/],
    [{ id: '0000000000', answer: reply(200) }, /not a rule of this inbox/],
    [{ answer: reply(101) }, /status/],
  ] as const) {
    const attempt = server.admin.putInboxRules({ ...place, body: { rules: [rule as RuleInput] } });
    await expect(attempt).rejects.toThrow(message);
  }
  const stale = { rules: [], version: moved.version - 1 };
  await expect(server.admin.putInboxRules({ ...place, body: stale })).rejects.toMatchObject({
    status: 409,
  });
});

test('a template holds parts of the request, and nothing of it is read as a template again', async () => {
  const body =
    '{{method}} {{path}} {{query.a.b}} {{headers.X-Id}} {{body.name}} {{json body.list}} {{body.none}}|{{hmac_sha256 body.name base64}}|{{id}}';
  const { ask } = await inboxWith([], {
    answer: reply(200, { body }),
    signing: { secrets: ['s3cret'] },
  });
  const sent = { name: '{{method}}<b>', list: [1, { a: null }] };
  const { text, headers } = await ask('/p/q?a.b=1', {
    headers: { 'X-Id': '7' },
    body: JSON.stringify(sent),
  });
  const mac = createHmac('sha256', 's3cret').update(sent.name).digest('base64');
  const id = headers.get('x-posthorn-capture');
  expect(text).toBe(`POST /p/q 1 7 {{method}}<b> [1,{"a":null}] |${mac}|${id}`);
});

test('Slack, Meta, Graph, Zoom, Asana, Okta and Dropbox are answered without a rule', async () => {
  const { ask, by } = await inboxWith([{ answer: reply(500) }], {
    signing: { secrets: ['zoom-token'] },
  });
  const json = (value: unknown) => ({ body: JSON.stringify(value) });
  const slack = await ask('/', json({ type: 'url_verification', challenge: 'c1', token: 't' }));
  expect([slack.status, slack.text, await by()]).toEqual([200, 'c1', 'handshake:slack']);
  expect(slack.headers.get('content-type')).toBe('text/plain');

  const get = { method: 'GET' };
  const meta = await ask('/?hub.mode=subscribe&hub.challenge=115&hub.verify_token=x', get);
  expect([meta.status, meta.text, await by()]).toEqual([200, '115', 'handshake:meta']);

  const graph = await ask('/?validationToken=a%20%3Cb%3E%2B', { method: 'POST' });
  expect([graph.text, await by()]).toEqual(['a <b>+', 'handshake:microsoft-graph']);
  expect(graph.headers.get('content-type')).toBe('text/plain');

  const zoom = await ask(
    '/',
    json({ event: 'endpoint.url_validation', payload: { plainToken: 'q' } }),
  );
  const encryptedToken = createHmac('sha256', 'zoom-token').update('q').digest('hex');
  expect(JSON.parse(zoom.text)).toEqual({ plainToken: 'q', encryptedToken });

  const asana = await ask('/', { headers: { 'X-Hook-Secret': 'abc' } });
  expect([asana.status, asana.headers.get('x-hook-secret')]).toEqual([200, 'abc']);

  const okta = await ask('/', { ...get, headers: { 'X-Okta-Verification-Challenge': 'v' } });
  expect(JSON.parse(okta.text)).toEqual({ verification: 'v' });

  const dropbox = await ask('/?challenge=d', get);
  expect([dropbox.text, await by()]).toEqual(['d', 'handshake:dropbox']);
  for (const [path, init] of [
    ['/', json({ type: 'event_callback' })],
    ['/', json({ event: 'endpoint.url_validation' })],
    ['/?hub.mode=unsubscribe&hub.challenge=1', get],
    ['/', json(null)],
  ] as const) {
    expect((await ask(path, init)).status).toBe(500);
  }
});

test('handshakes may be switched off, and Zoom without its token is no handshake', async () => {
  const off = await inboxWith([], { handshakes: false, answer: reply(418) });
  expect((await off.ask('/?challenge=d', { method: 'GET' })).status).toBe(418);
  const none = await inboxWith([], { answer: reply(418) });
  const body = JSON.stringify({
    event: 'endpoint.url_validation',
    payload: { plainToken: 'q' },
  });
  expect((await none.ask('/', { body })).status).toBe(418);
});
