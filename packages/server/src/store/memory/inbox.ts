import type { CaptureId, Keep } from '../../core/inbox.ts';
import type { Ms } from '../../core/model.ts';
import { captureId } from '../capture-id.ts';
import {
  type Captured,
  type CaptureKey,
  type CaptureQuery,
  type CaptureStore,
  EXCHANGES_MAX,
  type Exchange,
  type InboxCounts,
  type InboxKey,
  type InboxStore,
  type ListenerStore,
  type NewCapture,
  type NewExchange,
  PAGE_BODY_BYTES,
  type StoredCapture,
} from '../inbox.ts';
import { ListenerBook, type ListenerRow, type ListenerRows } from '../listener-book.ts';
import type { HeldAttachment } from '../listener-state.ts';
import type { Page } from '../store.ts';

/** The inbox store as plain maps: what the other engines must be equal to. */
export function createMemoryInbox(): InboxStore {
  const model = new MemoryInbox();
  return {
    captures: capturesOf(model),
    listeners: listenersOf(new ListenerBook(model.listenerRows())),
    maintain: async (_chunk, now) => model.maintain(now),
    close: async () => {},
  };
}

const PIECE_BYTES = 1000;

function capturesOf(model: MemoryInbox): CaptureStore {
  return {
    capture: async (batch) => batch.map((capture) => model.capture(capture)),
    list: async (query) => model.list(query),
    read: async (key, bodyBytesMax) => {
      const kept = model.find(key);
      return kept && view(kept, bodyBytesMax);
    },
    body: async (key, offset) =>
      model.find(key)?.body.slice(offset, offset + PIECE_BYTES) ?? new Uint8Array(),
    record: async (exchanges) => {
      for (const exchange of exchanges) model.record(exchange);
    },
    exchanges: async (key) => model.find(key)?.exchanges.map((one) => ({ ...one })) ?? [],
    mark: async (key, mark) => {
      const kept = model.find(key);
      if (kept) kept.row = { ...kept.row, ...mark };
      return kept !== undefined;
    },
    remove: async (key, seqs) => seqs.filter((seq) => model.remove({ ...key, seq })).length,
    keep: async (key, keep) => model.keep(key, keep),
    counts: async (keys) => keys.map((key) => model.counts(key)),
    answered: async (key) => {
      const counts = new Map<string, number>();
      for (const { row } of model.of(key).kept.values()) {
        counts.set(row.answeredBy, (counts.get(row.answeredBy) ?? 0) + 1);
      }
      return counts;
    },
    sameMessage: async (key, messageId, limit) => model.sameMessage(key, messageId, limit),
  };
}

export function listenersOf(book: ListenerBook): ListenerStore {
  return {
    attach: async (request, ttlMs, now) => book.attach(request, ttlMs, now),
    renew: async (attachments, ttlMs, now) => book.renew(attachments, ttlMs, now),
    detach: async (key, attachment, now) => book.detach(key, attachment, now),
    ack: async (acks, now) => book.ack(acks, now),
    claim: async (key, attachment, limit) => book.claim(key, attachment, limit),
    list: async (key, now) => book.list(key, now),
    responders: async (keys, now) => keys.map((key) => book.responder(key, now)),
    seek: async (key, from) => book.seek(key, from),
    remove: async (key) => book.remove(key),
  };
}

interface Kept {
  row: Omit<StoredCapture, 'body'>;
  readonly bytes: number;
  readonly body: Uint8Array;
  readonly exchanges: Exchange[];
}

interface Log {
  readonly number: number;
  head: number;
  keep: Keep | null;
  /** In the order of their numbers. */
  readonly kept: Map<number, Kept>;
  readonly listeners: Map<string, ListenerRow>;
}

class MemoryInbox {
  readonly #logs = new Map<string, Log>();
  readonly #attachments = new Map<string, { key: InboxKey; held: HeldAttachment }>();

  of(key: InboxKey): Log {
    const known = this.#logs.get(key.inbox);
    if (known) return known;
    const keep = { captures: Infinity, ageMs: Infinity, bytes: Infinity };
    const number = this.#logs.size + 1;
    const log = { number, head: 0, keep, kept: new Map(), listeners: new Map() };
    this.#logs.set(key.inbox, log);
    return log;
  }

  find(key: CaptureKey): Kept | undefined {
    return this.of(key).kept.get(key.seq);
  }

