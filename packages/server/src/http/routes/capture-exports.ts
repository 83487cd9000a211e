import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type * as api from '@posthorn/api';
import { AppError } from '../../core/errors.ts';
import type { Inbox } from '../../core/inbox.ts';
import { decodeHead, headerOf } from '../../inbox/head.ts';
import { VERIFIED_BYTES_MAX } from '../../inbox/recognition.ts';
import { search } from '../../inbox/search.ts';
import type { StoredCapture } from '../../store/inbox.ts';
import { authorize } from '../auth.ts';
import { toCurl } from '../exchange/curl.ts';
import { bytesToApi, toIso } from '../format.ts';
import { type Handlers, Reply } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';
import { headersToApi, markOf, toApi } from './capture-view.ts';
import { bodyOf, findCapture, queryOf } from './captures.ts';
import { keyOf, read } from './inboxes.ts';

type Ids = 'getCaptureCurl' | 'exportCaptures';

const PAGE = 100;

/** One capture on its way out: its row, and its body unless that is too long. */
interface Row {
  readonly capture: StoredCapture;
  readonly body: Uint8Array | undefined;
  readonly headers: api.WholeCapture['headers'];
  readonly mark: Awaited<ReturnType<typeof markOf>>;
  readonly url: string;
}

/** Captures in the forms of other tools. */
export function captureExportRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { captures } = deps.inbox.store;
  const { urlOf } = deps.inbox;

  async function whole(capture: StoredCapture): Promise<Uint8Array | undefined> {
    if (capture.body) return capture.body;
    if (capture.bodyBytes > VERIFIED_BYTES_MAX) return undefined;
    return await buffer(bodyOf(captures, capture));
  }

  async function* rows(inbox: Inbox, of: Wanted): AsyncGenerator<Row> {
    const key = keyOf(inbox);
    const query = of.q === undefined ? undefined : queryOf(of.q);
    let before: number | undefined;
    for (let left = of.limit; left > 0; ) {
      const ask = { key, query, signing: inbox.signing, before, nowMs: deps.now() };
      const page = await search(captures, { ...ask, limit: Math.min(left, PAGE) });
      for (const capture of page.items) {
        const mark = await markOf(capture, inbox.signing);
        const headers = headersToApi(decodeHead(capture.head), of.reveal);
        const url = urlOf(inbox.name) + capture.target.slice(capture.pathAt);
        yield { capture, body: await whole(capture), headers, mark, url };
      }
      left -= page.items.length;
      before = page.next;
      if (before === undefined) return;
    }
  }

  return {
    async getCaptureCurl({ params, query, principal }) {
      if (query.secrets === 'true') authorize(principal, 'write', params);
      const { value } = await read(deps, params);
      const wanted = { capture: params.capture, bodyBytesMax: VERIFIED_BYTES_MAX };
      const capture = await findCapture(deps, value, wanted);
      if (capture.truncated) {
        throw new AppError('conflict', 'Only the beginning of its body was kept.');
      }
      const { method, target, head, pathAt } = capture;
      const line = Buffer.from(`${method} ${target} HTTP/1.1\r\n`, 'latin1');
      const request = {
        url: urlOf(value.name) + target.slice(pathAt),
        requestHead: Buffer.concat([line, head]),
        requestBody: await buffer(bodyOf(captures, capture)),
      };
      return toCurl(request, query.secrets === 'true');
    },

    async exportCaptures({ params, query, principal }) {
      const reveal = query.secrets === 'true';
      if (reveal) authorize(principal, 'write', params);
      const { value } = await read(deps, params);
      const { format, limit, q } = query;
      if (q !== undefined) queryOf(q);
      const found = rows(value, { q, limit, reveal });
      const lines = { csv, ndjson, har: (some: AsyncIterable<Row>) => har(some, deps.version) };
      return new Reply(200, Readable.from(lines[format](found)), {
        'Content-Disposition': `attachment; filename="${value.name}.${format}"`,
        'X-Content-Type-Options': 'nosniff',
      });
    },
  };
}

interface Wanted {
  readonly q: string | undefined;
  readonly limit: number;
  readonly reveal: boolean;
}

async function* ndjson(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  for await (const { capture, body, headers, mark, url } of rows) {
    const shown = { ...toApi(capture, mark), url, headers, body: body ? bytesToApi(body) : null };
    yield `${JSON.stringify(shown)}\n`;
  }
}

const COLUMNS = [
  ...['id', 'seq', 'receivedAt', 'method', 'path', 'type', 'messageId', 'sender'],
  ...['signature', 'answeredBy', 'status', 'remoteAddress', 'bodyBytes', 'headers', 'body'],
];

async function* csv(rows: AsyncIterable<Row>): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`;
  for await (const { capture, body, headers, mark } of rows) {
    const shown = toApi(capture, mark);
    const cells: Record<string, unknown> = {
      ...shown,
      signature: shown.signature.state,
      headers: headers.map(({ name, value }) => `${name}: ${value}`).join('\n'),
      body: body && textOf(body),
    };
    yield `${COLUMNS.map((name) => cell(cells[name])).join(',')}\r\n`;
  }
}

/** Strangers wrote it: a spreadsheet must not take it for a formula. */
function cell(value: unknown): string {
  const text = String(value ?? '');
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function textOf(bytes: Uint8Array): string {
  const { encoding, text } = bytesToApi(bytes);
  return encoding === 'utf8' ? text : `base64:${text}`;
}

/** HAR 1.2; fields of our own begin with an underscore, as it asks. */
async function* har(rows: AsyncIterable<Row>, version: string): AsyncGenerator<string> {
  const creator = JSON.stringify({ name: 'Posthorn', version });
  yield `{"log":{"version":"1.2","creator":${creator},"entries":[`;
  let first = true;
  for await (const row of rows) {
    yield `${first ? '' : ','}\n${JSON.stringify(harEntry(row))}`;
    first = false;
  }
  yield '\n]}}\n';
}

function harEntry({ capture, body, headers, url }: Row) {
  const flat = decodeHead(capture.head);
  const mimeType = headerOf(flat, 'content-type') ?? '';
  const query = URL.canParse(url) ? [...new URL(url).searchParams] : [];
  const time = capture.durationMs ?? 0;
  return {
    startedDateTime: toIso(capture.receivedAt),
    time,
    request: {
      ...{ method: capture.method, url, httpVersion: 'HTTP/1.1', cookies: [], headers },
      queryString: query.map(([name, value]) => ({ name, value })),
      ...(body && body.length > 0 ? { postData: { mimeType, ...harText(body) } } : {}),
      headersSize: -1,
      bodySize: capture.bodyBytes,
    },
    response: {
      ...{ status: capture.status ?? 0, statusText: '', httpVersion: 'HTTP/1.1' },
      ...{ cookies: [], headers: [], redirectURL: '', headersSize: -1, bodySize: -1 },
      content: { size: 0, mimeType: 'x-unknown' },
    },
    cache: {},
    timings: { send: 0, wait: time, receive: 0 },
    _capture: capture.id,
    _answeredBy: capture.answeredBy,
  };
}

function harText(bytes: Uint8Array) {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(view)) return { text: view.toString() };
  return { text: view.toString('base64'), _encoding: 'base64' };
}
