import { expect, test } from 'vitest';
import { startServer } from '../http/harness.suite.ts';
import { dashboard } from './dashboard.ts';
import { createOutput } from './output.ts';

async function run(input: { url: string; key: string | undefined; tenant?: string }, json = false) {
  const out: string[] = [];
  const err: string[] = [];
  const output = createOutput({
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    json,
    colors: false,
  });
  const exitCode = await dashboard({ tenant: 'default', ...input }, output);
  return { exitCode, out: out.join(''), err: err.join('') };
}

test('prints a link that opens a session, and says how long it waits', async () => {
  const server = await startServer();
  const { exitCode, out, err } = await run({ url: server.url, key: server.adminKey });
  expect([exitCode, err]).toEqual([0, expect.stringContaining('once, until 20')]);
  const link = new URL(out.trim());
  expect(link.pathname).toBe('/dashboard/default/');
  const token = link.hash.slice(1);
  expect((await server.client('x').openSession({ body: { token } })).scopes).toEqual(['admin']);
});

test('prints it as JSON, for the tenant that is asked for', async () => {
  const server = await startServer();
  const { out } = await run({ url: server.url, key: server.adminKey, tenant: 'acme' }, true);
  expect(JSON.parse(out)).toEqual({
    url: expect.stringContaining('/dashboard/acme/#phl_'),
    expiresAt: expect.any(String),
  });
});

test('needs an admin key: 2 without one, 1 with another', async () => {
  const server = await startServer();
  expect((await run({ url: server.url, key: undefined })).exitCode).toBe(2);
  const key = await server.key('default', ['read']);
  const { exitCode, err } = await run({ url: server.url, key });
  expect([exitCode, err]).toEqual([1, expect.stringContaining('Refused (403)')]);
});
