import { brotliCompressSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { startServer } from './harness.suite.ts';
import type { ReferenceFiles } from './reference.ts';

const FILES: ReferenceFiles = {
  name: 'scalar-1.js',
  script: {
    type: 'text/javascript; charset=utf-8',
    gzip: gzipSync('alert()'),
    br: brotliCompressSync('alert()'),
  },
};

test('the page runs only what bears its nonce, asks nobody else, and is never kept', async () => {
  const { url } = await startServer({ reference: FILES });
  const [one, two] = await Promise.all([fetch(`${url}/docs`), fetch(`${url}/docs/`)]);
  const page = await one.text();
  const nonces = [...page.matchAll(/<script nonce="([\w+/=]{24})"/g)].map(([, nonce]) => nonce);
  expect(nonces).toHaveLength(3);
  expect(new Set(nonces).size).toBe(1);
  expect(await two.text()).not.toContain(String(nonces[0]));
  expect(one.headers.get('cache-control')).toBe('no-store');
  expect(one.headers.get('x-frame-options')).toBe('DENY');
  const policy = one.headers.get('content-security-policy') ?? '';
  expect(policy).toContain(`script-src 'nonce-${nonces[0]}'; `);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("connect-src 'self'");
  expect(page).not.toMatch(/https?:/);
});

test('its script is kept for ever under a name with its version', async () => {
  const { url } = await startServer({ reference: FILES });
  const script = await fetch(`${url}/docs/-/scalar-1.js`);
  expect([script.status, await script.text()]).toEqual([200, 'alert()']);
  expect(script.headers.get('cache-control')).toContain('immutable');
  expect((await fetch(`${url}/docs/-/scalar-2.js`)).status).toBe(404);
  expect((await fetch(`${url}/docs/-/undefined`)).status).toBe(404);
});

test('below a path of a proxy it finds its script and the description', async () => {
  const publicUrl = () => 'https://example.com/hooks/';
  const { url } = await startServer({ reference: FILES, publicUrl });
  const page = await (await fetch(`${url}/docs`)).text();
  expect(page).toContain('src="/hooks/docs/-/scalar-1.js"');
  expect(page).toContain('"url":"/hooks/openapi.json"');
});

test('what was not built says so, and leads to the description', async () => {
  const { url } = await startServer();
  const page = await (await fetch(`${url}/docs`)).text();
  expect(page).toContain('<a href="/openapi.json">');
  expect((await fetch(`${url}/docs/-/scalar-1.js`)).status).toBe(404);
  expect((await fetch(`${url}/docs`, { method: 'POST' })).status).toBe(404);
  const head = await fetch(`${url}/docs`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});
