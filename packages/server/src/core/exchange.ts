import type { Header, Ms } from './model.ts';

/**
 * One HTTP exchange as a value. A refused or broken exchange is an outcome, never an exception:
 * the sender resolves with one of these whatever the network does.
 */

/** Why no complete, valid response came. Codes are permanent: the log and the API show them. */
export const FAULTS = [
  'forbidden', // the address, port or scheme is not allowed; says no more than that (A17)
  'dns_not_found',
  'dns_timeout',
  'dns_failed',
  'connect_refused',
  'connect_unreachable',
  'connect_timeout',
  'tls', // certificate or handshake; `detail` names the reason
  'timeout', // the attempt's whole budget ran out
  'reset', // the peer reset the connection
  'eof', // the peer closed before the response was complete
  'stale_connection', // a kept connection was closed before any byte of the response: tried again at once
  'invalid_response', // not HTTP/1.1
  'header_too_large',
  'aborted', // this process was told to stop
  'render_failed', // no request could be made of the event
  'quarantined', // three processes died while sending it
  'expired', // held longer than the retention time
  'skipped', // the lane was full
  'internal',
] as const;
export type Fault = (typeof FAULTS)[number];

/** The request, complete: what stands here goes on the wire in this order and case. */
export interface OutboundRequest {
  /** Absolute http(s) URL without credentials or fragment. */
  readonly url: URL;
  readonly method: string;
  /** Everything but Host and Content-Length, which the sender adds (first and last). */
  readonly headers: readonly Header[];
  /** How the sender writes the two names: `host` and `content-length` instead. Default false. */
  readonly lowerCase?: boolean;
  readonly body: Uint8Array;
  /** One absolute budget from name resolution to the last byte of the response. */
  readonly timeoutMs: Ms;
}

/** Milliseconds, fractions allowed; undefined = that step did not happen (a kept connection has no connect). */
export interface Timings {
  readonly dnsMs: number | undefined;
  readonly connectMs: number | undefined;
  readonly tlsMs: number | undefined;
  /** Request written to first byte of the response. */
  readonly firstByteMs: number | undefined;
  readonly totalMs: number;
}

export type Outcome =
  | {
      readonly kind: 'response';
      readonly status: number;
      /** Status line and header block as received, with the empty line's CRLF left out. */
      readonly head: Uint8Array;
      readonly body: Uint8Array;
      /** true = more body came (or was announced) than is kept. */
      readonly truncated: boolean;
    }
  | {
      readonly kind: 'fault';
      readonly fault: Fault;
      /** One short sentence for people; never an internal address or a secret. */
      readonly detail: string;
      /** What had arrived of a response when it broke. */
      readonly status: number | undefined;
      readonly head: Uint8Array | undefined;
      readonly body: Uint8Array | undefined;
    };

export interface Exchange {
  readonly outcome: Outcome;
  /** Request line and headers exactly as written, without the empty line; empty if nothing was written. */
  readonly requestHead: Uint8Array;
  /** `ip:port` really connected to; undefined = no connection. */
  readonly remoteAddress: string | undefined;
  readonly timings: Timings;
}

/** The one way out of the process: through the guard, one request, no redirects, no retries. */
export interface Outbound {
  send(request: OutboundRequest, signal?: AbortSignal): Promise<Exchange>;
  close(): Promise<void>;
}

/** A request that is no delivery, as it may cross into the thread that sends. */
export interface ProbeRequest extends Omit<OutboundRequest, 'url'> {
  readonly url: string;
}
export type Probe = (request: ProbeRequest) => Promise<Exchange>;
