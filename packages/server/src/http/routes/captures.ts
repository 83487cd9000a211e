import { Readable } from 'node:stream';
import { parseQuery, type Query, QueryError } from '@posthorn/wire';
import { AppError } from '../../core/errors.ts';
import type { CaptureId, Inbox, InboxId } from '../../core/inbox.ts';
import type { TenantId } from '../../core/model.ts';
import { VERIFIED_BYTES_MAX } from '../../inbox/recognition.ts';
import { redact } from '../../inbox/redact.ts';
import { type Found, SEARCHED_BYTES_MAX, type Search, search } from '../../inbox/search.ts';
import { capturePlace } from '../../store/capture-id.ts';
import type { CaptureStore, StoredCapture } from '../../store/inbox.ts';
import { type Handlers, Reply } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';
import { markOf, toApi, wholeToApi } from './capture-view.ts';
import { keyOf, read } from './inboxes.ts';

type Ids =
  | 'listCaptures'
  | 'getCapture'
  | 'getCaptureBody'
  | 'markCapture'
  | 'deleteCapture'
  | 'deleteCaptures';

const DELETE_BATCH = 500;

interface Address {
  readonly tenant: TenantId;
  readonly inbox: InboxId;
  readonly capture: CaptureId;
}

export function captureRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { now } = deps;
  const { recogniser } = deps.inbox;
  const { captures } = deps.inbox.store;

  /** Without its body. */
  async function find(address: Address): Promise<StoredCapture> {
    const { value } = await read(deps, address);
    return findCapture(deps, value, { capture: address.capture, bodyBytesMax: 0 });
  }

  return {
    async listCaptures({ params, query, principal }) {
      const { value } = await read(deps, params);
      const { limit, cursor, after, wait, q } = query;
      const ask = {
        key: keyOf(value),
        query: q === undefined ? undefined : queryOf(q),
        signing: value.signing,
        before: cursor === undefined ? undefined : numberOf(cursor),
        after,
        limit,
        nowMs: now(),
      };
      const page =
        wait === undefined ? await search(captures, ask) : await waitFor(deps, ask, wait * 1000);
      const shown = principal.only?.shared ? redact : (capture: StoredCapture) => capture;
      const items = page.items.map(async (capture) =>
        toApi(shown(capture), await markOf(capture, value.signing)),
      );
      return { items: await Promise.all(items), next: page.next?.toString() ?? null };
    },

    async getCapture({ params, query, principal }) {
      const reveal = query.reveal === 'true';
      if (reveal && !principal.admin && !principal.scopes.includes('write')) {
        throw new AppError('forbidden', 'To see what is masked, use a key with the scope write.');
      }
      const { value } = await read(deps, params);
      const { capture } = params;
      const found = await findCapture(deps, value, { capture, bodyBytesMax: VERIFIED_BYTES_MAX });
      const recognition = await recogniser.examine(value, found);
      if (principal.only?.shared) {
        return wholeToApi(redact(found), { recognition, log: [], reveal: false });
      }
      const log = await captures.exchanges(found);
      return wholeToApi(found, { recognition, log, reveal });
    },

    async getCaptureBody({ params }) {
      const found = await find(params);
      return new Reply(200, Readable.from(bodyOf(captures, found)), {
        'Content-Disposition': `attachment; filename="${found.id}.bin"`,
        'Content-Security-Policy': 'sandbox',
      });
    },

    async markCapture({ params, body }) {
      const { value } = await read(deps, params);
      const { capture } = params;
      const found = await findCapture(deps, value, { capture, bodyBytesMax: 0 });
      const { note, bookmarked } = body;
      const marked = await captures.mark(found, {
        ...(note === undefined ? {} : { note }),
        ...(bookmarked === undefined ? {} : { bookmarked }),
      });
      if (!marked) throw noCapture();
      const now = await findCapture(deps, value, { capture, bodyBytesMax: SEARCHED_BYTES_MAX });
      return toApi(now, await markOf(now, value.signing));
    },

    async deleteCapture({ params }) {
      const found = await find(params);
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

/** With the number an id names, and only if it is really that one. */
export async function findCapture(
  deps: HttpDeps,
  inbox: Inbox,
  { capture, bodyBytesMax }: { readonly capture: CaptureId; readonly bodyBytesMax: number },
): Promise<StoredCapture> {
  const place = capturePlace(capture);
  if (!place) throw noCapture();
  const key = { ...keyOf(inbox), seq: place.seq };
  const found = await deps.inbox.store.captures.read(key, bodyBytesMax);
  if (found?.id !== capture) throw noCapture();
  return found;
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

export function queryOf(text: string): Query {
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
