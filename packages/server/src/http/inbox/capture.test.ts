import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { MASK } from '@posthorn/api';
import { expect, test } from 'vitest';
import type { InboxId } from '../../core/inbox.ts';
import { type Harness, startServer } from '../harness.suite.ts';

/** Requests to inboxes through the front door: what is kept, and what is answered. */

async function shop(server: Harness, body: object = {}) {
  return server.admin.createInbox({ tenant: 'default', body });
}
async function newest(server: Harness, inbox: InboxId) {
  const { items } = await server.admin.listCaptures({ tenant: 'default', inbox, limit: 1 });
  const capture = items[0]?.id ?? 'cap_';
  return server.admin.getCapture({ tenant: 'default', inbox, capture, reveal: 'true' });
}
/** As it is reached here: the harness's public URL is another. */
function local(server: Harness, inbox: { name: string }): string {
  return `${server.url}/in/${inbox.name}`;
}

test('any method and path is kept with its exact target, headers and bytes', async () => {
  const server = await startServer();
  const inbox = await shop(server);
  const path = `/in/${inbox.name}/a%2Fb/./c?x=1&x=2&y=%C3%A4`;
  const head = [
    'Host: Example.COM',
    'X-Odd-cAsE: one',
    'x-odd-case: two',
    'X-Latin: \xe9\xff',
    'Content-Length: 256',
    'Connection: close',
  ];
  const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  for (const method of ['POST', 'PROPFIND', 'DELETE', 'GET']) {
    const bytes = Buffer.from(
      `${method} ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`,
      'latin1',
    );
    const answer = await server.raw(Buffer.concat([bytes, body]));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    const found = await newest(server, inbox.id);
    expect(found).toMatchObject({ method, target: path, path: '/a%2Fb/./c?x=1&x=2&y=%C3%A4' });
    expect(found.headers.map(({ name, value }) => `${name}: ${value}`)).toEqual(head);
    expect(Buffer.from(found.body?.text ?? '', 'base64').equals(body)).toBe(true);
    expect(answer).toContain(`X-Posthorn-Capture: ${found.id}`);
  }
});

test('chunked bodies, empty ones, and text that JSON.parse would change are kept as they came', async () => {
  const server = await startServer();
  const inbox = await shop(server);
  const text = '{"n": 12345678901234567890,\r\n "x": 1.0, "x": 1e400 }\ufeff';
  const ask = (init: RequestInit) => fetch(local(server, inbox), { method: 'POST', ...init });
  for (const body of [text, '', '\ufeff{}']) {
    expect((await ask({ body })).status).toBe(200);
    expect((await newest(server, inbox.id)).body).toEqual({ encoding: 'utf8', text: body });
  }
  const chunked = 'Transfer-Encoding: chunked\r\nHost: a\r\nConnection: close';
  await server.raw(
    `PUT /in/${inbox.name} HTTP/1.1\r\n${chunked}\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n`,
  );
  expect(await newest(server, inbox.id)).toMatchObject({
    method: 'PUT',
    path: '',
    body: { text: 'abcde' },
    bodyBytes: 5,
  });
});

test('an inbox answers as it was told, and captures are told what was answered', async () => {
  const server = await startServer();
  const answer = {
    kind: 'reply',
    status: 418,
    headers: [
      { name: 'Content-Type', value: 'application/json' },
      { name: 'X-A', value: '1' },
      { name: 'x-a', value: '2' },
    ],
    body: '{"ok":true}',
  } as const;
  const inbox = await shop(server, { name: 'shop', answer });
  expect(inbox.url).toBe('https://hooks.example.com/in/shop');
  const response = await fetch(`${server.url}/in/shop/x`, { method: 'POST' });
  expect([response.status, await response.text()]).toEqual([418, '{"ok":true}']);
  expect(response.headers.get('x-a')).toBe('1, 2');
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await newest(server, inbox.id)).toMatchObject({ status: 418, answeredBy: 'default' });
});

