import { Readable } from 'node:stream';
import type * as api from '@posthorn/api';
import { MASK } from '@posthorn/api';
import { parseQuery, type Query, QueryError } from '@posthorn/wire';
import { AppError } from '../../core/errors.ts';
import type { CaptureId, InboxId } from '../../core/inbox.ts';
import type { TenantId } from '../../core/model.ts';
import { decodeHead } from '../../inbox/head.ts';
import { listParts } from '../../inbox/multipart.ts';
import { isPrivateName, redact } from '../../inbox/redact.ts';
import { type Found, type Search, search } from '../../inbox/search.ts';
import { capturePlace } from '../../store/capture-id.ts';
import type { CaptureKey, CaptureStore, Exchange, StoredCapture } from '../../store/inbox.ts';
import { bytesToApi, toIso } from '../format.ts';
import { type Handlers, Reply } from '../handlers.ts';
import { maskHead } from '../mask.ts';
import type { HttpDeps } from '../ports.ts';
import { keyOf, read } from './inboxes.ts';

type Ids =
  | 'listCaptures'
  | 'getCapture'
  | 'getCaptureBody'
  | 'markCapture'
  | 'deleteCapture'
  | 'deleteCaptures';

/** A body up to this size stands in the JSON of its capture. */
const SHOWN_BYTES = 262_144;
const DELETE_BATCH = 500;

interface Address {
  readonly tenant: TenantId;
  readonly inbox: InboxId;
  readonly capture: CaptureId;
}

export function captureRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { now } = deps;
  const { captures } = deps.inbox.store;

  async function keyAt(address: Address): Promise<CaptureKey> {
    const { value } = await read(deps, address);
    const place = capturePlace(address.capture);
    if (!place) throw noCapture();
    return { ...keyOf(value), seq: place.seq };
  }

  /** With the number an id names, and only if it is really that one. */
  async function find(address: Address, bodyBytesMax: number): Promise<StoredCapture> {
    const found = await captures.read(await keyAt(address), bodyBytesMax);
    if (found?.id !== address.capture) throw noCapture();
    return found;
  }

  return {
    async listCaptures({ params, query, principal }) {
      const { value } = await read(deps, params);
      const { limit, cursor, after, wait, q } = query;
      const ask = {
        key: keyOf(value),
        query: q === undefined ? undefined : queryOf(q),
        before: cursor === undefined ? undefined : numberOf(cursor),
        after,
        limit,
        nowMs: now(),
      };
      const page =
        wait === undefined ? await search(captures, ask) : await waitFor(deps, ask, wait * 1000);
      const items = principal.only?.shared ? page.items.map(redact) : page.items;
      return { items: items.map(toApi), next: page.next?.toString() ?? null };
    },

    async getCapture({ params, query, principal }) {
      const reveal = query.reveal === 'true';
      if (reveal && !principal.admin && !principal.scopes.includes('write')) {
        throw new AppError('forbidden', 'To see what is masked, use a key with the scope write.');
      }
      const found = await find(params, SHOWN_BYTES);
      if (principal.only?.shared) return wholeToApi(redact(found), [], false);
      return wholeToApi(found, await captures.exchanges(found), reveal);
    },

    async getCaptureBody({ params }) {
      const found = await find(params, 0);
      return new Reply(200, Readable.from(bodyOf(captures, found)), {
        'Content-Disposition': `attachment; filename="${found.id}.bin"`,
        'Content-Security-Policy': 'sandbox',
      });
    },

    async markCapture({ params, body }) {
      const found = await find(params, 0);
      const { note, bookmarked } = body;
      const marked = await captures.mark(found, {
        ...(note === undefined ? {} : { note }),
        ...(bookmarked === undefined ? {} : { bookmarked }),
      });
      if (!marked) throw noCapture();
      return toApi(await find(params, 0));
    },

    async deleteCapture({ params }) {
      const found = await find(params, 0);
      if ((await captures.remove(found, [found.seq])) === 0) throw noCapture();
      return undefined;
    },

    async deleteCaptures({ params }) {
      const { value } = await read(deps, params);
      const key = keyOf(value);
      const [counts] = await captures.counts([key]);
      let deleted = 0;
      let before = (counts?.head ?? 0) + 1;
      for (;;) {
        const page = await captures.list({ ...key, before, limit: DELETE_BATCH, bodyBytesMax: 0 });
        const seqs = page.items.map(({ seq }) => seq);
        if (seqs.length > 0) deleted += await captures.remove(key, seqs);
        if (page.next === undefined) return { deleted };
        before = Number(page.next);
      }
    },
  };
}

