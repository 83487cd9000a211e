import { type LookupAddress, lookup as lookupName } from 'node:dns';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { BlockList, connect, isIP, type LookupFunction } from 'node:net';
import type { NackReason, OpenHead } from '../../inbox/frames.ts';

/** The server on this machine that captures go to: one host, one port, nothing else. */
export interface LocalTarget {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Put before the path of each capture; without a slash at its end. */
  readonly path: string;
  /** Any address, not only loopback and private ones. */
  readonly anywhere: boolean;
  /** Captures keep the Host they were sent with. */
  readonly keepHost: boolean;
  readonly timeoutMs: number;
}

/** `3000`, `localhost:3000`, `http://127.0.0.1:3000/base`. Throws with what is wrong. */
export function parseTarget(text: string): Pick<LocalTarget, 'secure' | 'host' | 'port' | 'path'> {
  const written = /^\d+$/.test(text) ? `http://localhost:${text}` : text;
  const full = /^https?:\/\//i.test(written) ? written : `http://${written}`;
  if (!URL.canParse(full)) throw new Error(`${JSON.stringify(text)} is no port, host:port or URL`);
  const url = new URL(full);
  if (url.username !== '' || url.password !== '') throw new Error('a target holds no password');
  if (url.search !== '' || url.hash !== '') throw new Error('a target holds no query or fragment');
  const secure = url.protocol === 'https:';
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return { secure, host, port, path: url.pathname.replace(/\/+$/, '') };
}

/** Of this machine and of networks that are not the internet; link-local is where clouds keep secrets. */
const NEAR = new BlockList();
NEAR.addSubnet('127.0.0.0', 8);
NEAR.addSubnet('10.0.0.0', 8);
NEAR.addSubnet('172.16.0.0', 12);
NEAR.addSubnet('192.168.0.0', 16);
NEAR.addAddress('::1', 'ipv6');
NEAR.addSubnet('fc00::', 7, 'ipv6');

export function isNear(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const bare = mapped ?? address;
  const family = isIP(bare);
  return family !== 0 && NEAR.check(bare, family === 4 ? 'ipv4' : 'ipv6');
}

