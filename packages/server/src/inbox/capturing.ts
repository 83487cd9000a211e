import type { At } from '../core/crash-sites.ts';
import { AppError } from '../core/errors.ts';
import type { Answer, Reply } from '../core/inbox.ts';
import type { Ms } from '../core/model.ts';
import { Batches } from '../store/batches.ts';
import type { Captured, CaptureStore, InboxKey, InboxStore, NewCapture } from '../store/inbox.ts';
import { StoreError } from '../store/store.ts';
import { type Decision, decide } from './decide.ts';
import { encodeHead, holdsSecret } from './head.ts';
import type { LiveAnswer } from './live-answer.ts';
import { recogniseRequest } from './recognition.ts';
import type { Who } from './relay.ts';
import { Subject } from './subject.ts';
import { parseTemplate, renderTemplate } from './template.ts';
import type { PlacedInbox } from './view.ts';

/** A request to an inbox, read to its end. */
export interface Incoming {
  readonly method: string;
  /** As the first line had it. */
  readonly target: string;
  /** Where in it the path below the inbox begins. */
  readonly pathAt: number;
  /** Flat list of names and values, as they came. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** True size; more than `body` has = it was too large, and only its beginning is kept. */
  readonly bodyBytes: number;
  readonly remoteAddress: string;
}

/** A request that is on the disk, and how it is to be answered. */
export interface Kept extends Captured {
  readonly answer: Answer;
  readonly answeredBy: string;
  /** Set when a listener may still answer. */
  readonly live: LiveAnswer | undefined;
  /** The body of an answer: templates with the request's parts in them. */
  readonly bodyOf: (reply: Reply) => Uint8Array;
}

export interface CapturingOptions {
  readonly store: CaptureStore;
  /** The parts of a divided store: each has batches and a share of the queue of its own. */
  readonly shards: InboxStore['shards'];
  readonly rules: InboxStore['rules'];
  readonly now: () => Ms;
  readonly random: () => number;
  /** Captures and bytes that may wait for their commit; beyond, senders are told to come again. */
  readonly queueCountMax: number;
  readonly queueBytesMax: number;
  /**
   * Told of each capture once it is durable, in the order of an inbox's numbers; gives the answer of a
   * listener if one will come.
   */
  readonly kept: (capture: NewCapture, kept: Kept) => LiveAnswer | undefined;
  /** Where somebody listens who answers senders; a promise only where there are other nodes. */
  readonly answers: (inbox: InboxKey) => Who | Promise<Who>;
  readonly at: At;
}

const BATCH_CAPTURES_MAX = 256;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;

interface Item {
  readonly capture: NewCapture;
  readonly decision: Decision;
  readonly subject: Subject;
  readonly secret: string | undefined;
}

/** The path of every request to an inbox: decided, stored, flushed; only then anybody hears of it. */
export class Capturing {
  readonly #options: CapturingOptions;
  /** Of each part of the store, with an equal share of the queue. */
  readonly #batches: readonly Batches<Item, Kept>[];
  #closed = false;

  constructor(options: CapturingOptions) {
    this.#options = options;
    const make = () =>
      new Batches<Item, Kept>({
        store: (batch) => this.#store(batch),
        bytesOf: ({ capture }) => capture.body.length + capture.head.length,
        batchCountMax: BATCH_CAPTURES_MAX,
        batchBytesMax: BATCH_BYTES_MAX,
        now: options.now,
      });
    this.#batches = Array.from({ length: options.shards?.count ?? 1 }, make);
  }