export async function* bodyOf(
  captures: CaptureStore,
  capture: StoredCapture,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const piece = await captures.body(capture, at);
    if (piece.length === 0) return;
    yield piece;
    at += piece.length;
  }
}

/** Asks again whenever something came in, until something fits or the time is over. */
async function waitFor({ inbox, now }: HttpDeps, ask: Search, waitMs: number): Promise<Found> {
  const { relay, store, clock } = inbox;
  let after = ask.after ?? 0;
  let over = false;
  let wake = () => {};
  const unwatch = relay.watch(ask.key, () => wake());
  const cancel = clock.after(waitMs, () => {
    over = true;
    wake();
  });
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const page = await search(store.captures, { ...ask, after, nowMs: now() });
      if (page.items.length > 0 || over || relay.draining) return page;
      after = page.next ?? after;
      await woken;
    }
  } finally {
    cancel();
    unwatch();
  }
}

function queryOf(text: string): Query {
  try {
    return parseQuery(text);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    throw new AppError('invalid_request', `q: ${error.message}`, { details: { field: 'q' } });
  }
}

function noCapture(): AppError {
  return new AppError('not_found', 'There is no such capture.');
}

function numberOf(cursor: string): number {
  if (/^\d{1,10}$/.test(cursor)) return Number(cursor);
  throw new AppError('invalid_request', 'cursor: is not the `next` of a page.');
}

export function toApi(row: StoredCapture): api.Capture {
  return {
    id: row.id,
    seq: row.seq,
    receivedAt: toIso(row.receivedAt),
    method: row.method,
    target: row.target,
    path: row.target.slice(row.pathAt),
    type: row.type ?? null,
    messageId: row.messageId ?? null,
    remoteAddress: row.remoteAddress,
    bodyBytes: row.bodyBytes,
    truncated: row.truncated,
    answeredBy: row.answeredBy,
    status: row.status ?? null,
    durationMs: row.durationMs ?? null,
    error: row.error ?? null,
    exchanges: row.exchanges,
    note: row.note,
    bookmarked: row.bookmarked,
  };
}

function wholeToApi(
  row: StoredCapture,
  log: readonly Exchange[],
  reveal: boolean,
): api.WholeCapture {
  const flat = decodeHead(row.head);
  const headers: { name: string; value: string }[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [name, value] = [flat[i] as string, flat[i + 1] as string];
    headers.push({ name, value: reveal || !isPrivateName(name) ? value : MASK });
  }
  return {
    ...toApi(row),
    headers,
    body: row.body ? bytesToApi(row.body) : null,
    parts: row.body ? listParts(flat, row.body) : [],
    log: log.map((exchange) => exchangeToApi(exchange, reveal)),
  };
}

function exchangeToApi(exchange: Exchange, reveal: boolean): api.WholeCapture['log'][number] {
  const head = (bytes: Uint8Array) =>
    reveal ? Buffer.from(bytes).toString('latin1') : maskHead(bytes);
  const { requestHead, requestBody, responseHead, responseBody } = exchange;
  const asCaptured = requestHead.length === 0 && requestBody === undefined;
  const answered = responseHead.length > 0 || responseBody.length > 0;
  return {
    kind: exchange.kind,
    to: exchange.to,
    at: toIso(exchange.at),
    durationMs: exchange.durationMs,
    status: exchange.status ?? null,
    error: exchange.error ?? null,
    request: asCaptured
      ? null
      : { head: head(requestHead), body: requestBody ? bytesToApi(requestBody) : null },
    response: answered
      ? {
          head: head(responseHead),
          body: bytesToApi(responseBody),
          truncated: exchange.responseTruncated,
        }
      : null,
  };
}
