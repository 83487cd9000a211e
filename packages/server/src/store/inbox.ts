import type { CaptureId, InboxId, Keep } from '../core/inbox.ts';
import type { Ms, Slot, TenantId } from '../core/model.ts';
import type { Page } from './store.ts';

/**
 * The fourth port: what inboxes captured, and how far each listener has come. The rules of the others
 * hold: time is an argument, failures reject with `StoreError`. `capture` is durable when resolved;
 * everything else is ordered before whatever is asked next. Every engine passes `inbox.suite.ts`.
 *
 * Captures of an inbox are numbered from 1 in the order they are committed, on whatever node they
 * came in. A listener is a name with a cursor on that row of numbers.
 */
export interface InboxStore {
  readonly captures: CaptureStore;
  readonly listeners: ListenerStore;
  /** Where several nodes share the store: answers of listeners on one to senders who wait on another. */
  readonly answers?: AnswerStore;
  /** Where several nodes share the store: what rules count, over all of them. */
  readonly rules?: RuleCounts;
  /** The parts of a divided store: a batch of captures is stored whole or not in each of them. */
  readonly shards?: { readonly count: number; of(slot: Slot): number };
  /** One bounded step of housekeeping; true = there is more to do. */
  maintain(chunk: number, now: Ms): Promise<boolean>;
  close(): Promise<void>;
}

export interface RuleCounts {
  /** One more request that fits the rule, and how many there were since `since`, the rule's last change. */
  fitted(key: InboxKey, rule: string, since: Ms): Promise<number>;
}

export interface InboxKey {
  readonly slot: Slot;
  readonly inbox: InboxId;
}
export interface CaptureKey extends InboxKey {
  readonly seq: number;
}

// ---- captures ------------------------------------------------------------------------------------

/** A request as it came: what stands here is what is given on, byte for byte. */
export interface CapturedRequest {
  readonly receivedAt: Ms;
  readonly method: string;
  /** The request's target as its first line had it. */
  readonly target: string;
  /** Where in the target the path below the inbox begins. */
  readonly pathAt: number;
  /** Header lines in Latin-1, each with its CRLF: order, case and repeats as they came. */
  readonly head: Uint8Array;
  /** True size; more than was kept = truncated. */
  readonly bodyBytes: number;
  readonly remoteAddress: string;
}

export interface NewCapture extends CapturedRequest, InboxKey {
  readonly tenant: TenantId;
  readonly body: Uint8Array;
  /** The head holds a secret: it is sealed at rest. */
  readonly secretHead: boolean;
  /** Name of the event and the sender's id of it, as far as they could be told. */
  readonly type: string | undefined;
  readonly messageId: string | undefined;
  /** Who answers (`rule:…`, `handshake:slack`, `default`, `live`), and with what if that is known. */
  readonly answeredBy: string;
  readonly status: number | undefined;
  readonly keep: Keep;
  /** Its sender waits on this node for a listener on another. */
  readonly waits?: boolean;
}

export interface Captured {
  readonly id: CaptureId;
  readonly seq: number;
  /** Captures that had to go to make room for it and its batch. */
  readonly dropped: number;
}

export interface StoredCapture extends CapturedRequest, CaptureKey {
  readonly id: CaptureId;
  readonly truncated: boolean;
  readonly type: string | undefined;
  readonly messageId: string | undefined;
  readonly answeredBy: string;
  readonly note: string;
  readonly bookmarked: boolean;
  /** Of the last exchange, or of the answer if there was none. */
  readonly status: number | undefined;
  readonly durationMs: number | undefined;
  readonly error: string | undefined;
  readonly exchanges: number;
  /** undefined = longer than was asked for: read it with `body`. */
  readonly body: Uint8Array | undefined;
}

/** Newest first below `before`, or oldest first above `after`. */
export interface CaptureQuery extends InboxKey {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly limit: number;
  /** Bodies up to this size come along, at most PAGE_BODY_BYTES in all: then the page is short. */
  readonly bodyBytesMax: number;
}
export const PAGE_BODY_BYTES = 1_048_576;

/** Exchanges kept of one capture; beyond, its oldest go. */
export const EXCHANGES_MAX = 100;

