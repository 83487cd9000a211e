import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import {
  type Broken,
  Connection,
  type ConnectionContext,
  errorCode,
  type Origin,
  socketFault,
} from './connection.ts';
import type { Guard } from './guard.ts';
import type { NameResolver } from './resolver.ts';

/** One address gets this long to accept; the attempt's own budget may end it sooner. */
const CONNECT_MS = 5_000;
const ADDRESSES_MAX = 16;
const TLS_SESSION_MS = 10 * 60_000;

// Says no more than that (a port scan must learn nothing from the answer) and goes for every reason.
export const FORBIDDEN: Broken = {
  fault: 'forbidden',
  detail: 'this address, port or scheme is not allowed; the operator can allow it',
};

const TLS_REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  CERT_REVOKED: 'the certificate was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate chain ends in a self-signed root that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate chain does not lead to a trusted root',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate chain does not lead to a trusted root',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate chain does not lead to a trusted root',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host name',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the peer speaks no TLS version from 1.2 on',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the peer speaks no TLS version from 1.2 on',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'the peer does not know the host name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the peer does not speak TLS on this port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the peer does not speak TLS on this port',
  ECONNRESET: 'the peer closed the connection during the handshake',
};

export interface DialContext extends ConnectionContext {
  readonly guard: Guard;
  readonly resolver: NameResolver;
  readonly secureContext: SecureContext;
  /** What plain sockets read into, all of them: the bytes are parsed before the next read. */
  readonly readBuffer: Buffer;
  /** Every socket is in here until it is closed. */
  readonly sockets: Set<Socket>;
}

/** Makes one connection: judge the URL, resolve, judge all answers, connect, judge the peer, TLS. */
export class Dial {
  dnsMs: number | undefined;
  connectMs: number | undefined;
  tlsMs: number | undefined;
  /** What it is doing, for the sentence of a timeout. */
  step = 'resolving the host name';
  readonly #context: DialContext;
  readonly #origin: Origin;
  readonly #url: URL;
  #socket: Socket | undefined;
  #connectUntil = Number.POSITIVE_INFINITY;
  #cancelled = false;

  constructor(context: DialContext, origin: Origin, url: URL) {
    this.#context = context;
    this.#origin = origin;
    this.#url = url;
  }

  /** A connection that is ready for a request, or why there is none. */
  async run(): Promise<Connection | Broken> {
    if (this.#context.guard.judgeUrl(this.#url) !== undefined) return FORBIDDEN;
    const addresses = await this.#addresses();
    if (!Array.isArray(addresses)) return addresses;
    this.step = 'connecting';
    let first: Broken | undefined;
    for (const address of addresses.slice(0, ADDRESSES_MAX)) {
      if (this.#cancelled) break;
      const connection = await this.#connect(address);
      if (connection instanceof Connection) return connection;
      // Only another address can help who was not reached at all.
      if (!connection.fault.startsWith('connect_')) return connection;
      first ??= connection;
    }
    return first ?? { fault: 'aborted', detail: 'the connection was given up' };
  }

  /** Ends it: nothing stays open. */
  cancel(): void {
    this.#cancelled = true;
    this.#socket?.destroy();
  }

  /** Ends the try of one address that has had its time. */
  sweep(now: number): void {
    if (now >= this.#connectUntil) this.#socket?.destroy();
  }

  /** Addresses to try, all of them judged: one forbidden answer condemns the name (A7). */
  async #addresses(): Promise<string[] | Broken> {
    const { guard, resolver, now } = this.#context;
    const { host, port } = this.#origin;
    if (isIP(host) !== 0) return guard.judgeAddress(host, port) ? [host] : FORBIDDEN;
    const startedAt = now();
    const resolution = await resolver.resolve(host);
    this.dnsMs = now() - startedAt;
    if (resolution.kind === 'fault') return resolution;
    const { addresses } = resolution;
    return addresses.every((ip) => guard.judgeAddress(ip, port)) ? [...addresses] : FORBIDDEN;
  }

  async #connect(address: string): Promise<Connection | Broken> {
    const { guard, now, sockets } = this.#context;
    const startedAt = now();
    const inlet: Inlet = { connection: undefined };
    const socket = this.#open(address, inlet);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    this.#socket = socket;
    this.#connectUntil = startedAt + CONNECT_MS;
    const error = await settled(socket, 'connect');
    const timedOut = now() >= this.#connectUntil;
    this.#connectUntil = Number.POSITIVE_INFINITY;
    this.connectMs = now() - startedAt;
    if (timedOut) {
      socket.destroy();
      return {
        fault: 'connect_timeout',
        detail: `nothing accepted the connection within ${CONNECT_MS} ms`,
      };
    }
    if (error !== undefined) return socketFault(error);
    // What the kernel connected to is what counts, whatever was asked of it.
    if (!guard.judgeAddress(socket.remoteAddress ?? '', socket.remotePort ?? 0)) {
      socket.destroy();
      return FORBIDDEN;
    }
    if (this.#origin.secure) return this.#handshake(socket);
    inlet.connection = new Connection(this.#origin, socket, this.#context);
    return inlet.connection;
  }

  #open(address: string, inlet: Inlet): Socket {
    const target = { host: address, port: this.#origin.port, noDelay: true };
    if (this.#origin.secure) return connect(target);
    const { readBuffer } = this.#context;
    const callback = (length: number): boolean => {
      inlet.connection?.received(readBuffer, length);
      return true;
    };
    return connect({ ...target, onread: { buffer: readBuffer, callback } });
  }

  async #handshake(socket: Socket): Promise<Connection | Broken> {
    const { now, secureContext } = this.#context;
    const origin = this.#origin;
    this.step = 'in the TLS handshake';
    const startedAt = now();
    const session = startedAt - origin.sessionAt < TLS_SESSION_MS ? origin.session : undefined;
    const secured = connectTls({
      socket,
      host: origin.host,
      // A literal address is never sent as server name (RFC 6066, 3); the certificate must still name it.
      servername: isIP(origin.host) === 0 ? origin.host.replace(/\.$/, '') : '',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      secureContext,
      ...(session === undefined ? {} : { session }),
    });
    this.#socket = secured;
    // Sessions of TLS 1.3 come after the handshake, and only a verified peer's is worth resuming.
    secured.on('session', (ticket) => {
      if (!secured.authorized) return;
      origin.session = ticket;
      origin.sessionAt = now();
    });
    const error = await settled(secured, 'secureConnect');
    this.tlsMs = now() - startedAt;
    if (error === undefined && secured.authorized) {
      const connection = new Connection(origin, secured, this.#context);
      secured.on('data', (chunk: Buffer) => connection.received(chunk, chunk.length));
      return connection;
    }
    origin.session = undefined;
    secured.destroy();
    const code = error === undefined ? 'UNVERIFIED' : errorCode(error);
    return {
      fault: 'tls',
      detail: `TLS failed: ${TLS_REASONS[code] ?? 'the handshake broke'} (${code})`,
    };
  }
}

/** Where a plain socket's bytes go: the connection exists only once the peer was judged. */
interface Inlet {
  connection: Connection | undefined;
}

/** Waits for the event; resolves with the error if the socket ends first. Errors stay handled after it. */
function settled(socket: Socket, event: 'connect' | 'secureConnect'): Promise<Error | undefined> {
  return new Promise((resolve) => {
    socket.once(event, () => resolve(undefined));
    socket.on('error', resolve);
    socket.once('close', () => resolve(CLOSED));
  });
}

const CLOSED = Object.assign(new Error('closed'), { code: 'ECONNRESET' });
