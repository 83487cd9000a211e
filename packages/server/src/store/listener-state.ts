import type { Ms } from '../core/model.ts';
import type { Ack, Attach, Attachment, InboxCounts, ListenFrom } from './inbox.ts';

/**
 * The rules of listeners as pure functions, so that every engine has the same ones: who may hold a
 * listener, where its cursor stands, and who gets which capture of a shared one. Engines only keep
 * what stands here.
 */
export interface Cursor {
  /** Everything up to it is done. */
  readonly acked: number;
  /** Done beyond `acked`, ascending. */
  readonly done: readonly number[];
}

/** What is kept of what it has not done. */
export function backlogOf({ acked, done }: Cursor, { head, captures }: InboxCounts): number {
  return Math.max(0, Math.min(head - acked, captures) - done.length);
}

/** How far the quickest attachment of a shared listener may run ahead of the slowest. */
export const SHARE_AHEAD_MAX = 4096;

export interface HeldAttachment extends Attachment {
  readonly until: Ms;
  /** Of a shared listener: given to this attachment and not yet done. */
  readonly claims: readonly number[];
}

export type Admission =
  | { readonly kind: 'held'; readonly by: HeldAttachment }
  | { readonly kind: 'admitted'; readonly replaced: readonly HeldAttachment[] };

/** May it attach beside `attachments`, which are all that live on the inbox? */
export function admit(request: Attach, attachments: readonly HeldAttachment[]): Admission {
  const inTheWay = attachments.filter(
    (attachment) =>
      attachment.attachment !== request.attachment &&
      (request.mode === 'exclusive' ||
        attachment.mode === 'exclusive' ||
        (attachment.listener === request.name &&
          !(request.mode === 'share' && attachment.mode === 'share'))),
  );
  const foreign = inTheWay.find((attachment) => attachment.owner !== request.owner);
  if (foreign && !request.takeOver) return { kind: 'held', by: foreign };
  return { kind: 'admitted', replaced: inTheWay };
}

/** A cursor behind everything that is there. */
export function cursorAt(seq: number): Cursor {
  return { acked: seq, done: [] };
}

/**
 * The cursor where `from` says. `found` is the first number received at or after `since`, for that
 * kind of `from`; a listener that is new starts behind all that is there.
 */
export function startFrom(
  from: ListenFrom,
  at: { cursor: Cursor | undefined; counts: InboxCounts; found: number | undefined },
): Cursor {
  const { cursor, counts } = at;
  switch (from.kind) {
    case 'acked':
      return cursor ?? cursorAt(counts.head);
    case 'now':
      return cursorAt(counts.head);
    case 'start':
      return cursorAt(counts.oldest - 1);
    case 'after':
      return cursorAt(Math.min(from.seq, counts.head));
    case 'since':
      return cursorAt((at.found ?? counts.head + 1) - 1);
  }
}

/** What was dropped unseen is stated once, and the cursor goes past it. */
export function skipGap(
  cursor: Cursor,
  counts: InboxCounts,
): { cursor: Cursor; gap: { from: number; to: number } | undefined } {
  if (cursor.acked + 1 >= counts.oldest) return { cursor, gap: undefined };
  const gap = { from: cursor.acked + 1, to: counts.oldest - 1 };
  return { cursor: advance({ ...cursor, acked: gap.to }), gap };
}

/** Numbers that follow `acked` without a hole join it. */
function advance({ acked, done }: Cursor): Cursor {
  const rest = [...new Set(done)].filter((seq) => seq > acked).sort((a, b) => a - b);
  let upTo = acked;
  while (rest[0] === upTo + 1) upTo = rest.shift() as number;
  return { acked: upTo, done: rest };
}

/** After an acknowledgement of an attachment that still holds. */
export function acknowledge(
  cursor: Cursor,
  ack: Pick<Ack, 'acked' | 'done'>,
  shared: boolean,
): Cursor {
  if (shared) return advance({ acked: cursor.acked, done: [...cursor.done, ...ack.done] });
  return advance({ acked: Math.max(cursor.acked, ack.acked), done: ack.done });
}

/** The numbers a shared attachment gets: first those that a lost attachment leaves, then new ones. */
export function give(
  cursor: Cursor,
  at: { attachments: readonly HeldAttachment[]; counts: InboxCounts; limit: number },
): number[] {
  const taken = new Set([
    ...cursor.done,
    ...at.attachments.flatMap((attachment) => attachment.claims),
  ]);
  const given: number[] = [];
  const first = Math.max(cursor.acked + 1, at.counts.oldest);
  const last = Math.min(at.counts.head, cursor.acked + SHARE_AHEAD_MAX);
  for (let seq = first; seq <= last && given.length < at.limit; seq++) {
    if (!taken.has(seq)) given.push(seq);
  }
  return given;
}

export function publicAttachment(held: HeldAttachment): Attachment {
  const { until: _, claims: __, ...attachment } = held;
  return attachment;
}
