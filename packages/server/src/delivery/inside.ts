import type { Exchange, Outbound, OutboundRequest } from '../core/exchange.ts';
import {
  type InboxPlaces,
  type InboxSink,
  type InboxUrl,
  inboxOfUrl,
  insideExchange,
} from '../core/inside.ts';
import { renderRequest } from './http1.ts';

export interface InsideOutboundOptions {
  readonly outbound: Outbound;
  /** Asked at each request, because they are known only once the process listens. */
  readonly places: () => InboxPlaces | undefined;
  readonly sink: InboxSink;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Requests to our own inboxes stay in the process; all others take the way out. */
export function insideOutbound(options: InsideOutboundOptions): Outbound {
  const { outbound } = options;
  return {
    send(request, signal) {
      const places = options.places();
      const at = places && inboxOfUrl(request.url, places);
      return at ? deliver(options, at, request) : outbound.send(request, signal);
    },
    close: () => outbound.close(),
  };
}

async function deliver(
  { sink, now }: InsideOutboundOptions,
  { name, target, pathAt }: InboxUrl,
  request: OutboundRequest,
): Promise<Exchange> {
  const startedAt = now();
  const { method, body, timeoutMs, url } = request;
  const made = renderRequest({ ...request, target, host: url.host });
  if (typeof made === 'string') {
    const detail = `no request can be made: ${made}`;
    const fault = { kind: 'fault', fault: 'render_failed', detail } as const;
    return insideExchange(fault, { requestHead: new Uint8Array(), totalMs: 0 });
  }
  const requestHead = made.bytes.subarray(0, made.headLength);
  const answer = await sink({
    ...{ name, method, target, pathAt, timeoutMs },
    headers: flatOf(requestHead),
    // A view would cross into the other thread with all of the memory behind it.
    body: new Uint8Array(body),
  });
  return insideExchange(answer, { requestHead, totalMs: now() - startedAt });
}

/** The header lines as names and values. */
function flatOf(head: Uint8Array): string[] {
  const [, ...lines] = Buffer.from(head).toString('latin1').split('\r\n');
  return lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 0 ? [] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}
