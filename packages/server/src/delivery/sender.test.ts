import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Exchange, Outbound, OutboundRequest } from '../core/exchange.ts';
import { Guard, type GuardOptions } from './guard.ts';
import { NameResolver } from './resolver.ts';
import { createSender, type SenderOptions } from './sender.ts';
import { startDns } from './test-dns.suite.ts';
import { MALFORMED } from './test-malformed.suite.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

interface Receiver {
  readonly server: Server;
  readonly port: number;
  readonly url: URL;
  /** Every request as text, and every connection, in order. */
  readonly requests: string[];
  readonly sockets: Socket[];
}

/** A raw TCP server; `onRequest` is called once per complete request. */
async function receive(
  onRequest: (socket: Socket, request: string) => void,
  host = '127.0.0.1',
): Promise<Receiver> {
  const requests: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    let seen = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      for (let length = requestLength(seen); length > 0; length = requestLength(seen)) {
        const request = seen.slice(0, length);
        seen = seen.slice(length);
        requests.push(request);
        onRequest(socket, request);
      }
    });
  });
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const { port } = address;
  const url = new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}/hook?a=1`);
  return { server, port, url, requests, sockets };
}

function requestLength(text: string): number {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const length = end + 4 + Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0);
  return text.length >= length ? length : 0;
}

interface Setup extends Partial<GuardOptions> {
  readonly limits?: NonNullable<SenderOptions['limits']>;
  readonly dns?: readonly string[];
  readonly now?: () => number;
}

function sender({
  limits = {},
  dns = [],
  now = () => performance.now(),
  ...options
}: Setup = {}): Outbound {
  const guard = new Guard({
    allow: [],
    allowLoopback: true,
    allowHttp: true,
    ownPorts: () => [],
    ...options,
  });
  const resolver = new NameResolver({
    servers: dns.length > 0 ? dns : ['127.0.0.1:1'],
    hostsPath: '/nonexistent',
  });
  const outbound = createSender({ guard, resolver, limits, now });
  onTestFinished(async () => {
    await outbound.close();
    resolver.close();
  });
  return outbound;
}

function post(url: URL, changes: Partial<OutboundRequest> = {}): OutboundRequest {
  return {
    url,
    method: 'POST',
    headers: [],
    body: Buffer.from('{"n":1}'),
    timeoutMs: 10_000,
    ...changes,
  };
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');
}

function faultOf({ outcome }: Exchange): string {
  return outcome.kind === 'fault' ? outcome.fault : `status ${outcome.status}`;
}

describe('an exchange', () => {
  test('writes the request exactly as given and tells what was written and received', async () => {
    const { url, port, requests } = await receive((socket) => socket.write(OK));
    const headers = [
      { name: 'X-Zulu', value: '1' },
      { name: 'x-alpha', value: '2' },
      { name: 'X-Zulu', value: '3' },
    ];
    const exchange = await sender().send(post(url, { headers }));
    const head = `POST /hook?a=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Zulu: 1\r\nx-alpha: 2\r\nX-Zulu: 3\r\nContent-Length: 7\r\n`;
    expect(requests).toEqual([`${head}\r\n{"n":1}`]);
    expect(text(exchange.requestHead)).toBe(head);
    expect(exchange.remoteAddress).toBe(`127.0.0.1:${port}`);
    expect(exchange.outcome).toMatchObject({ kind: 'response', status: 200, truncated: false });
    expect(exchange.outcome.kind === 'response' && text(exchange.outcome.head)).toBe(
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n',
    );
    expect(text(exchange.outcome.body)).toBe('ok');
    const { dnsMs, connectMs, tlsMs, firstByteMs, totalMs } = exchange.timings;
    expect([dnsMs, tlsMs]).toEqual([undefined, undefined]);
    expect((connectMs ?? -1) + (firstByteMs ?? -1)).toBeLessThanOrEqual(totalMs);
  });

  test('writes the two names it adds in lower case when told', async () => {
    const { url, port, requests } = await receive((socket) => socket.write(OK));
    await sender().send(post(url, { lowerCase: true, method: 'DELETE' }));
    const head = `DELETE /hook?a=1 HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-length: 7\r\n`;
    expect(requests).toEqual([`${head}\r\n{"n":1}`]);
  });

  test('is one write: head and body arrive in one piece', async () => {
    const chunks: number[] = [];
    const { url, server } = await receive((socket) => socket.write(OK));
    server.on('connection', (socket) => socket.on('data', (chunk) => chunks.push(chunk.length)));
    const exchange = await sender().send(post(url));
    expect(chunks).toEqual([exchange.requestHead.length + 2 + 7]);
  });

  test('goes over a kept connection when there is one', async () => {
    const { url, sockets } = await receive((socket) => socket.write(OK));
    const outbound = sender();
    await outbound.send(post(url));
    const second = await outbound.send(post(new URL('/other', url)));
    expect(sockets.length).toBe(1);
    expect(second.timings).toMatchObject({ dnsMs: undefined, connectMs: undefined });
    expect(second.timings.firstByteMs).toBeGreaterThan(0);
  });

  test('resolves names, and says how long it took', async () => {
    const { port } = await receive((socket) => socket.write(OK));
    await using dns = await startDns((_, type) => (type === 'A' ? { a: ['127.0.0.1'] } : {}));
    const exchange = await sender({ dns: [dns.address] }).send(
      post(new URL(`http://app.test:${port}/`)),
    );
    expect(faultOf(exchange)).toBe('status 200');
    expect(exchange.timings.dnsMs).toBeGreaterThan(0);
    expect(text(exchange.requestHead)).toContain(`Host: app.test:${port}\r\n`);
  });

  test('tries the next address when one refuses', async () => {
    const { port } = await receive((socket) => socket.write(OK), '127.0.0.3');
    await using dns = await startDns((_, type) =>
      type === 'A' ? { a: ['127.0.0.2', '127.0.0.3'] } : {},
    );
    const exchange = await sender({ dns: [dns.address] }).send(
      post(new URL(`http://two.test:${port}/`)),
    );
    expect(exchange.remoteAddress).toBe(`127.0.0.3:${port}`);
  });

  test('speaks IPv6', async () => {
    const { port } = await receive((socket) => socket.write(OK), '::1');
    const exchange = await sender().send(post(new URL(`http://[::1]:${port}/`)));
    expect(exchange.remoteAddress).toBe(`[::1]:${port}`);
  });

  test('does not read the proxy variables (A14)', async () => {
    const proxy = await receive((socket) => socket.write(OK));
    const { url, requests } = await receive((socket) => socket.write(OK));
    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']) {
      vi.stubEnv(name, proxy.url.origin);
    }
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    await sender().send(post(url));
    expect([proxy.requests.length, requests.length]).toEqual([0, 1]);
  });
});

