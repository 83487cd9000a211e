import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startServer } from '../harness.suite.ts';

/** Captures in the forms of other tools. */

const tenant = 'default';

async function shop() {
  const server = await startServer();
  const { id: inbox } = await server.admin.createInbox({ tenant, body: { name: 'shop' } });
  const place = { tenant, inbox };
  const send = (path: string, init: RequestInit) => fetch(`${server.url}/in/shop${path}`, init);
  const get = async (query: string, key = server.adminKey) => {
    const url = `${server.url}/api/v1/tenants/default/inboxes/${inbox}/export?${query}`;
    return fetch(url, { headers: { authorization: `Bearer ${key}` } });
  };
  return { server, place, send, get };
}

test('as curl: a shell that runs it sends the same request again', async () => {
  const { server, place, send } = await shop();
  const body = 'it’s "quoted" $HOME\nand more';
  const headers = { 'X-Odd': "a'b", 'Content-Type': 'text/plain' };
  await send('/a?b[]=1', { method: 'PUT', body, headers });
  const [row] = (await server.admin.listCaptures(place)).items;
  const address = { ...place, capture: row?.id ?? 'cap_' };
  const command = await server.admin.getCaptureCurl(address);
  const words = command.replace('https://hooks.example.com', server.url);
  await promisify(execFile)('sh', ['-c', words]);
  const [again] = (await server.admin.listCaptures(place)).items;
  const whole = await server.admin.getCapture({ ...address, capture: again?.id ?? 'cap_' });
  expect(again).toMatchObject({ method: 'PUT', path: '/a?b[]=1' });
  expect(whole.body?.text).toBe(body);
  expect(whole.headers).toContainEqual({ name: 'X-Odd', value: "a'b" });
});

test('as CSV: what a stranger wrote is no formula, and quotes hold', async () => {
  const { send, get } = await shop();
  await send('/', { method: 'POST', body: '=HYPERLINK("http://evil.example";"x")' });
  await send('/', { method: 'POST', body: 'a,"b"\nc' });
  const response = await get('format=csv');
  expect(response.headers.get('content-disposition')).toBe('attachment; filename="shop.csv"');
  const text = await response.text();
  expect(text).toContain(`"'=HYPERLINK(""http://evil.example"";""x"")"`);
  expect(text).toContain('"a,""b""\nc"');
  expect(text.split('\r\n')).toHaveLength(4);
});

test('as NDJSON: one a line, newest first, found and bounded, secrets masked', async () => {
  const { server, send, get } = await shop();
  for (const n of [1, 2, 3]) {
    const headers = { Authorization: 'Bearer s3cret' };
    await send(`/${n}`, { method: 'POST', headers, body: Buffer.from([n, 0xff]) });
  }
  const all = (await (await get('limit=2')).text())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(all.map(({ path }) => path)).toEqual(['/3', '/2']);
  expect(all[0].body).toEqual({
    encoding: 'base64',
    text: Buffer.from([3, 0xff]).toString('base64'),
  });
  expect(JSON.stringify(all)).not.toContain('s3cret');
  const found = await (await get('q=path:/1&secrets=true')).text();
  expect(JSON.parse(found).headers).toContainEqual({
    name: 'Authorization',
    value: 'Bearer s3cret',
  });
  const reader = await server.key(tenant, ['read']);
  expect((await get('secrets=true', reader)).status).toBe(403);
  expect((await get('q=(', reader)).status).toBe(400);
});

test('as HAR: an archive that others open', async () => {
  const { send, get } = await shop();
  await send('/x?y=1', {
    method: 'POST',
    body: '{}',
    headers: { 'Content-Type': 'application/json' },
  });
  const { log } = JSON.parse(await (await get('format=har')).text());
  expect(log).toMatchObject({ version: '1.2', creator: { name: 'Posthorn' } });
  expect(log.entries[0]).toMatchObject({
    request: {
      method: 'POST',
      url: 'https://hooks.example.com/in/shop/x?y=1',
      queryString: [{ name: 'y', value: '1' }],
      postData: { mimeType: 'application/json', text: '{}' },
    },
    response: { status: 200 },
  });
});
