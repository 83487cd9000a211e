import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer, get } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fetchThrough, proxyAgent } from './proxy.ts';
import { stage } from './tunnel/harness.suite.ts';

/** Commands behind a proxy that lets out what asks it with CONNECT and its password, and nothing else. */

async function startProxy(): Promise<{ url: string; port: number; asked: string[] }> {
  const asked: string[] = [];
  const proxy = createServer((_, res) => void res.writeHead(405).end());
  proxy.on('connect', (req: IncomingMessage, socket, head) => {
    socket.on('error', () => socket.destroy());
    const allowed = Buffer.from('ada:p@ss').toString('base64');
    if (req.headers['proxy-authorization'] !== `Basic ${allowed}`) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    asked.push(req.url ?? '');
    // Every name leads to this machine: only the proxy knows where `hooks.test` is.
    const out = connect(Number(req.url?.split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      out.write(head);
      socket.pipe(out).pipe(socket);
    });
    out.on('error', () => socket.destroy());
    socket.on('close', () => out.destroy());
  });
  const port = await listening(proxy);
  return { url: `http://ada:p%40ss@127.0.0.1:${port}`, port, asked };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('tunnels go through it, whatever means they use', async () => {
  const proxy = await startProxy();
  const { server, local, attach, send } = await stage({ live: false });
  const url = `http://hooks.test:${server.port}`;
  for (const kind of ['websocket', 'sse', 'poll'] as const) {
    const through = proxyAgent(proxy.url, false);
    const client = await attach({ url, proxy: through, kind, listener: kind, from: 'now' });
    await send(`/${kind}`);
    await client.done(1);
    await client.stop();
  }
  expect(local.paths).toEqual(['/websocket', '/sse', '/poll']);
  expect(new Set(proxy.asked)).toEqual(new Set([`hooks.test:${server.port}`]));
});

test('so do the requests of commands, with their bodies, redirects and refusals', async () => {
  const proxy = await startProxy();
  const port = await listening(
    createServer(async (req, res) => {
      if (req.url === '/moved') return void res.writeHead(302, { location: '/' }).end('there');
      if (req.url === '/away') {
        return void res.writeHead(302, { location: `http://other.test:${port}/` }).end();
      }
      res.setHeader('X-Method', req.method ?? '');
      res.setHeader('X-Key', req.headers.authorization ?? 'none');
      if (req.url === '/made') res.setHeader('Location', '/moved');
      res.writeHead(req.url === '/none' ? 204 : 200).end(await text(req));
    }),
  );
  const through = fetchThrough(({ length }) => (length > 0 ? proxy.url : undefined), fetch);
  const place = `http://hooks.test:${port}`;
  const answer = await through(place, { method: 'PUT', body: 'hello' });
  expect([answer.status, answer.headers.get('x-method')]).toEqual([200, 'PUT']);
  expect(await answer.text()).toBe('hello');
  expect((await through(`${place}/none`)).status).toBe(204);
  const authorization = 'Bearer key';
  const moved = await through(`${place}/moved`, { headers: { authorization } });
  expect([moved.status, moved.headers.get('x-key')]).toEqual([200, authorization]);
  const away = await through(`${place}/away`, { headers: { authorization } });
  expect([away.status, away.headers.get('x-key')]).toEqual([200, 'none']);
  expect((await through(`${place}/made`)).headers.get('location')).toBe('/moved');
  await expect(through(`${place}/moved`, { redirect: 'error' })).rejects.toMatchObject({
    cause: { message: 'unexpected redirect' },
  });
  await expect(through(place, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
  const wrong = fetchThrough(() => `http://127.0.0.1:${proxy.port}`, fetch);
  await expect(wrong(place)).rejects.toMatchObject({
    cause: { message: `the proxy 127.0.0.1:${proxy.port} answered 407` },
  });
  const nowhere = fetchThrough(() => 'http://127.0.0.1:1', fetch);
  await expect(nowhere(place)).rejects.toMatchObject({
    cause: { message: expect.stringContaining('the proxy 127.0.0.1:1 cannot be used') },
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!hasOpenssl)('TLS through a proxy (apt-get install openssl)', () => {
  test('the certificate is judged by the name of the server, not of the proxy', async () => {
    const proxy = await startProxy();
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const names = ['-subj', '/CN=hooks', '-addext', 'subjectAltName=DNS:hooks.test'];
    const directory = mkdtempSync(join(tmpdir(), 'proxy-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const files = ['-keyout', join(directory, 'key'), '-out', join(directory, 'cert')];
    execFileSync('openssl', ['req', '-x509', ...made, ...names, ...files], { stdio: 'ignore' });
    const [key, cert] = ['key', 'cert'].map((name) => readFileSync(join(directory, name)));
    const port = await listening(
      createTlsServer({ key, cert }, (_, res) => void res.end('secure')),
    );
    const ask = (host: string) =>
      new Promise<string>((resolve, reject) => {
        const agent = proxyAgent(proxy.url, true);
        get(`https://${host}:${port}`, { agent, ca: cert }, (res) => resolve(text(res))).on(
          'error',
          reject,
        );
      });
    expect(await ask('hooks.test')).toBe('secure');
    await expect(ask('other.test')).rejects.toThrow(/altnames/);
  });
});