describe('what a receiver can do', () => {
  test('never answer (F24)', async () => {
    const { url, sockets } = await receive(() => undefined);
    const exchange = await sender().send(post(url, { timeoutMs: 200 }));
    expect(exchange.outcome).toMatchObject({
      fault: 'timeout',
      status: undefined,
      head: undefined,
    });
    expect(exchange.outcome).toMatchObject({
      detail: expect.stringContaining('waiting for the response'),
    });
    expect(exchange.timings.totalMs).toBeGreaterThanOrEqual(200);
    expect(exchange.timings.totalMs).toBeLessThan(450);
    await vi.waitFor(() => expect(sockets[0]?.closed).toBe(true));
  });

  test('drip (F25)', async () => {
    const { url } = await receive((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    const exchange = await sender().send(post(url, { timeoutMs: 300 }));
    expect(exchange.outcome).toMatchObject({ fault: 'timeout', status: 200 });
    expect(text(exchange.outcome.body)).toMatch(/^x+$/);
    expect(exchange.timings.totalMs).toBeLessThan(550);
  });

  test('send without end (F26)', async () => {
    const zeros = Buffer.alloc(256 * 1024);
    const { url, sockets } = await receive((socket) => {
      socket.write('HTTP/1.1 500 Oops\r\n\r\n');
      const more = (): void => {
        while (!socket.destroyed && socket.write(zeros));
      };
      socket.on('drain', more);
      more();
    });
    const outbound = sender();
    const exchanges = await Promise.all(Array.from({ length: 20 }, () => outbound.send(post(url))));
    for (const { outcome } of exchanges) {
      expect(outcome).toMatchObject({ kind: 'response', status: 500, truncated: true });
      expect(outcome.body?.length).toBe(64 * 1024);
    }
    await vi.waitFor(() => expect(sockets.every((socket) => socket.closed)).toBe(true));
  });

  test('answer compressed: the bytes are kept as they came (F27)', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024));
    const { url } = await receive((socket) => {
      socket.write(
        `HTTP/1.1 400 Bad\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`,
      );
      socket.write(bomb);
    });
    const { outcome } = await sender().send(post(url));
    expect(Buffer.from(outcome.body ?? []).equals(bomb)).toBe(true);
  });

  test.each([301, 302, 303, 307, 308])(
    'redirect with %i: that is the response (F28)',
    async (status) => {
      const target = await receive((socket) => socket.write(OK));
      const { url } = await receive((socket) =>
        socket.write(
          `HTTP/1.1 ${status} Go\r\nLocation: ${target.url}\r\nContent-Length: 0\r\n\r\n`,
        ),
      );
      const { outcome } = await sender().send(post(url));
      expect(outcome).toMatchObject({ kind: 'response', status });
      expect(text(outcome.head)).toContain('Location: ');
      expect(target.sockets.length).toBe(0);
    },
  );

  const breaks: readonly [string, (socket: Socket) => void, string][] = [
    ['reset before the response', (socket) => socket.resetAndDestroy(), 'reset'],
    ['close before the response', (socket) => socket.destroy(), 'eof'],
    ['half-close before the response', (socket) => socket.end(), 'eof'],
    ['close in the head', (socket) => socket.end('HTTP/1.1 200 OK\r\nConte'), 'eof'],
    [
      'close in the body',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab'),
      'eof',
    ],
    [
      'reset in the body',
      (socket) =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab', () =>
          // Later, because libuv reports a reset that comes together with data as an end.
          setTimeout(() => socket.resetAndDestroy(), 50),
        ),
      'reset',
    ],
    ['close after the response', (socket) => socket.end(OK), 'status 200'],
    [
      'close to end the response',
      (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nok'),
      'status 200',
    ],
    [
      'a huge head',
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`),
      'header_too_large',
    ],
  ];
  test.each(breaks)('%s (F29)', async (_, onRequest, expected) => {
    const { url, requests } = await receive(onRequest);
    expect(faultOf(await sender().send(post(url)))).toBe(expected);
    expect(requests.length).toBe(1);
  });

  test('tells what had come of a response that broke', async () => {
    const { url } = await receive((socket) =>
      socket.end('HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nab'),
    );
    const { outcome } = await sender().send(post(url));
    expect(outcome).toMatchObject({ fault: 'eof', status: 503 });
    expect([text(outcome.head), text(outcome.body)]).toEqual([
      'HTTP/1.1 503 No\r\nContent-Length: 9\r\n',
      'ab',
    ]);
  });

  test('refuse the connection', async () => {
    const { url, server } = await receive(() => undefined);
    server.close();
    await once(server, 'close');
    const exchange = await sender().send(post(url));
    expect(faultOf(exchange)).toBe('connect_refused');
    expect(exchange).toMatchObject({ remoteAddress: undefined, requestHead: new Uint8Array() });
  });

  test('not accept in time: each address has five seconds', async () => {
    const { url, requests } = await receive((socket) => socket.write(OK));
    let late = 0;
    const outbound = sender({ now: () => performance.now() + late });
    const pending = outbound.send(post(url, { timeoutMs: 30_000 }));
    // Once the connect is under way, and before the event loop can see that it succeeded.
    for (let i = 0; i < 20; i++) await Promise.resolve();
    late = 5_000;
    expect(faultOf(await pending)).toBe('connect_timeout');
    expect(requests.length).toBe(0);
  });

  test('answer before it has read the request: that connection is not used again', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => socket.destroy());
      socket.once('readable', () => socket.write('HTTP/1.1 413 Big\r\nContent-Length: 0\r\n\r\n'));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    const url = new URL(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`);
    const outbound = sender();
    const big = post(url, { body: Buffer.alloc(32 * 1024 * 1024) });
    expect(faultOf(await outbound.send(big))).toBe('status 413');
    expect(faultOf(await outbound.send(big))).toBe('status 413');
    expect(sockets.length).toBe(2);
  });

  test.each(MALFORMED)('send what is not HTTP/1.1: %s (F35)', async (_, response) => {
    const { url, requests, sockets } = await receive((socket) =>
      socket.write(Buffer.from(response, 'latin1')),
    );
    const exchange = await sender().send(post(url));
    expect(faultOf(exchange)).toBe('invalid_response');
    expect(requests.length).toBe(1);
    await vi.waitFor(() => expect(sockets[0]?.closed).toBe(true));
  });
});