test('every answer below an inbox is sandboxed, and none is a page', async () => {
  const server = await startServer();
  const answer = {
    kind: 'reply',
    headers: [{ name: 'content-type', value: 'text/HTML; charset=utf-8' }],
    body: '<script>alert(1)</script>',
  } as const;
  await shop(server, { name: 'shop', answer });
  for (const path of ['/in/shop', '/in/nobody', '/in/', '/in/shop/..%2f']) {
    const { headers } = await fetch(server.url + path);
    expect(headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-robots-tag')).toContain('noindex');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('content-type')).toMatch(/^(text\/plain|application\/problem\+json)/);
  }
});

test('no owner can set a cookie, a policy or the framing of an answer', async () => {
  const server = await startServer();
  for (const name of ['Set-Cookie', 'content-security-policy', 'Transfer-Encoding', 'Alt-Svc']) {
    const answer = { kind: 'reply', headers: [{ name, value: 'x' }] } as const;
    await expect(shop(server, { answer })).rejects.toMatchObject({ code: 'invalid_request' });
  }
  const answer = { kind: 'reply', headers: [{ name: 'A', value: 'x\r\nSet-Cookie: y' }] } as const;
  await expect(shop(server, { answer })).rejects.toMatchObject({ code: 'invalid_request' });
});

test('an answer may be late, cut off, or drip', async () => {
  const server = await startServer();
  const answer = { kind: 'reply', delayMs: 120, body: 'late' } as const;
  const { id, name } = await shop(server, { answer });
  const started = performance.now();
  expect(await (await fetch(`${server.url}/in/${name}`)).text()).toBe('late');
  expect(performance.now() - started).toBeGreaterThan(100);
  const change = (fault: 'reset' | 'drip' | 'timeout') =>
    server.admin.updateInbox({
      tenant: 'default',
      inbox: id,
      body: { answer: { kind: 'reply', fault, body: 'ab' } },
    });
  await change('reset');
  await expect(fetch(`${server.url}/in/${name}`)).rejects.toThrow();
  await change('drip');
  const dripping = await fetch(`${server.url}/in/${name}`);
  const first = await dripping.body?.getReader().read();
  expect(Buffer.from(first?.value ?? '').toString()).toBe('a');
  await change('timeout');
  const impatient = fetch(`${server.url}/in/${name}`, { signal: AbortSignal.timeout(200) });
  await expect(impatient).rejects.toThrow();
  const { items } = await server.admin.listCaptures({ tenant: 'default', inbox: id });
  expect(items).toHaveLength(4);
});

test('of a body that is too large the beginning is kept, its size is told, and 413 answered', async () => {
  const server = await startServer({}, { inboxBodyBytes: 200_000 });
  const inbox = await shop(server);
  const body = randomBytes(300_000);
  const response = await fetch(local(server, inbox), { method: 'POST', body });
  expect(response.status).toBe(413);
  const found = await newest(server, inbox.id);
  expect(found).toMatchObject({
    answeredBy: 'refused',
    status: 413,
    truncated: true,
    bodyBytes: 300_000,
  });
  const kept = Buffer.from(found.body?.text ?? '', 'base64');
  expect(kept.equals(body.subarray(0, kept.length)) && kept.length).toBe(65_536);
});

test('a sender that goes away in the middle leaves nothing behind', async () => {
  const server = await startServer();
  const inbox = await shop(server);
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  const head = `POST /in/${inbox.name} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n`;
  await new Promise((resolve) => socket.write(`${head}abc`, resolve));
  socket.destroy();
  await fetch(local(server, inbox), { method: 'POST', body: 'whole' });
  const { items } = await server.admin.listCaptures({ tenant: 'default', inbox: inbox.id });
  expect(items.map(({ bodyBytes }) => bodyBytes)).toEqual([5]);
});

test('what is being received is bounded: beyond, senders are asked to come again', async () => {
  const small = { inboxBodyBytes: 500_000, inboxQueueBytes: 1_048_576 };
  const server = await startServer({}, small);
  const inbox = await shop(server);
  const open = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const socket = connect(server.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      const head = `POST /in/${inbox.name} HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(head), randomBytes(399_999)]));
      return socket;
    }),
  );
  const answers = await Promise.race(
    open.map(async (socket) => String((await once(socket, 'data'))[0])),
  );
  expect(answers).toMatch(/^HTTP\/1\.1 429 /);
  expect(answers).toMatch(/Retry-After: 1/i);
  for (const socket of open) socket.destroy();
  const again = () => fetch(local(server, inbox), { method: 'POST', body: randomBytes(70_000) });
  while ((await again()).status !== 200);
});

test('a host name of the inbox domain leads to its inbox, with any path', async () => {
  const server = await startServer({}, { inboxDomain: 'in.example.com' });
  const inbox = await shop(server, { name: 'shop' });
  expect(inbox.url).toBe('https://shop.in.example.com');
  const ask = (host: string, target: string) =>
    server.raw(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  for (const [host, target, path] of [
    ['shop.in.example.com', '/api/v1/x?y', '/api/v1/x?y'],
    ['SHOP.in.example.com:8080', '/', '/'],
    ['shop.in.example.com', 'http://shop.in.example.com/p?q', '/p?q'],
    ['other.test', '/in/shop/z', '/z'],
  ] as const) {
    expect(await ask(host, target)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await newest(server, inbox.id)).toMatchObject({ target, path });
  }
  expect(await ask('nobody.in.example.com', '/')).toMatch(/^HTTP\/1\.1 404 /);
  expect(await ask('a.shop.in.example.com', '/healthz')).toMatch(/^HTTP\/1\.1 200 /);
});

test('the parts of a form are listed with where they begin', async () => {
  const server = await startServer();
  const inbox = await shop(server);
  const form = new FormData();
  form.set('note', 'hello');
  form.set('file', new Blob([randomBytes(500)], { type: 'image/png' }), 'a "b".png');
  await fetch(local(server, inbox), { method: 'POST', body: form });
  const { parts, body } = await newest(server, inbox.id);
  expect(parts).toMatchObject([
    { name: 'note', filename: null, bytes: 5 },
    { name: 'file', contentType: 'image/png', bytes: 500 },
  ]);
  const bytes = Buffer.from(body?.text ?? '', body?.encoding);
  const [note] = parts;
  expect(bytes.toString('utf8', note?.offset, (note?.offset ?? 0) + 5)).toBe('hello');
});

test('passwords and signatures are masked, unless a key that may write asks for them', async () => {
  const server = await startServer();
  const inbox = await shop(server);
  const headers = { Authorization: 'Bearer x', 'X-Signature': 'y', 'X-Plain': 'z' };
  await fetch(local(server, inbox), { method: 'POST', headers });
  const { items } = await server.admin.listCaptures({ tenant: 'default', inbox: inbox.id });
  const address = { tenant: 'default', inbox: inbox.id, capture: items[0]?.id ?? 'cap_' };
  const reader = server.client(await server.key('default', ['read']));
  const shown = (found: { headers: { name: string; value: string }[] }) =>
    Object.fromEntries(found.headers.map(({ name, value }) => [name.toLowerCase(), value]));
  expect(shown(await reader.getCapture(address))).toMatchObject({
    authorization: MASK,
    'x-signature': MASK,
    'x-plain': 'z',
  });
  expect(shown(await server.admin.getCapture({ ...address, reveal: 'true' }))).toMatchObject({
    authorization: 'Bearer x',
    'x-signature': 'y',
  });
  await expect(reader.getCapture({ ...address, reveal: 'true' })).rejects.toMatchObject({
    status: 403,
  });
});

test('a long body is saved from its own address, byte for byte and never shown as a page', async () => {
  const server = await startServer();
  const inbox = await shop(server);
  const body = randomBytes(900_000);
  await fetch(local(server, inbox), { method: 'POST', body });
  const found = await newest(server, inbox.id);
  expect(found.body).toBeNull();
  const place = `/api/v1/tenants/default/inboxes/${inbox.id}/captures/${found.id}/body`;
  const response = await fetch(server.url + place, {
    headers: { authorization: `Bearer ${server.adminKey}` },
  });
  expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
  expect(response.headers.get('content-disposition')).toMatch(/^attachment; filename="cap_/);
  expect(response.headers.get('content-type')).toBe('application/octet-stream');
});

test('captures are listed newest first or followed from a number, marked and deleted', async () => {
  const server = await startServer();
  const { id, name } = await shop(server);
  const place = { tenant: 'default', inbox: id };
  for (let i = 1; i <= 5; i++) await fetch(`${server.url}/in/${name}/${i}`);
  const page = await server.admin.listCaptures({ ...place, limit: 2 });
  expect(page.items.map(({ seq }) => seq)).toEqual([5, 4]);
  const next = await server.admin.listCaptures({ ...place, limit: 9, cursor: page.next ?? '' });
  expect(next.items.map(({ seq }) => seq)).toEqual([3, 2, 1]);
  const after = await server.admin.listCaptures({ ...place, after: 3 });
  expect(after.items.map(({ path }) => path)).toEqual(['/4', '/5']);
  const capture = page.items[0]?.id ?? 'cap_';
  const marked = await server.admin.markCapture({
    ...place,
    capture,
    body: { note: 'n', bookmarked: true },
  });
  expect(marked).toMatchObject({ note: 'n', bookmarked: true, seq: 5 });
  await server.admin.deleteCapture({ ...place, capture });
  await expect(server.admin.deleteCapture({ ...place, capture })).rejects.toMatchObject({
    status: 404,
  });
  expect(await server.admin.deleteCaptures(place)).toEqual({ deleted: 4 });
  expect(await server.admin.getInbox(place)).toMatchObject({ captures: 0, newest: 5 });
});

test('only the oldest beyond what is kept go', async () => {
  const server = await startServer();
  const { id, name } = await shop(server, { keep: { captures: 3 } });
  for (let i = 1; i <= 5; i++) await fetch(`${server.url}/in/${name}`);
  const { items } = await server.admin.listCaptures({ tenant: 'default', inbox: id });
  expect(items.map(({ seq }) => seq)).toEqual([5, 4, 3]);
});
