import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Fault } from '../core/exchange.ts';
import { ResponseParser } from './http1.ts';

/** Scheme, host and port: what a kept connection may be used again for. */
export interface Origin {
  readonly secure: boolean;
  /** Name or literal address, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Kept connections, the latest used last. */
  readonly idle: Connection[];
  /** TLS session to resume, from a connection whose certificate was verified at `sessionAt`. */
  session: Buffer | undefined;
  sessionAt: number;
}

/** A fault and the sentence that goes with it. */
export interface Broken {
  readonly fault: Fault;
  readonly detail: string;
}

/** Who waits for a response: told exactly once how it went, when the connection is free of it again. */
export interface Waiter {
  /** The response is in `connection.parser` until this returns. */
  responded(connection: Connection): void;
  broke(connection: Connection, broken: Broken): void;
}

/** Who keeps connections between two requests. */
export interface Keeper {
  keep(connection: Connection): void;
  /** The connection is gone, or is of no use any more. */
  drop(connection: Connection): void;
}

/** One established socket, with at most one request on it at a time. */
export class Connection {
  readonly origin: Origin;
  /** `ip:port`, IPv6 in brackets. */
  readonly remoteAddress: string;
  readonly parser = new ResponseParser();
  /** When the request was handed to the kernel, and when the first byte came back. */
  writtenAt = 0;
  firstByteAt = 0;
  /** Kept until then. Set by the keeper. */
  keptUntil = 0;
  readonly #socket: Socket | TLSSocket;
  readonly #keeper: Keeper;
  readonly #now: () => number;
  #waiter: Waiter | undefined;
  #served = 0;

  constructor(origin: Origin, socket: Socket | TLSSocket, context: ConnectionContext) {
    this.origin = origin;
    this.#socket = socket;
    this.#keeper = context.keeper;
    this.#now = context.now;
    this.remoteAddress = hostPort(socket.remoteAddress ?? '', socket.remotePort ?? 0);
    socket.on('end', () => this.#ended());
    socket.on('error', (error) => this.#failed(socketFault(error)));
    socket.on('close', () => this.#ended());
  }

  /** Writes a whole request in one piece. The connection must be free. */
  start(waiter: Waiter, request: Uint8Array, bodiless: boolean): void {
    this.#waiter = waiter;
    this.parser.reset(bodiless);
    if (this.#served > 0) this.#socket.ref();
    this.writtenAt = this.#now();
    this.#socket.write(request);
  }

  /** Bytes from the peer: `buffer` up to `length`, only valid during the call. */
  received(buffer: Buffer, length: number): void {
    const waiter = this.#waiter;
    // Nothing was asked: an answer to nothing is the start of answering the wrong request.
    if (waiter === undefined) {
      this.destroy();
      return;
    }
    const { parser } = this;
    if (!parser.started) this.firstByteAt = this.#now();
    const progress = parser.feed(buffer, length);
    if (progress === 'more') return;
    if (progress === 'done') this.#finish(waiter);
    else if (progress === 'too_large') this.#failed(TOO_LARGE);
    else
      this.#failed({ fault: 'invalid_response', detail: `not valid HTTP/1.1: ${parser.problem}` });
  }

  /** Closes at once. The waiter, if any, is not told: it is who gave up. */
  destroy(): void {
    this.#waiter = undefined;
    this.#keeper.drop(this);
    this.#socket.destroy();
  }

  #finish(waiter: Waiter): void {
    this.#waiter = undefined;
    this.#served++;
    waiter.responded(this);
    const socket = this.#socket;
    // A response that overtook its request leaves the rest of the request in the way of the next one.
    if (this.parser.reusable && socket.writable && socket.writableLength === 0) {
      socket.unref();
      this.#keeper.keep(this);
    } else {
      this.destroy();
    }
  }

  #ended(): void {
    const waiter = this.#waiter;
    if (waiter !== undefined && this.parser.end()) this.#finish(waiter);
    else this.#failed(CLOSED_EARLY);
  }

  #failed(broken: Broken): void {
    const waiter = this.#waiter;
    this.destroy();
    if (waiter === undefined) return;
    const stale = this.#served > 0 && !this.parser.started;
    waiter.broke(this, stale ? STALE : broken);
  }
}

export interface ConnectionContext {
  readonly keeper: Keeper;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

const STALE: Broken = {
  fault: 'stale_connection',
  detail: 'a kept connection was closed by the peer before it answered',
};

const CLOSED_EARLY: Broken = {
  fault: 'eof',
  detail: 'the peer closed the connection before the response was complete',
};
const TOO_LARGE: Broken = {
  fault: 'header_too_large',
  detail: 'the head of the response is longer than 64 KiB or 256 lines',
};
const REFUSED: Broken = { fault: 'connect_refused', detail: 'the connection was refused' };
const UNREACHABLE: Broken = {
  fault: 'connect_unreachable',
  detail: 'the address cannot be reached',
};
const RESET: Broken = { fault: 'reset', detail: 'the peer reset the connection' };

const SOCKET_FAULTS: Readonly<Record<string, Broken>> = {
  ECONNREFUSED: REFUSED,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  EAFNOSUPPORT: UNREACHABLE,
  EACCES: UNREACHABLE,
  EPERM: UNREACHABLE,
  ETIMEDOUT: { fault: 'connect_timeout', detail: 'the peer did not answer' },
  ECONNRESET: RESET,
  ECONNABORTED: RESET,
  EPIPE: RESET,
  EMFILE: {
    fault: 'internal',
    detail: 'this process has no file descriptors left: raise its limit',
  },
  ENFILE: { fault: 'internal', detail: 'this machine has no file descriptors left' },
};

/** What an error of a socket means. Its message is not shown: it may name addresses. */
export function socketFault(error: Error): Broken {
  const code = errorCode(error);
  const known = SOCKET_FAULTS[code];
  if (known !== undefined) return known;
  if (isTlsCode(code)) return { fault: 'tls', detail: `TLS failed (${code})` };
  return { fault: 'reset', detail: `the connection failed (${code})` };
}

export function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
}

export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function isTlsCode(code: string): boolean {
  return code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO';
}