/** No request could be made, or no answer came. */
export class LocalFault extends Error {
  readonly reason: NackReason;
  constructor(reason: NackReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface LocalExchange {
  readonly request: ClientRequest;
  /** Rejects with `LocalFault`. */
  readonly response: Promise<IncomingMessage>;
  /** A part of the body was taken: the time for an answer begins anew. */
  moved(): void;
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

const SOCKETS_MAX = 256;

export class LocalServer {
  readonly target: LocalTarget;
  readonly #agent: Agent;
  readonly #lookup: LookupFunction;

  /** Throws for an address that is not near, unless any is allowed. */
  constructor(target: LocalTarget) {
    if (!target.anywhere && isIP(target.host) !== 0 && !isNear(target.host)) {
      throw farError(target.host);
    }
    this.target = target;
    const options = { keepAlive: true, maxSockets: SOCKETS_MAX };
    this.#agent = target.secure
      ? new SecureAgent({ ...options, rejectUnauthorized: target.anywhere })
      : new Agent(options);
    this.#lookup = target.anywhere ? (lookupName as LookupFunction) : lookupNear;
  }

  get url(): string {
    const { secure, host, port, path } = this.target;
    const bare = host.includes(':') ? `[${host}]` : host;
    return `http${secure ? 's' : ''}://${bare}:${port}${path}`;
  }

  /** The body is the caller's to write. */
  open(head: OpenHead, more: readonly string[]): LocalExchange {
    const { secure, host, port, timeoutMs } = this.target;
    const make = secure ? secureRequest : request;
    const clientRequest = make({
      agent: this.#agent,
      host,
      port,
      method: head.method,
      path: this.pathOf(head),
      headers: this.#headers(head, more) as unknown as Record<string, string>,
      lookup: this.#lookup,
    });
    const timer = setTimeout(() => {
      const message = `the local server did not answer within ${timeoutMs} ms`;
      clientRequest.destroy(new LocalFault('timeout', message));
    }, timeoutMs);
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      clientRequest.on('response', (res) => {
        clearTimeout(timer);
        resolve(res);
      });
      clientRequest.on('error', (error) => {
        clearTimeout(timer);
        reject(faultOf(error));
      });
    });
    const moved = () => void (clientRequest.destroyed || timer.refresh());
    return { request: clientRequest, response, moved };
  }

  /** A capture's path is always below the target's: dots are not resolved here, and the host is fixed. */
  pathOf({ path }: Pick<OpenHead, 'path'>): string {
    const base = this.target.path;
    if (path === '' || path.startsWith('?')) return `${base === '' ? '/' : base}${path}`;
    return base + (path.startsWith('/') ? path : `/${path}`);
  }

  /** Order, case and repeats as captured; what belongs to one connection is left out. */
  #headers(head: OpenHead, more: readonly string[]): string[] {
    const { host, port, keepHost } = this.target;
    const named = new Set<string>();
    const flat: string[] = [];
    let originalHost = '';
    let framed = false;
    for (let i = 0; i + 1 < head.headers.length; i += 2) {
      const [name, value] = [head.headers[i] as string, head.headers[i + 1] as string];
      const lower = name.toLowerCase();
      if (lower === 'connection') {
        for (const token of value.split(',')) named.add(token.trim().toLowerCase());
      }
      if (lower === 'host') originalHost = value;
      if (HOP_BY_HOP.has(lower)) continue;
      if (lower === 'content-length') {
        flat.push(name, String(head.bodyBytes));
        framed = true;
      } else if (lower === 'host' && !keepHost) {
        flat.push(name, port === 80 ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`);
      } else flat.push(name, value);
    }
    const kept = flat.filter((_, i) => !named.has((flat[i - (i % 2)] as string).toLowerCase()));
    if (!framed && (head.bodyBytes > 0 || !BODILESS.has(head.method))) {
      kept.push('Content-Length', String(head.bodyBytes));
    }
    kept.push('X-Forwarded-For', head.remoteAddress);
    if (originalHost !== '') kept.push('X-Forwarded-Host', originalHost);
    return [...kept, ...more];
  }

  /** Does it accept connections? */
  probe(): Promise<boolean> {
    const { host, port } = this.target;
    return new Promise((resolve) => {
      const socket = connect({ host, port, lookup: this.#lookup, timeout: 1000 });
      const done = (open: boolean) => {
        socket.destroy();
        resolve(open);
      };
      socket.on('connect', () => done(true));
      socket.on('error', () => done(false));
      socket.on('timeout', () => done(false));
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

const BODILESS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE']);

const lookupNear: LookupFunction = (hostname, options, callback) => {
  lookupName(hostname, { ...options, all: true }, (error, found) => {
    const addresses = (error ? [] : found) as LookupAddress[];
    const near = addresses.filter(({ address }) => isNear(address));
    if (error || near.length === 0 || near.length < addresses.length) {
      callback(error ?? farError(hostname), []);
    } else if (options.all) callback(null, near);
    else callback(null, (near[0] as LookupAddress).address, (near[0] as LookupAddress).family);
  });
};

function farError(host: string): NodeJS.ErrnoException {
  const message = `${host} is not on this machine or a private network; --allow-host permits it`;
  return Object.assign(new Error(message), { code: 'EFAR' });
}

function faultOf(error: Error & { code?: string }): LocalFault {
  if (error instanceof LocalFault) return error;
  const { code = '' } = error;
  if (code === 'ECONNREFUSED') return new LocalFault('refused', 'the local port is closed');
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EFAR') {
    return new LocalFault('dns', error.message);
  }
  if (/^(?:ERR_TLS|ERR_SSL|CERT|DEPTH|SELF_SIGNED|UNABLE)/.test(code)) {
    return new LocalFault('tls', error.message);
  }
  return new LocalFault('reset', `the local server cut the connection (${code || error.message})`);
}
