import { isUtf8 } from 'node:buffer';
import type { Header } from '../../core/model.ts';
import type { WholeAttempt } from '../../store/store.ts';
import { toIso } from '../format.ts';
import { type Head, headerOf, parseHead } from './head.ts';

/**
 * An attempt as an HTTP archive (HAR 1.2, http://www.softwareishard.com/blog/har-12-spec), which
 * browsers and proxies open. Fields of our own begin with an underscore, as it asks.
 */
export function toHar(
  attempt: WholeAttempt,
  options: { readonly reveal: boolean; readonly version: string },
) {
  const { row } = attempt;
  const entry = {
    startedDateTime: toIso(row.startedAt),
    time: attempt.timings.totalMs,
    request: request(attempt, parseHead(attempt.requestHead, options.reveal)),
    response: response(attempt, parseHead(attempt.responseHead, options.reveal)),
    cache: {},
    timings: timings(attempt),
    ...(attempt.remoteAddress === undefined
      ? {}
      : { serverIPAddress: attempt.remoteAddress.replace(/:\d+$/, '').replace(/^\[|\]$/g, '') }),
    comment: row.detail,
    _attempt: row.id,
    _event: row.event,
    _endpoint: row.endpoint,
    _fault: row.fault ?? null,
  };
  const creator = { name: 'Posthorn', version: options.version };
  return { log: { version: '1.2' as const, creator, entries: [entry] } };
}

function request(attempt: WholeAttempt, head: Head) {
  const { requestBody: body } = attempt;
  const url = URL.canParse(attempt.url) ? new URL(attempt.url) : undefined;
  const mimeType = headerOf(head, 'content-type') ?? '';
  return {
    method: attempt.method,
    url: attempt.url,
    httpVersion: head.start[2],
    cookies: [],
    headers: head.headers,
    queryString: [...(url?.searchParams ?? [])].map(([name, value]): Header => ({ name, value })),
    ...(body.length === 0 ? {} : { postData: { mimeType, ...textOf(body, '_encoding') } }),
    headersSize: sizeOf(attempt.requestHead),
    bodySize: body.length,
  };
}

/** Without a response it is one of status 0, as browsers write it. */
function response(attempt: WholeAttempt, head: Head) {
  const { responseBody: body } = attempt;
  const [httpVersion, , statusText] = head.start;
  return {
    status: attempt.row.status ?? 0,
    statusText,
    httpVersion,
    cookies: [],
    headers: head.headers,
    content: {
      size: body.length,
      mimeType: headerOf(head, 'content-type') ?? 'x-unknown',
      ...textOf(body, 'encoding'),
      ...(attempt.responseTruncated ? { comment: 'Only the beginning was kept.' } : {}),
    },
    redirectURL: headerOf(head, 'location') ?? '',
    headersSize: sizeOf(attempt.responseHead),
    bodySize: attempt.responseTruncated ? -1 : body.length,
  };
}

/** With the empty line that ends it; -1 = there was none. */
function sizeOf(head: Uint8Array): number {
  return head.length === 0 ? -1 : head.length + 2;
}

/** -1 = that step did not happen. The handshake is also a part of `connect`. */
function timings({ timings: { dnsMs, connectMs, tlsMs, firstByteMs, totalMs } }: WholeAttempt) {
  const before = (dnsMs ?? 0) + (connectMs ?? 0) + (tlsMs ?? 0);
  const receive = Math.max(0, totalMs - before - (firstByteMs ?? 0));
  return {
    blocked: -1,
    dns: dnsMs ?? -1,
    connect: connectMs === undefined ? -1 : connectMs + (tlsMs ?? 0),
    ssl: tlsMs ?? -1,
    send: 0,
    wait: firstByteMs ?? 0,
    receive: Math.round(receive * 10) / 10,
  };
}

function textOf(bytes: Uint8Array, encoding: 'encoding' | '_encoding') {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(view)) return { text: view.toString() };
  return { text: view.toString('base64'), [encoding]: 'base64' };
}