export type ExchangeKind = 'live' | 'listener' | 'replay' | 'answer';

/** What was done with a capture after it was stored: one request somewhere, and what came of it. */
export interface Exchange {
  readonly kind: ExchangeKind;
  /** The listener's name, or the URL it was sent to. */
  readonly to: string;
  readonly at: Ms;
  readonly durationMs: number;
  readonly status: number | undefined;
  readonly error: string | undefined;
  /** Only where it differs from the capture: edited or signed anew. */
  readonly requestHead: Uint8Array;
  readonly requestBody: Uint8Array | undefined;
  readonly responseHead: Uint8Array;
  readonly responseBody: Uint8Array;
  readonly responseTruncated: boolean;
}
export interface NewExchange extends Exchange, CaptureKey {
  readonly secretHeads: boolean;
}

export interface InboxCounts {
  /** Number of the newest capture there ever was; 0 = none. */
  readonly head: number;
  /** Of the oldest one kept; `head + 1` = none is. */
  readonly oldest: number;
  readonly captures: number;
  readonly bytes: number;
}

export interface CaptureStore {
  /** Durable when resolved; drops the oldest beyond `keep`. All or nothing. */
  capture(batch: readonly NewCapture[], now: Ms): Promise<Captured[]>;
  list(query: CaptureQuery): Promise<Page<StoredCapture>>;
  read(key: CaptureKey, bodyBytesMax: number): Promise<StoredCapture | undefined>;
  /** A piece of the body, of the store's own size; empty = the end, or it is gone. */
  body(key: CaptureKey, offset: number): Promise<Uint8Array>;
  /** Logged with its capture; of one that is gone nothing is. */
  record(exchanges: readonly NewExchange[]): Promise<void>;
  exchanges(key: CaptureKey): Promise<Exchange[]>;
  /** false = it is gone. */
  mark(key: CaptureKey, mark: { note?: string; bookmarked?: boolean }): Promise<boolean>;
  /** How many there were. At most `limit` numbers at once. */
  remove(key: InboxKey, seqs: readonly number[]): Promise<number>;
  /** Other bounds from now on; null = the inbox is gone, and everything of it goes. */
  keep(key: InboxKey, keep: Keep | null): Promise<void>;
  counts(keys: readonly InboxKey[]): Promise<InboxCounts[]>;
  /** How many kept captures each of `answeredBy` answered. */
  answered(key: InboxKey): Promise<ReadonlyMap<string, number>>;
  /** Kept captures with the sender's id `messageId`, oldest first. */
  sameMessage(key: InboxKey, messageId: string, limit: number): Promise<CaptureId[]>;
}

// ---- listeners -----------------------------------------------------------------------------------

export interface ListenerKey extends InboxKey {
  readonly name: string;
}

/**
 * `fanout`: every listener gets everything, one attachment at a time holds it. `share`: several attachments
 * share one listener, each capture goes to one of them. `exclusive`: nobody else listens at all.
 */
export type ListenMode = 'fanout' | 'share' | 'exclusive';

/** Where a listener starts: where it stopped, behind all that is there, or behind a number or time. */
export type ListenFrom =
  | { readonly kind: 'acked' | 'now' | 'start' }
  | { readonly kind: 'after'; readonly seq: number }
  | { readonly kind: 'since'; readonly at: Ms };

export interface Attach extends ListenerKey {
  readonly attachment: string;
  /** The key or token that it came with: the same one again takes over without asking. */
  readonly owner: string;
  readonly mode: ListenMode;
  readonly from: ListenFrom;
  readonly takeOver: boolean;
  readonly filter: string;
  /** It may answer senders who wait. */
  readonly responder: boolean;
  /** What people see: host name and program. */
  readonly agent: string;
  readonly node: string;
}

export type Attached =
  | {
      readonly kind: 'attached';
      /** Grows with every attachment; what an older one acknowledges counts no more. */
      readonly generation: number;
      /** Everything up to it is done. */
      readonly acked: number;
      /** Done beyond `acked`. */
      readonly done: readonly number[];
      readonly counts: InboxCounts;
      /** Captures that were dropped before this listener saw them. */
      readonly gap: { readonly from: number; readonly to: number } | undefined;
      /** Attachments that hold no longer. */
      readonly replaced: readonly string[];
    }
  | { readonly kind: 'held'; readonly by: Attachment }
  | { readonly kind: 'full'; readonly listenersMax: number };

