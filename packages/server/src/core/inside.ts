import type { Exchange, Fault } from './exchange.ts';
import type { Ms } from './model.ts';
import { basePath } from './public-url.ts';

/**
 * Requests to inboxes of this very server: they go from what sends to what captures without a socket.
 * Plain data, because the two may live in different threads.
 */

export interface InsideRequest {
  /** The inbox's. */
  readonly name: string;
  readonly method: string;
  readonly target: string;
  /** Where in it the path below the inbox begins. */
  readonly pathAt: number;
  /** Flat list of names and values. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** One budget for all of it. */
  readonly timeoutMs: Ms;
}

export type InsideAnswer =
  | {
      readonly kind: 'response';
      readonly status: number;
      /** Flat list of names and values. */
      readonly headers: readonly string[];
      readonly body: Uint8Array;
      readonly truncated: boolean;
    }
  | { readonly kind: 'fault'; readonly fault: Fault; readonly detail: string };

/** Captures and answers. Never rejects. */
export type InboxSink = (request: InsideRequest) => Promise<InsideAnswer>;

/** Where inboxes are, for whoever has a URL. */
export interface InboxPlaces {
  /** As people reach this server, without a slash at its end. */
  readonly publicUrl: string;
  /** Of wildcard host names. */
  readonly domain: string | undefined;
  /** This process listens there, also under names of this machine. */
  readonly ports: readonly number[];
}

export interface InboxUrl {
  readonly name: string;
  readonly target: string;
  readonly pathAt: number;
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const OWN_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]']);

/** The inbox of this server that a URL means; undefined = it leads elsewhere. */
export function inboxOfUrl(url: URL, places: InboxPlaces): InboxUrl | undefined {
  const target = url.pathname + url.search;
  const label = labelOf(url, places);
  if (label !== undefined) return NAME.test(label) ? { name: label, target, pathAt: 0 } : undefined;
  const base = baseOf(url, places);
  if (base === undefined || !url.pathname.startsWith(`${base}/in/`)) return undefined;
  const inside = target.slice(base.length);
  const name = /^\/in\/([^/?]*)/.exec(inside)?.[1] ?? '';
  if (!NAME.test(name)) return undefined;
  return { name, target: inside, pathAt: '/in/'.length + name.length };
}

function labelOf(url: URL, { domain, publicUrl }: InboxPlaces): string | undefined {
  if (domain === undefined || !url.hostname.endsWith(`.${domain}`)) return undefined;
  const { protocol, port } = new URL(publicUrl);
  if (url.protocol !== protocol || url.port !== port) return undefined;
  return url.hostname.slice(0, -domain.length - 1);
}

/** The path of this server under the URL's host; undefined = another server. */
function baseOf(url: URL, { publicUrl, ports }: InboxPlaces): string | undefined {
  const known = new URL(publicUrl);
  if (url.origin === known.origin) return basePath(publicUrl);
  const own = OWN_HOSTS.has(url.hostname) && ports.includes(Number(url.port));
  return own && url.protocol === 'http:' ? '' : undefined;
}

/** The exchange as it would have been over a socket. */
export function insideExchange(
  answer: InsideAnswer,
  of: { readonly requestHead: Uint8Array; readonly totalMs: number },
): Exchange {
  const timings = { ...NO_TIMINGS, totalMs: of.totalMs };
  const base = { requestHead: of.requestHead, remoteAddress: undefined, timings };
  if (answer.kind === 'fault') {
    const nothing = { status: undefined, head: undefined, body: undefined };
    return { ...base, outcome: { ...answer, ...nothing } };
  }
  const { status, headers, body, truncated } = answer;
  let head = `HTTP/1.1 ${status}\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  const bytes = Uint8Array.from(head, (character) => character.charCodeAt(0));
  return { ...base, outcome: { kind: 'response', status, head: bytes, body, truncated } };
}

const NO_TIMINGS = {
  dnsMs: undefined,
  connectMs: undefined,
  tlsMs: undefined,
  firstByteMs: undefined,
} as const;

/** Before anybody can capture. */
export const notYet: InboxSink = async () => ({
  kind: 'fault',
  fault: 'connect_refused',
  detail: 'the inbox is not open yet',
});