  capture(capture: NewCapture): Captured {
    const { slot, inbox, receivedAt, method, target, pathAt, remoteAddress, bodyBytes } = capture;
    const { type, messageId, answeredBy, status } = capture;
    const log = this.of(capture);
    log.head += 1;
    log.keep = capture.keep;
    const seq = log.head;
    const id = captureId({ receivedAt, slot, number: log.number, seq });
    const row = {
      ...{ id, seq, slot, inbox, receivedAt, method, target, pathAt, remoteAddress, bodyBytes },
      ...{ type, messageId, answeredBy, status },
      head: Uint8Array.from(capture.head),
      truncated: capture.body.length < bodyBytes,
      note: '',
      bookmarked: false,
      durationMs: undefined,
      error: undefined,
      exchanges: 0,
    };
    const bytes = capture.head.length + capture.body.length;
    log.kept.set(seq, { row, bytes, body: Uint8Array.from(capture.body), exchanges: [] });
    return { id, seq, dropped: this.#drop(log) };
  }

  #drop(log: Log): number {
    let dropped = 0;
    const { keep, kept } = log;
    const bytes = () => [...kept.values()].reduce((sum, one) => sum + one.bytes, 0);
    while (keep && kept.size > 1 && (kept.size > keep.captures || bytes() > keep.bytes)) {
      for (const seq of kept.keys()) {
        kept.delete(seq);
        dropped += 1;
        break;
      }
    }
    return dropped;
  }

  list(query: CaptureQuery): Page<StoredCapture> {
    const { before, after, limit, bodyBytesMax } = query;
    const all = [...this.of(query).kept.values()].filter(
      ({ row }) => row.seq < (before ?? Infinity) && row.seq > (after ?? 0),
    );
    if (after === undefined) all.reverse();
    const items: StoredCapture[] = [];
    let bytes = 0;
    for (const kept of all) {
      if (items.length === limit || (items.length > 0 && bytes > PAGE_BODY_BYTES)) break;
      const item = view(kept, bodyBytesMax);
      bytes += item.body?.length ?? 0;
      items.push(item);
    }
    const next = items.length < all.length ? String(items.at(-1)?.seq) : undefined;
    return { items, next };
  }

  record(exchange: NewExchange): void {
    const kept = this.find(exchange);
    if (!kept) return;
    const { slot: _, inbox: __, seq: ___, secretHeads: ____, ...rest } = exchange;
    kept.exchanges.push(rest);
    if (kept.exchanges.length > EXCHANGES_MAX) kept.exchanges.shift();
    const { status, durationMs, error } = exchange;
    kept.row = { ...kept.row, status, durationMs, error, exchanges: kept.exchanges.length };
  }

  remove(key: CaptureKey): boolean {
    return this.of(key).kept.delete(key.seq);
  }

  keep(key: InboxKey, keep: Keep | null): void {
    const log = this.of(key);
    log.keep = keep;
    if (keep) this.#drop(log);
  }

  counts(key: InboxKey): InboxCounts {
    const { head, kept } = this.of(key);
    const bytes = [...kept.values()].reduce((sum, one) => sum + one.bytes, 0);
    const [oldest = head + 1] = kept.keys();
    return { head, oldest, captures: kept.size, bytes };
  }

  sameMessage(key: InboxKey, messageId: string, limit: number): CaptureId[] {
    return [...this.of(key).kept.values()]
      .filter(({ row }) => row.messageId === messageId)
      .slice(0, limit)
      .map(({ row }) => row.id);
  }

  maintain(now: Ms): boolean {
    for (const [inbox, log] of this.#logs) {
      if (!log.keep) {
        this.#logs.delete(inbox);
        for (const [id, { key }] of this.#attachments) {
          if (key.inbox === inbox) this.#attachments.delete(id);
        }
        continue;
      }
      for (const [seq, { row }] of log.kept) {
        if (row.receivedAt < now - log.keep.ageMs) log.kept.delete(seq);
      }
    }
    return false;
  }

  listenerRows(): ListenerRows {
    const attachments = this.#attachments;
    return {
      listeners: (key) => {
        const rows = [...this.of(key).listeners.values()];
        return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
      },
      putListener: (key, row) => this.of(key).listeners.set(row.name, row),
      deleteListener: (key, name) => this.of(key).listeners.delete(name),
      attachments: (key) =>
        [...attachments.values()]
          .filter((one) => one.key.inbox === key.inbox)
          .map((one) => one.held),
      attachment: (id) => attachments.get(id),
      putAttachment: ({ slot, inbox }, held) =>
        attachments.set(held.attachment, { key: { slot, inbox }, held }),
      deleteAttachment: (id) => attachments.delete(id),
      counts: (key) => this.counts(key),
      firstSince: (key, at) =>
        [...this.of(key).kept.values()].find(({ row }) => row.receivedAt >= at)?.row.seq,
    };
  }
}

function view({ row, body }: Kept, bodyBytesMax: number): StoredCapture {
  return { ...row, body: body.length <= bodyBytesMax ? Uint8Array.from(body) : undefined };
}
