import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { startServer } from './harness.suite.ts';

/** Bytes as they come: fetch would unpack them. */
async function get(server: Awaited<ReturnType<typeof startServer>>, path: string, headers = '') {
  const answer = await server.raw(
    `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`,
  );
  const end = answer.indexOf('\r\n\r\n');
  const head = answer.slice(0, end);
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim();
  return { status: Number(head.slice(9, 12)), head, header, body: answer.slice(end + 4) };
}

test('every address of the dashboard is the page, and / leads there', async () => {
  const server = await startServer();
  for (const path of ['/dashboard/', '/dashboard/default/webhooks?x=1', '/portal/default/']) {
    const page = await get(server, path);
    expect([page.status, page.header('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  }
  const root = await get(server, '/');
  expect([root.status, root.header('location')]).toEqual([302, '/dashboard/']);
});

test('the page runs only what bears the nonce of this answer, and is never kept', async () => {
  const server = await startServer();
  const [one, two] = [await get(server, '/dashboard/'), await get(server, '/dashboard/')];
  const nonceOf = (page: typeof one) => /nonce="([\w+/=]{24})"/.exec(page.body)?.[1];
  expect(nonceOf(one)).not.toBe(nonceOf(two));
  const policy = one.header('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain(`script-src 'nonce-${nonceOf(one)}'`);
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).not.toContain('unsafe');
  expect(one.header('cache-control')).toBe('no-store');
  expect(one.head).not.toMatch(/set-cookie|access-control/i);
});

test('only the portal can be embedded, and only where its tenant says', async () => {
  const server = await startServer();
  const frameAncestors = ['https://app.example.com', 'https://*.acme.test'];
  await server.admin.putTenant({ tenant: 'acme', body: { portal: { frameAncestors } } });
  const ancestors = async (path: string) =>
    /frame-ancestors ([^;]*)/.exec((await get(server, path)).head)?.[1];
  expect(await ancestors('/portal/acme/x')).toBe('https://app.example.com https://*.acme.test');
  for (const path of ['/dashboard/', '/portal/default/', '/portal/nobody/', '/portal/%ff/']) {
    expect(await ancestors(path)).toBe("'none'");
  }
  expect((await get(server, '/portal/default/')).header('x-frame-options')).toBe('DENY');
});

test('assets come compressed as asked, and are kept for ever', async () => {
  const server = await startServer();
  const path = '/dashboard/-/assets/app-1.js';
  const br = await get(server, path, 'Accept-Encoding: gzip, br\r\n');
  expect(br.header('content-encoding')).toBe('br');
  expect(brotliDecompressSync(Buffer.from(br.body, 'latin1')).toString()).toBe('1');
  const gzip = await get(server, path, 'Accept-Encoding: br;q=0, gzip\r\n');
  expect(gunzipSync(Buffer.from(gzip.body, 'latin1')).toString()).toBe('1');
  const plain = await get(server, path);
  expect([plain.header('content-encoding'), plain.body]).toEqual([undefined, '1']);
  expect(plain.header('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(plain.header('vary')).toBe('Accept-Encoding');
});

test.each([
  '/dashboard/-/assets/none.js',
  '/dashboard/-/assets/../../etc/passwd',
  '/dashboard/-/assets/',
])('there is no asset at %s', async (path) => {
  const server = await startServer();
  expect((await get(server, path)).status).toBe(404);
});

test('behind a proxy with a path, addresses begin with that path', async () => {
  const server = await startServer({ publicUrl: () => 'https://example.com/hooks/' });
  const page = await get(server, '/dashboard/');
  expect(page.body).toContain('src="/hooks/dashboard/-/assets/app-1.js"');
  expect(page.body).toContain('</script>/hooks');
  expect((await get(server, '/')).header('location')).toBe('/hooks/dashboard/');
});

test('switched off, there is no dashboard', async () => {
  const server = await startServer({ dashboard: undefined });
  for (const path of ['/', '/dashboard/', '/portal/default/']) {
    expect((await get(server, path)).status).toBe(404);
  }
});
