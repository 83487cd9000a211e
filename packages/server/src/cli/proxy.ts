import { type Agent, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';

/** Connections through an HTTP proxy, by CONNECT (RFC 9110 §9.3.6), for hosts that have no other way out. */

interface Target extends ConnectionOptions {
  readonly hostname?: string;
}

const CONNECT_MS = 15_000;

export function proxyAgent(proxy: string, secure: boolean): Agent {
  const via = new URL(proxy);
  const Base = secure ? HttpsAgent : HttpAgent;
  const agent = new Base({ keepAlive: false });
  const options = agent as unknown as { createConnection: typeof createConnection };
  options.createConnection = createConnection;
  return agent;

  function createConnection(
    target: Target,
    created: (error: Error | null, socket?: Socket) => void,
  ): void {
    const host = target.hostname ?? target.host ?? 'localhost';
    const port = Number(target.port ?? (secure ? 443 : 80));
    const place = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const failed = (why: string) => created(new Error(`the proxy ${via.host} ${why}`));
    const make = via.protocol === 'https:' ? httpsRequest : httpRequest;
    const asking = make({
      host: via.hostname.replace(/^\[|\]$/g, ''),
      ...(via.port === '' ? {} : { port: via.port }),
      method: 'CONNECT',
      path: place,
      headers: { Host: place, ...authorization(via) },
      timeout: CONNECT_MS,
      agent: false,
    });
    asking.on('timeout', () => asking.destroy(new Error('said nothing')));
    asking.on('connect', (res, socket) => {
      socket.setTimeout(0);
      if (res.statusCode !== 200) {
        socket.destroy();
        failed(`answered ${res.statusCode}`);
      } else if (secure) {
        const servername = target.servername || (isIP(host) === 0 ? host : '');
        const secured = tlsConnect({ ...target, socket, servername });
        secured.once('secureConnect', () => created(null, secured));
        secured.once('error', (error) => created(error));
      } else created(null, socket);
    });
    asking.on('response', (res) => {
      res.destroy();
      failed(`answered ${res.statusCode}`);
    });
    asking.on('error', (error) => failed(`cannot be used: ${error.message}`));
    asking.end();
  }
}

function authorization(via: URL): Record<string, string> {
  if (via.username === '') return {};
  const text = `${decodeURIComponent(via.username)}:${decodeURIComponent(via.password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}

type Fetch = typeof globalThis.fetch;
const REDIRECTS_MAX = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const WITHOUT_BODY = new Set([101, 103, 204, 205, 304]);

/**
 * As `fetch`, which knows no proxies on every Node that we run on: through the one that `proxyFor` names
 * for a URL, and straight there where it names none.
 */
export function fetchThrough(proxyFor: (url: string) => string | undefined, direct: Fetch): Fetch {
  return async (input, init) => {
    let request = new Request(input, init);
    for (let redirects = 0; ; redirects++) {
      const proxy = proxyFor(request.url);
      if (proxy === undefined) return redirects > 0 ? direct(request) : direct(input, init);
      const response = await exchange(request, proxy);
      const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null;
      const follows =
        request.method === 'GET' && request.redirect === 'follow' && redirects < REDIRECTS_MAX;
      if (location === null || (!follows && request.redirect !== 'error')) return response;
      await response.body?.cancel();
      if (!follows)
        throw new TypeError('fetch failed', { cause: new Error('unexpected redirect') });
      request = redirected(request, new URL(location, request.url));
    }
  };
}

/** Credentials are for the server that they were given for. */
function redirected({ url, headers, redirect, signal }: Request, to: URL): Request {
  const kept = new Headers(headers);
  if (to.origin !== new URL(url).origin) {
    for (const name of ['authorization', 'cookie']) kept.delete(name);
  }
  return new Request(to, { headers: kept, redirect, signal });
}

async function exchange(request: Request, proxy: string): Promise<Response> {
  const body = request.body ? Buffer.from(await request.arrayBuffer()) : undefined;
  const secure = request.url.startsWith('https:');
  const make = secure ? httpsRequest : httpRequest;
  const { method, signal } = request;
  return new Promise((resolve, reject) => {
    const asking = make(request.url, {
      ...{ method, signal, agent: proxyAgent(proxy, secure) },
      headers: Object.fromEntries(request.headers),
    });
    asking.on('error', (cause) =>
      reject(signal.aborted ? cause : new TypeError('fetch failed', { cause })),
    );
    asking.on('response', (res) => {
      const status = res.statusCode ?? 502;
      const headers = new Headers();
      for (let i = 0; i + 1 < res.rawHeaders.length; i += 2) {
        headers.append(res.rawHeaders[i] as string, res.rawHeaders[i + 1] as string);
      }
      const empty = WITHOUT_BODY.has(status) || method === 'HEAD';
      if (empty) res.resume();
      const stream = empty ? null : (Readable.toWeb(res) as ReadableStream<Uint8Array>);
      resolve(new Response(stream, { status, headers }));
    });
    asking.end(body);
  });
}
