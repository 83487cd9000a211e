import type { Ms } from '../core/model.ts';
import {
  type Ack,
  type Attach,
  type Attached,
  type Attachment,
  type InboxCounts,
  type InboxKey,
  LISTENERS_MAX,
  type Listener,
  type ListenerKey,
  type ListenFrom,
} from './inbox.ts';
import {
  acknowledge,
  admit,
  type Cursor,
  give,
  type HeldAttachment,
  publicAttachment,
  skipGap,
  startFrom,
} from './listener-state.ts';

export interface ListenerRow extends Cursor {
  readonly name: string;
  readonly filter: string;
  readonly generation: number;
  readonly createdAt: Ms;
  readonly seenAt: Ms;
}

/** Where an engine keeps listeners and their attachments; called inside one transaction. */
export interface ListenerRows {
  /** By name; the order lists show. */
  listeners(key: InboxKey): ListenerRow[];
  putListener(key: InboxKey, row: ListenerRow): void;
  deleteListener(key: InboxKey, name: string): void;
  attachments(key: InboxKey): HeldAttachment[];
  /** Of any inbox. */
  attachment(id: string): { readonly key: InboxKey; readonly held: HeldAttachment } | undefined;
  putAttachment(key: InboxKey, held: HeldAttachment): void;
  deleteAttachment(id: string): void;
  counts(key: InboxKey): InboxCounts;
  /** Number of the first capture received at or after `at`. */
  firstSince(key: InboxKey, at: Ms): number | undefined;
}

/** What the engines of one process do with listeners; the rules are in listener-state.ts. */
export class ListenerBook {
  readonly #rows: ListenerRows;

  constructor(rows: ListenerRows) {
    this.#rows = rows;
  }

  attach(request: Attach, ttlMs: Ms, now: Ms): Attached {
    const rows = this.#rows;
    const admission = admit(request, this.#living(request, now));
    if (admission.kind === 'held') return { kind: 'held', by: publicAttachment(admission.by) };
    const known = this.#find(request);
    if (!known && rows.listeners(request).length >= LISTENERS_MAX) {
      return { kind: 'full', listenersMax: LISTENERS_MAX };
    }
    for (const { attachment } of admission.replaced) rows.deleteAttachment(attachment);
    const counts = rows.counts(request);
    const start = this.#start(request, known, request.from);
    const { cursor, gap } = skipGap(start, counts);
    const { name, filter, attachment, owner, mode, responder, agent, node } = request;
    const generation = (known?.generation ?? 0) + 1;
    const createdAt = known?.createdAt ?? now;
    rows.putListener(request, { name, filter, generation, createdAt, seenAt: now, ...cursor });
    rows.putAttachment(request, {
      ...{ attachment, owner, mode, responder, agent, node, generation },
      listener: name,
      since: now,
      until: now + ttlMs,
      claims: [],
    });
    const replaced = admission.replaced.map((held) => held.attachment);
    return { kind: 'attached', generation, ...cursor, counts, gap, replaced };
  }

  renew(attachments: readonly string[], ttlMs: Ms, now: Ms): string[] {
    return attachments.filter((id) => {
      const found = this.#rows.attachment(id);
      if (!found || found.held.until <= now) return true;
      this.#rows.putAttachment(found.key, { ...found.held, until: now + ttlMs });
      return false;
    });
  }

  detach(key: ListenerKey, attachment: string, now: Ms): void {
    const row = this.#find(key);
    if (row && this.#rows.attachment(attachment)) {
      this.#rows.putListener(key, { ...row, seenAt: now });
      this.#rows.deleteAttachment(attachment);
    }
  }

  ack(acks: readonly Ack[], now: Ms): boolean[] {
    return acks.map((ack) => {
      const row = this.#find(ack);
      const held = this.#rows.attachment(ack.attachment)?.held;
      if (!row || !held || held.generation !== ack.generation) return false;
      const shared = held.mode === 'share';
      this.#rows.putListener(ack, { ...row, ...acknowledge(row, ack, shared), seenAt: now });
      if (shared && held.claims.length > 0) {
        const done = new Set(ack.done);
        const claims = held.claims.filter((seq) => !done.has(seq));
        this.#rows.putAttachment(ack, { ...held, claims });
      }
      return true;
    });
  }

  claim(key: ListenerKey, attachment: string, limit: number): number[] {
    const row = this.#find(key);
    const held = this.#rows.attachment(attachment)?.held;
    if (!row || !held) return [];
    const counts = this.#rows.counts(key);
    const { cursor } = skipGap(row, counts);
    const attachments = this.#rows.attachments(key).filter((other) => other.listener === key.name);
    const given = give(cursor, { attachments, counts, limit });
    if (given.length === 0) return given;
    this.#rows.putListener(key, { ...row, ...cursor });
    this.#rows.putAttachment(key, { ...held, claims: [...held.claims, ...given] });
    return given;
  }

  list(key: InboxKey, now: Ms): Listener[] {
    const attachments = this.#living(key, now);
    return this.#rows.listeners(key).map(({ generation: _, ...row }) => ({
      ...{ slot: key.slot, inbox: key.inbox },
      ...row,
      attachments: attachments
        .filter(({ listener }) => listener === row.name)
        .map(publicAttachment),
    }));
  }

  responder(key: InboxKey, now: Ms): Attachment | undefined {
    const [first] = this.#living(key, now)
      .filter(({ responder }) => responder)
      .sort((a, b) => a.since - b.since || (a.attachment < b.attachment ? -1 : 1));
    return first && publicAttachment(first);
  }

  seek(key: ListenerKey, from: ListenFrom): boolean {
    const row = this.#find(key);
    if (!row) return false;
    this.#rows.putListener(key, { ...row, ...this.#start(key, row, from) });
    return true;
  }

  remove(key: ListenerKey): boolean {
    const found = this.#find(key) !== undefined;
    for (const { attachment, listener } of this.#rows.attachments(key)) {
      if (listener === key.name) this.#rows.deleteAttachment(attachment);
    }
    this.#rows.deleteListener(key, key.name);
    return found;
  }

  #start(key: InboxKey, cursor: Cursor | undefined, from: ListenFrom): Cursor {
    const counts = this.#rows.counts(key);
    const found = from.kind === 'since' ? this.#rows.firstSince(key, from.at) : undefined;
    const { acked, done } = startFrom(from, { cursor, counts, found });
    return { acked, done };
  }

  #find(key: ListenerKey): ListenerRow | undefined {
    return this.#rows.listeners(key).find(({ name }) => name === key.name);
  }

  /** What has run out is forgotten on the way. */
  #living(key: InboxKey, now: Ms): HeldAttachment[] {
    const attachments = this.#rows.attachments(key);
    const living = attachments.filter(({ until }) => until > now);
    for (const held of attachments)
      if (held.until <= now) this.#rows.deleteAttachment(held.attachment);
    return living;
  }
}