export interface Attachment {
  readonly attachment: string;
  readonly listener: string;
  readonly generation: number;
  readonly owner: string;
  readonly mode: ListenMode;
  readonly responder: boolean;
  readonly agent: string;
  readonly node: string;
  readonly since: Ms;
}

export interface Ack extends ListenerKey {
  readonly attachment: string;
  readonly generation: number;
  /** Everything up to it is done … */
  readonly acked: number;
  /** … and these beyond it. Of a shared listener: all that this attachment has done. */
  readonly done: readonly number[];
}

export interface Listener extends ListenerKey {
  readonly acked: number;
  readonly done: readonly number[];
  readonly filter: string;
  readonly createdAt: Ms;
  readonly seenAt: Ms;
  readonly attachments: readonly Attachment[];
}

/** Names with a cursor that one inbox may have. */
export const LISTENERS_MAX = 50;

export interface ListenerStore {
  /** Takes the listener, makes it if there is none. An attachment lives for `ttlMs` unless renewed. */
  attach(request: Attach, ttlMs: Ms, now: Ms): Promise<Attached>;
  /** Resolves with those that hold no longer: another took over, or their time had run out. */
  renew(attachments: readonly string[], ttlMs: Ms, now: Ms): Promise<string[]>;
  detach(key: ListenerKey, attachment: string, now: Ms): Promise<void>;
  /** Reaches the disk with the next capture: losing it repeats captures. false = not its own. */
  ack(acks: readonly Ack[], now: Ms): Promise<boolean[]>;
  /** The next numbers of a shared listener, which nobody else gets while the attachment lives. */
  claim(key: ListenerKey, attachment: string, limit: number): Promise<number[]>;
  list(key: InboxKey, now: Ms): Promise<Listener[]>;
  /** Who may answer senders who wait: the longest attached first. */
  responders(keys: readonly InboxKey[], now: Ms): Promise<(Attachment | undefined)[]>;
  /** Moves the cursor of a listener, forwards or back. false = there is none. */
  seek(key: ListenerKey, from: ListenFrom): Promise<boolean>;
  /** false = there was none. Its attachments end. */
  remove(key: ListenerKey): Promise<boolean>;
}

// ---- answers between nodes -----------------------------------------------------------------------

export interface AnswerPart {
  readonly n: number;
  readonly kind: 'head' | 'body' | 'end' | 'cut' | 'declined';
  readonly bytes: Uint8Array;
}
/** Part `n` of the answer to a capture; the first is 0. */
export interface AnswerPlace extends CaptureKey {
  readonly n: number;
}

/**
 * A capture that `waits` is decided once: by the first of a listener's answer, a refusal, and its
 * sender's node giving up. After an answer has begun its parts follow in order.
 */
export interface AnswerStore {
  /** false = too late. */
  begin(key: CaptureKey, head: Uint8Array): Promise<boolean>;
  /** The listener will not answer. false = too late. */
  decline(key: CaptureKey): Promise<boolean>;
  /** `wait`: it is written, but the sender is slow; ask `ahead` before the next. */
  write(
    place: AnswerPlace,
    part: Pick<AnswerPart, 'kind' | 'bytes'>,
    now: Ms,
  ): Promise<'taken' | 'wait' | 'gone'>;
  ahead(key: CaptureKey): Promise<'taken' | 'wait' | 'gone'>;
  /** For each place the parts that are there from `n` on. */
  take(places: readonly AnswerPlace[]): Promise<AnswerPart[][]>;
  /** Everything up to `n` has been passed on. */
  taken(place: AnswerPlace): Promise<void>;
  /** The sender waits no longer. false = an answer has begun, or the listener declined. */
  giveUp(key: CaptureKey): Promise<boolean>;
  /** It is over. */
  forget(key: CaptureKey): Promise<void>;
}