  /**
   * Resolves once the request is on the disk. Rejects with `AppError`: `overloaded`, `disk_full`,
   * `store_unavailable`, `shutting_down`; then it was not kept, and the sender must come again.
   */
  async capture(inbox: PlacedInbox, incoming: Incoming): Promise<Kept> {
    const { queueCountMax, queueBytesMax, shards, at } = this.#options;
    if (this.#closed) throw new AppError('shutting_down', 'Shutting down: send it again shortly.');
    const batches = this.#batches[shards?.of(inbox.slot) ?? 0] as Batches<Item, Kept>;
    const { count, bytes } = batches;
    const share = (max: number) => max / this.#batches.length;
    const tooMany = count >= share(queueCountMax);
    if (tooMany || (count > 0 && bytes + incoming.body.length > share(queueBytesMax))) {
      const message = 'Requests arrive faster than they can be kept: send it again shortly.';
      throw new AppError('overloaded', message, { retryAfterS: 1 });
    }
    at('inbox:received');
    try {
      const item = this.#item(inbox, incoming);
      return await batches.add(item instanceof Promise ? await item : item);
    } catch (error) {
      throw captureError(error);
    }
  }

  get queued(): number {
    return this.#batches.reduce((sum, { count }) => sum + count, 0);
  }

  /** Refuses what comes from now on; resolves once what was taken in is answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#batches.map((batches) => batches.empty()));
  }

  #item(inbox: PlacedInbox, incoming: Incoming): Item | Promise<Item> {
    const { now, random, rules } = this.#options;
    const subject = subjectOf(incoming);
    const tooLarge = incoming.bodyBytes > incoming.body.length;
    const key = { slot: inbox.slot, inbox: inbox.id };
    const count = rules && ((rule: string) => rules.fitted(key, rule, inbox.updatedAt));
    const decided = decide(inbox, { subject, tooLarge, nowMs: now(), random, count });
    const place = (decision: Decision) => this.#placed(inbox, incoming, { subject, decision });
    return decided instanceof Promise ? decided.then(place) : place(decided);
  }

  #placed(
    inbox: PlacedInbox,
    incoming: Incoming,
    { subject, decision }: { subject: Subject; decision: Decision },
  ): Item | Promise<Item> {
    const { answer } = decision;
    if (answer.kind === 'reply') return this.#itemOf(inbox, incoming, { subject, decision });
    const place = (who: Who): Item => {
      if (who !== 'nowhere') {
        return this.#itemOf(inbox, incoming, { subject, decision, waits: who === 'elsewhere' });
      }
      // Nobody is there to answer live: then it is known at once what will be said instead.
      const fallback = { kind: 'reply', ...answer.fallback } as const;
      const said = { ...decision, by: 'fallback', answer: fallback };
      return this.#itemOf(inbox, incoming, { subject, decision: said });
    };
    const who = this.#options.answers({ slot: inbox.slot, inbox: inbox.id });
    return who instanceof Promise ? who.then(place) : place(who);
  }

  #itemOf(
    inbox: PlacedInbox,
    incoming: Incoming,
    of: { subject: Subject; decision: Decision; waits?: boolean },
  ): Item {
    const { now } = this.#options;
    const { subject, decision, waits = false } = of;
    const { by, answer } = decision;
    const recognised = recogniseRequest(incoming.headers, incoming.body, subject);
    const { method, target, pathAt, headers, body, bodyBytes, remoteAddress } = incoming;
    const capture: NewCapture = {
      slot: inbox.slot,
      inbox: inbox.id,
      tenant: inbox.tenant,
      receivedAt: now(),
      method,
      target,
      pathAt,
      body,
      bodyBytes,
      remoteAddress,
      head: encodeHead(headers),
      secretHead: holdsSecret(headers),
      type: recognised.type,
      messageId: recognised.id,
      answeredBy: by,
      status: answer.kind === 'reply' ? answer.status : undefined,
      keep: inbox.keep,
      ...(waits && { waits }),
    };
    return { capture, decision, subject, secret: inbox.signing.secrets[0] };
  }

  async #store(batch: readonly Item[]): Promise<Kept[]> {
    const { store, now, kept, at } = this.#options;
    const captured = await store.capture(
      batch.map(({ capture }) => capture),
      now(),
    );
    at('inbox:kept');
    return batch.map((item, i) => {
      const { capture, decision } = item;
      const done = {
        ...(captured[i] as Captured),
        answer: decision.answer,
        answeredBy: capture.answeredBy,
        live: undefined,
        bodyOf: (reply: Reply) => this.#bodyOf(item, reply, (captured[i] as Captured).id),
      };
      const live = kept(capture, done);
      return live ? { ...done, live } : done;
    });
  }

  #bodyOf({ decision, subject, secret }: Item, { body }: Reply, captureId: string): Uint8Array {
    if (decision.literal || !body.includes('{{')) return Buffer.from(body);
    const input = { subject, secret, nowMs: this.#options.now(), captureId };
    return Buffer.from(renderTemplate(parseTemplate(body), input));
  }
}

function subjectOf({ method, target, pathAt, headers, body }: Incoming): Subject {
  return new Subject({ method, path: target.slice(pathAt), headers, body });
}

function captureError(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  if (error.kind === 'full') {
    const message = 'The disk is full; the request was not kept. Free space, then send it again.';
    return new AppError('disk_full', message, { cause: error, retryAfterS: 30 });
  }
  const message = 'The store did not answer; the request was not kept. Send it again.';
  return new AppError('store_unavailable', message, { cause: error, retryAfterS: 1 });
}
