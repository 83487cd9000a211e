import { asksFor, matchesQuery, type Query } from '@posthorn/wire';
import type { InboxSigning } from '../core/inbox.ts';
import type { Ms } from '../core/model.ts';
import type { CaptureStore, InboxKey, StoredCapture } from '../store/inbox.ts';
import { decodeHead } from './head.ts';
import type { Carried } from './hub.ts';
import { senderOf, signatureOf } from './recognition.ts';
import { Subject } from './subject.ts';

/** Bodies that come along, and that searches look into; of longer ones only the rest counts. */
export const SEARCHED_BYTES_MAX = 65_536;
/** Captures that one page looks at, and how many the store gives at once. */
const LOOKED_MAX = 5_000;
const CHUNK = 100;

export interface Search {
  readonly key: InboxKey;
  /** undefined = all of them. */
  readonly query: Query | undefined;
  readonly signing: InboxSigning;
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly limit: number;
  readonly nowMs: Ms;
}

export interface Found {
  readonly items: StoredCapture[];
  /** The number to go on from; undefined = nothing is left to look at. */
  readonly next: number | undefined;
}

/** A page of what fits. What it looks at is bounded; the loop is left between chunks. */
export async function search(captures: CaptureStore, ask: Search): Promise<Found> {
  const { key, query, limit, nowMs } = ask;
  const fits = query ? fitting(query, ask.signing, nowMs) : undefined;
  const oldestFirst = ask.after !== undefined;
  const items: StoredCapture[] = [];
  let { before, after } = ask;
  for (let looked = 0; looked < LOOKED_MAX; ) {
    const page = await captures.list({
      ...key,
      ...(oldestFirst ? { after } : { before }),
      limit: query ? CHUNK : limit,
      bodyBytesMax: SEARCHED_BYTES_MAX,
    });
    for (const item of page.items) {
      looked += 1;
      if (oldestFirst) after = item.seq;
      else before = item.seq;
      if (fits && !(await fits(item))) continue;
      items.push(item);
      if (items.length === limit) return { items, next: item.seq };
    }
    if (page.next === undefined) return { items, next: oldestFirst ? after : undefined };
  }
  return { items, next: oldestFirst ? after : before };
}

/** What costs more than a look is found out for queries that ask for it. */
function fitting(
  query: Query,
  signing: InboxSigning,
  nowMs: Ms,
): (capture: StoredCapture) => Promise<boolean> | boolean {
  const bySender = asksFor(query, 'sender');
  const subjectFor = (capture: StoredCapture, signed?: string) =>
    subjectOf(capture, { signed, sender: bySender ? senderOf(capture).sender : undefined });
  if (!asksFor(query, 'signed')) {
    return (capture) => matchesQuery(query, subjectFor(capture), nowMs);
  }
  return async (capture) => {
    const { state } = await signatureOf(capture, signing);
    return matchesQuery(query, subjectFor(capture, state), nowMs);
  };
}

function subjectOf(
  capture: StoredCapture,
  facts: { readonly signed: string | undefined; readonly sender: string | undefined },
): Subject {
  const { method, target, pathAt, head, body } = capture;
  return new Subject({
    method,
    path: target.slice(pathAt),
    headers: decodeHead(head),
    body,
    facts: {
      ...facts,
      type: capture.type,
      id: capture.id,
      message: capture.messageId,
      status: capture.status,
      by: capture.answeredBy,
      error: capture.error,
      note: capture.note,
      bookmarked: capture.bookmarked,
      truncated: capture.truncated,
      created: capture.receivedAt,
      size: capture.bodyBytes,
      ip: capture.remoteAddress,
      seq: capture.seq,
    },
  });
}

/** What a listener's filter sees of a capture that is about to be carried. */
export function carriedSubject(capture: Carried): Subject {
  const { method, path, headers, body } = capture;
  return new Subject({
    ...{ method, path, headers, body },
    facts: {
      id: capture.id,
      created: capture.receivedAt,
      size: capture.bodyBytes,
      ip: capture.remoteAddress,
      seq: capture.seq,
    },
  });
}
