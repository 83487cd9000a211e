import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Exchange, Outbound } from '../core/exchange.ts';
import { Guard } from './guard.ts';
import { NameResolver } from './resolver.ts';
import { createSender } from './sender.ts';
import { startDns } from './test-dns.suite.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const directory = mkdtempSync(join(tmpdir(), 'tls-'));
afterAll(() => rmSync(directory, { recursive: true }));

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

interface Pair {
  readonly key: Buffer;
  readonly cert: Buffer;
}

function makeCa(name: string): Pair {
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    `${name}.key`,
  ];
  openssl('req', '-x509', ...key, '-out', `${name}.pem`, '-days', '3', '-subj', `/CN=${name}`);
  return load(name);
}

/** A certificate of `ca` for the given names; `days` in the past = expired. */
function issue(name: string, ca: string, options: { names: string; days?: number }): Pair {
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    `${name}.key`,
  ];
  openssl('req', ...key, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
  writeFileSync(join(directory, `${name}.ext`), `subjectAltName=${options.names}\n`);
  const days = ['-days', String(options.days ?? 2)];
  const signer = [
    '-CA',
    `${ca}.pem`,
    '-CAkey',
    `${ca}.key`,
    '-CAcreateserial',
    '-extfile',
    `${name}.ext`,
  ];
  openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signer, ...days);
  return load(name);
}

function load(name: string): Pair {
  const read = (suffix: string) => readFileSync(join(directory, `${name}.${suffix}`));
  return { key: read('key'), cert: read('pem') };
}

async function serveTls(
  options: TlsOptions,
): Promise<{ port: number; sockets: TLSSocket[]; requests: string[] }> {
  const sockets: TLSSocket[] = [];
  const requests: string[] = [];
  const server = createTlsServer(options, (socket) => {
    sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      requests.push(chunk.toString());
      socket.write(OK);
    });
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, sockets, requests };
}

function sender(tlsCa: string | undefined, dns?: string): Outbound {
  const guard = new Guard({ allow: [], allowLoopback: true, allowHttp: false, ownPorts: () => [] });
  const resolver = new NameResolver({ servers: [dns ?? '127.0.0.1:1'], hostsPath: '/nonexistent' });
  const outbound = createSender({ guard, resolver, ...(tlsCa === undefined ? {} : { tlsCa }) });
  onTestFinished(async () => {
    await outbound.close();
    resolver.close();
  });
  return outbound;
}

function post(outbound: Outbound, url: string, timeoutMs = 5_000): Promise<Exchange> {
  return outbound.send({
    url: new URL(url),
    method: 'POST',
    headers: [],
    body: Buffer.from('{}'),
    timeoutMs,
  });
}

describe.skipIf(!hasOpenssl)('TLS (apt-get install openssl)', () => {
  const names = 'DNS:app.test,DNS:localhost,IP:127.0.0.1';
  let good: Pair;
  let trusted: string;
  // A suite's own body runs even if the suite is skipped.
  beforeAll(() => {
    trusted = makeCa('ca').cert.toString();
    good = issue('good', 'ca', { names });
    makeCa('stranger');
  });

  test('verifies name and chain, sends the name, and uses the connection and the session again', async () => {
    const { port, sockets, requests } = await serveTls(good);
    await using dns = await startDns((_, type) => (type === 'A' ? { a: ['127.0.0.1'] } : {}));
    const outbound = sender(trusted, dns.address);
    const first = await post(outbound, `https://app.test:${port}/a`);
    expect(first.outcome).toMatchObject({ kind: 'response', status: 200 });
    expect(first.timings.tlsMs).toBeGreaterThan(0);
    const second = await post(outbound, `https://app.test:${port}/b`);
    expect(second.timings.tlsMs).toBeUndefined();
    expect(sockets.length).toBe(1);
    expect(sockets[0]?.servername).toBe('app.test');
    expect(sockets[0]?.alpnProtocol).toBe(false);
    sockets[0]?.destroy();
    await expect
      .poll(async () => (await post(outbound, `https://app.test:${port}/c`)).outcome.kind)
      .toBe('response');
    expect(sockets.at(-1)?.isSessionReused()).toBe(true);
    expect(requests.every((request) => request.startsWith('POST /'))).toBe(true);
  });

  test('verifies a literal address, and sends no name for it', async () => {
    const { port, sockets } = await serveTls({ ...good, ALPNProtocols: ['h2', 'http/1.1'] });
    const exchange = await post(sender(trusted), `https://127.0.0.1:${port}/`);
    expect(exchange.outcome).toMatchObject({ kind: 'response' });
    expect(sockets[0]?.servername).toBe(false);
    expect(sockets[0]?.alpnProtocol).toBe('http/1.1');
  });

  const selfSigned = (): TlsOptions => {
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      'self.key',
    ];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    openssl('req', '-x509', ...key, '-out', 'self.pem', '-days', '2', ...subject);
    return load('self');
  };
  const cases: readonly [string, () => TlsOptions, string][] = [
    ['an expired certificate', () => issue('old', 'ca', { names, days: -1 }), 'has expired'],
    ['a self-signed certificate', selfSigned, 'self-signed'],
    ['an unknown authority', () => issue('foreign', 'stranger', { names }), 'trusted root'],
    [
      'a certificate for another name',
      () => issue('other', 'ca', { names: 'DNS:other.test' }),
      'another host name',
    ],
    [
      'TLS 1.0',
      () => ({
        ...good,
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
        ciphers: 'DEFAULT@SECLEVEL=0',
      }),
      'TLS version',
    ],
    ['a server of h2 only', () => ({ ...good, ALPNProtocols: ['h2'] }), 'TLS failed'],
    [
      'a server that does not know the name',
      () => ({ ...good, SNICallback: (_, done) => done(new Error('unknown name')) }),
      'TLS failed',
    ],
  ];
  test.each(cases)('refuses %s, and sends nothing (F31)', async (_, options, reason) => {
    const { port, requests } = await serveTls(options());
    await using dns = await startDns((_name, type) => (type === 'A' ? { a: ['127.0.0.1'] } : {}));
    const host = reason === 'TLS failed' ? 'app.test' : '127.0.0.1';
    const exchange = await post(sender(trusted, dns.address), `https://${host}:${port}/`);
    expect(exchange.outcome).toMatchObject({
      fault: 'tls',
      detail: expect.stringContaining(reason),
    });
    expect(exchange.requestHead.length).toBe(0);
    expect(requests).toEqual([]);
  });

  test('trusts no authority of its own accord', async () => {
    const { port } = await serveTls(good);
    expect((await post(sender(undefined), `https://127.0.0.1:${port}/`)).outcome).toMatchObject({
      fault: 'tls',
    });
  });

  test.each([
    ['silence', undefined, 'timeout'],
    ['plain HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'tls'],
    ['an end', '', 'tls'],
  ])('a peer that answers the handshake with %s', async (_, answer, fault) => {
    const bytes: Buffer[] = [];
    const server = createServer((socket) => {
      onTestFinished(() => {
        socket.destroy();
      });
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk) => {
        bytes.push(chunk);
        if (answer !== undefined) socket.end(answer);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const { outcome } = await post(sender(trusted), `https://127.0.0.1:${port}/`, 500);
    expect(outcome).toMatchObject({ fault });
    if (fault === 'timeout')
      expect(outcome).toMatchObject({ detail: expect.stringContaining('handshake') });
    // Never in the clear.
    expect(Buffer.concat(bytes).toString('latin1')).not.toContain('POST');
  });
});