describe('kept connections', () => {
  test.each([
    ['closed', true],
    ['half-closed', false],
  ])('%s by the peer without a word: nothing is sent twice in silence (F30)', async (_, whole) => {
    const { url, requests } = await receive((socket) => {
      socket.end(OK);
      if (whole) socket.destroySoon();
    });
    const outbound = sender();
    const answered: string[] = [];
    for (let i = 0; i < 1_000; i++) {
      const exchange = await outbound.send(
        post(url, { headers: [{ name: 'X-Id', value: `${i}` }] }),
      );
      // The request counts as written: who retries it, logs it.
      expect(exchange.requestHead.length).toBeGreaterThan(0);
      const fault = faultOf(exchange);
      if (fault === 'status 200') answered.push(`${i}`);
      else expect(fault).toBe('stale_connection');
    }
    const seen = requests.map((request) => /X-Id: (\d+)/.exec(request)?.[1] ?? '');
    expect(new Set(seen).size).toBe(seen.length);
    expect(answered.length).toBeGreaterThan(0);
    // A half-closed peer still reads what it can no longer answer.
    const unanswered = seen.filter((id) => !answered.includes(id)).length;
    expect(seen.length - unanswered).toBe(answered.length);
    if (whole) expect(unanswered).toBe(0);
  });

  test('that die under a request are told apart', async () => {
    let served = 0;
    const { url } = await receive((socket) => {
      if (served++ === 0) socket.write(OK);
      else socket.resetAndDestroy();
    });
    const outbound = sender();
    await outbound.send(post(url));
    expect(faultOf(await outbound.send(post(url)))).toBe('stale_connection');
    expect(faultOf(await outbound.send(post(url)))).toBe('reset');
  });

  test('are closed when they speak unasked', async () => {
    const { url, sockets } = await receive((socket) => socket.write(OK));
    const outbound = sender();
    await outbound.send(post(url));
    sockets[0]?.write(OK);
    await vi.waitFor(() => expect(sockets[0]?.closed).toBe(true));
    await outbound.send(post(url));
    expect(sockets.length).toBe(2);
  });

  test.each([
    ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['bytes behind the response', `${OK}HTTP/1.1`],
    [
      'a peer that keeps it for a second only',
      'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n',
    ],
  ])('are not kept after %s', async (_, response) => {
    const { url, sockets } = await receive((socket) => socket.write(response));
    const outbound = sender();
    await outbound.send(post(url));
    await outbound.send(post(url));
    expect(sockets.length).toBe(2);
  });

  test('are closed after idleMs, and not used after it even before the sweep', async () => {
    const { url, sockets } = await receive((socket) => socket.write(OK));
    let late = 0;
    const outbound = sender({ limits: { idleMs: 4_000 }, now: () => performance.now() + late });
    await outbound.send(post(url));
    late = 4_001;
    await outbound.send(post(url));
    expect(sockets.length).toBe(2);
    late = 8_002;
    await vi.waitFor(() => expect(sockets[1]?.closed).toBe(true), { timeout: 3_000 });
  });

  test('are bounded over all origins: the longest unused goes', async () => {
    const receivers = await Promise.all([1, 2, 3].map(() => receive((socket) => socket.write(OK))));
    const outbound = sender({ limits: { idleSocketsMax: 2 } });
    for (const { url } of receivers) await outbound.send(post(url));
    await vi.waitFor(() => expect(receivers[0]?.sockets[0]?.closed).toBe(true));
    expect(receivers.slice(1).map(({ sockets }) => sockets[0]?.closed)).toEqual([false, false]);
  });

  test('do not hold the process', async () => {
    const { url, sockets } = await receive((socket) => socket.write(OK));
    await sender().send(post(url));
    const held = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap');
    expect(held.length).toBe(sockets.length); // the receiver's own end
  });

  test('10,000 sends leak no sockets', async () => {
    let served = 0;
    const { url, sockets } = await receive((socket) => {
      served++;
      if (served % 100 === 0) socket.resetAndDestroy();
      else socket.write(OK);
    });
    const outbound = sender();
    let left = 10_000;
    const lane = async (): Promise<void> => {
      while (left-- > 0) await outbound.send(post(url));
    };
    await Promise.all(Array.from({ length: 32 }, lane));
    await vi.waitFor(() =>
      expect(sockets.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(32),
    );
    await outbound.close();
    await vi.waitFor(() => expect(sockets.every((socket) => socket.closed)).toBe(true));
  });
});

describe('what is never sent', () => {
  test('a request to a forbidden URL or address, always with the same words', async () => {
    const { port, sockets } = await receive((socket) => socket.write(OK));
    await using dns = await startDns((name, type) => {
      if (type === 'AAAA') return {};
      return { a: name === 'mixed.test' ? ['127.0.0.1', '10.0.0.1'] : ['10.0.0.1'] };
    });
    const outbound = sender({ dns: [dns.address] });
    const urls = [
      'http://10.0.0.1/',
      `http://mixed.test:${port}/`,
      `http://private.test:${port}/`,
      'http://169.254.169.254/latest/meta-data',
      `http://user:pass@127.0.0.1:${port}/`,
      'http://127.0.0.1:6379/',
      'ftp://127.0.0.1/',
    ];
    const exchanges = await Promise.all(urls.map((url) => outbound.send(post(new URL(url)))));
    expect(exchanges.map(faultOf)).toEqual(urls.map(() => 'forbidden'));
    const details = exchanges.map(({ outcome }) => outcome.kind === 'fault' && outcome.detail);
    expect(new Set(details).size).toBe(1);
    expect(sockets.length).toBe(0);
  });

  test('a byte to a peer that is forbidden once connected', async () => {
    const { url, port, requests } = await receive((socket) => socket.write(OK));
    // The port becomes this process's own between one question and the next: each judgement counts.
    for (let allowed = 0; ; allowed++) {
      let asked = 0;
      const outbound = sender({ ownPorts: () => (asked++ >= allowed ? [port] : []) });
      const exchange = await outbound.send(post(url));
      if (faultOf(exchange) !== 'forbidden') {
        expect(allowed).toBe(4); // URL, URL again, literal address, connected address
        break;
      }
      expect(exchange.remoteAddress).toBeUndefined();
      expect(requests.length).toBe(0);
    }
  });

  test('anything to a name that rebinds (A8)', async () => {
    const canary = await receive((socket) => socket.write(OK), '127.0.0.2');
    let round = 0;
    await using dns = await startDns((_, type) =>
      type === 'AAAA' ? {} : { a: [round++ % 2 === 0 ? '127.0.0.1' : '127.0.0.2'], ttl: 0 },
    );
    const outbound = sender({
      dns: [dns.address],
      allowLoopback: false,
      allow: [{ cidr: '127.0.0.1', port: canary.port }],
    });
    const faults = new Set<string>();
    for (let i = 0; i < 200; i++) {
      faults.add(faultOf(await outbound.send(post(new URL(`http://rebind.test:${canary.port}/`)))));
    }
    expect([...faults].sort()).toEqual(['connect_refused', 'forbidden']);
    expect(canary.sockets.length).toBe(0);
  });

  test('a request that cannot be written', async () => {
    const { url, sockets } = await receive((socket) => socket.write(OK));
    const outbound = sender();
    for (const header of [
      { name: 'host', value: 'evil' },
      { name: 'Content-Length', value: '0' },
      { name: 'transfer-encoding', value: 'chunked' },
      { name: 'Connection', value: 'close' },
      { name: 'X', value: 'a\r\nY: b' },
    ]) {
      expect(faultOf(await outbound.send(post(url, { headers: [header] })))).toBe('render_failed');
    }
    expect(sockets.length).toBe(0);
  });

  test.each([
    ['dns_not_found', { rcode: 3 }],
    ['dns_failed', { rcode: 2 }],
  ])('a request whose name fails with %s', async (fault, reply) => {
    await using dns = await startDns(() => reply);
    const exchange = await sender({ dns: [dns.address] }).send(post(new URL('http://none.test/')));
    expect(faultOf(exchange)).toBe(fault);
    expect(exchange.timings.dnsMs).toBeGreaterThan(0);
  });

  test('a request whose name takes longer than its budget', async () => {
    await using dns = await startDns(() => ({ drop: true }));
    const request = post(new URL('http://hole.test/'), { timeoutMs: 150 });
    const exchange = await sender({ dns: [dns.address] }).send(request);
    expect(exchange.outcome).toMatchObject({
      fault: 'timeout',
      detail: expect.stringContaining('resolving'),
    });
    expect(exchange.timings.totalMs).toBeLessThan(400);
  });
});

describe('stopping', () => {
  test('a signal ends the send and its socket', async () => {
    const controller = new AbortController();
    const { url, sockets } = await receive(() => controller.abort());
    const exchange = await sender().send(post(url), controller.signal);
    expect(faultOf(exchange)).toBe('aborted');
    expect(exchange.timings.totalMs).toBeLessThan(1_000);
    await vi.waitFor(() => expect(sockets[0]?.closed).toBe(true));
  });

  test('an aborted signal sends nothing', async () => {
    const { url, sockets } = await receive((socket) => socket.write(OK));
    expect(faultOf(await sender().send(post(url), AbortSignal.abort()))).toBe('aborted');
    expect(sockets.length).toBe(0);
  });

  test('close ends what is under way, closes what is kept and refuses what comes', async () => {
    const { url, sockets } = await receive((socket, request) => {
      if (request.startsWith('POST /hook')) socket.write(OK);
    });
    const outbound = sender();
    await outbound.send(post(url));
    const pending = outbound.send(post(new URL('/hang', url)));
    await vi.waitFor(() => expect(sockets.length).toBe(1));
    await outbound.close();
    expect(faultOf(await pending)).toBe('aborted');
    expect(faultOf(await outbound.send(post(url)))).toBe('aborted');
    await vi.waitFor(() => expect(sockets.every((socket) => socket.closed)).toBe(true));
  });
});
