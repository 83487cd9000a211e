import type { Ms, Slot } from '../../core/model.ts';
import { Batches } from '../batches.ts';
import type {
  Ack,
  Attach,
  Attached,
  Attachment,
  InboxCounts,
  InboxKey,
  Listener,
  ListenerKey,
  ListenerStore,
  ListenFrom,
} from '../inbox.ts';
import { ListenerBook, type ListenerRow, type ListenerRows } from '../listener-book.ts';
import type { HeldAttachment } from '../listener-state.ts';
import { texts } from './arrays.ts';
import type { Querying } from './database.ts';
import { countsOf, firstSince, keyArrays } from './inbox-rows.ts';
import type { InboxConnections } from './open-inbox.ts';

const BATCH_ACKS_MAX = 200;

interface StateRow {
  readonly slot: Slot;
  readonly inbox: string;
  readonly state: string;
}

/** What a row keeps, as JSON. */
interface Kept {
  readonly listeners: readonly ListenerRow[];
  readonly attachments: readonly HeldAttachment[];
}

/**
 * Who listens, for all nodes: everything of an inbox is one row, read and written under its lock, so
 * that the rules are those of the other engines (listener-book.ts).
 */
export class PgListeners implements ListenerStore {
  readonly #db: InboxConnections;
  readonly #acks: Batches<{ readonly ack: Ack; readonly now: Ms }, boolean>;
  /** Made here; they end when the store is closed. */
  readonly #own = new Map<string, ListenerKey>();

  constructor(db: InboxConnections) {
    this.#db = db;
    this.#acks = new Batches<{ ack: Ack; now: Ms }, boolean>({
      store: (batch) => this.#ackAll(batch),
      bytesOf: ({ ack }) => 100 + 8 * ack.done.length,
      batchCountMax: BATCH_ACKS_MAX,
      batchBytesMax: 1_048_576,
      now: () => performance.now(),
    });
  }

  async attach(request: Attach, ttlMs: Ms, now: Ms): Promise<Attached> {
    const { from } = request;
    const attached = await this.#change(request, { make: true, from }, (book) =>
      book.attach(request, ttlMs, now),
    );
    if (attached.kind === 'attached') this.#own.set(request.attachment, request);
    return attached;
  }

  renew(attachments: readonly string[], ttlMs: Ms, now: Ms): Promise<string[]> {
    return this.#db.progress.transaction(async (tx) => {
      const rows = await tx.all<StateRow>(
        `select slot, inbox, state from listening where attachments && $1::text[]
         order by slot, inbox for update`,
        texts(attachments),
      );
      const lost = new Set(attachments);
      for (const row of rows) {
        const state = new State(row);
        const mine = attachments.filter((id) => state.attachment(id) !== undefined);
        const gone = new Set(new ListenerBook(state).renew(mine, ttlMs, now));
        for (const id of mine) if (!gone.has(id)) lost.delete(id);
        await state.write(tx);
      }
      for (const id of lost) this.#own.delete(id);
      return attachments.filter((id) => lost.has(id));
    });
  }

  async detach(key: ListenerKey, attachment: string, now: Ms): Promise<void> {
    await this.#change(key, {}, (book) => book.detach(key, attachment, now));
    this.#own.delete(attachment);
  }

  async ack(acks: readonly Ack[], now: Ms): Promise<boolean[]> {
    return Promise.all(acks.map((ack) => this.#acks.add({ ack, now })));
  }

  #ackAll(batch: readonly { readonly ack: Ack; readonly now: Ms }[]): Promise<boolean[]> {
    return this.#db.progress.transaction(async (tx) => {
      const states = await lockStates(
        tx,
        batch.map(({ ack }) => ack),
      );
      const held = batch.map(({ ack, now }) => {
        const state = states.get(ack.inbox);
        const [mine = false] = state ? new ListenerBook(state).ack([ack], now) : [];
        return mine;
      });
      for (const state of states.values()) await state.write(tx);
      return held;
    });
  }

  async claim(key: ListenerKey, attachment: string, limit: number): Promise<number[]> {
    return this.#change(key, {}, (book) => book.claim(key, attachment, limit));
  }

  async list(key: InboxKey, now: Ms): Promise<Listener[]> {
    const [state] = await this.#look([key]);
    return state ? new ListenerBook(state).list(key, now) : [];
  }

  async responders(keys: readonly InboxKey[], now: Ms): Promise<(Attachment | undefined)[]> {
    const states = await this.#look(keys);
    return keys.map((key, i) => {
      const state = states[i];
      return state && new ListenerBook(state).responder(key, now);
    });
  }

  seek(key: ListenerKey, from: ListenFrom): Promise<boolean> {
    return this.#change(key, { from }, (book) => book.seek(key, from));
  }

  remove(key: ListenerKey): Promise<boolean> {
    return this.#change(key, {}, (book) => book.remove(key));
  }

  /** Whoever listened through this process does no longer. */
  async leave(): Promise<void> {
    for (const [attachment, key] of this.#own) {
      await this.#change(key, {}, (_book, state) => state.deleteAttachment(attachment));
    }
    this.#own.clear();
  }

  #change<T>(
    key: InboxKey,
    { make = false, from }: { make?: boolean; from?: ListenFrom },
    body: (book: ListenerBook, state: State) => T,
  ): Promise<T> {
    return this.#db.progress.transaction(async (tx) => {
      let state = (await lockStates(tx, [key])).get(key.inbox);
      if (!state && make) {
        await tx.run(
          `insert into listening (slot, inbox, state) values ($1, $2, $3) on conflict do nothing`,
          key.slot,
          key.inbox,
          EMPTY,
        );
        state = (await lockStates(tx, [key])).get(key.inbox);
      }
      // Who never listened has nothing to change.
      const found = state ?? new State({ slot: key.slot, inbox: key.inbox, state: EMPTY });
      const [counts] = await countsOf(tx, [key]);
      const first = from?.kind === 'since' ? await firstSince(tx, key, from.at) : undefined;
      found.knows(counts as InboxCounts, first);
      const result = body(new ListenerBook(found), found);
      if (state) await state.write(tx);
      return result;
    });
  }

  async #look(keys: readonly InboxKey[]): Promise<(State | undefined)[]> {
    const rows = await this.#db.progress.all<StateRow>(
      `select l.slot, l.inbox, l.state from unnest($1::smallint[], $2::text[]) u(slot, inbox)
       join listening l on l.slot = u.slot and l.inbox = u.inbox`,
      ...keyArrays(keys),
    );
    return keys.map(({ inbox }) => {
      const row = rows.find((one) => one.inbox === inbox);
      return row && new State(row);
    });
  }
}

const EMPTY = keptState([]);

/** A row's state where nobody is attached. */
export function keptState(listeners: readonly ListenerRow[]): string {
  return JSON.stringify({ listeners, attachments: [] } satisfies Kept);
}

async function lockStates(tx: Querying, keys: readonly InboxKey[]): Promise<Map<string, State>> {
  const rows = await tx.all<StateRow>(
    `select slot, inbox, state from listening
     where (slot, inbox) in (select * from unnest($1::smallint[], $2::text[]))
     order by slot, inbox for update`,
    ...keyArrays(keys),
  );
  return new Map(rows.map((row) => [row.inbox, new State(row)]));
}

/** One row, read and open to the rules. */
class State implements ListenerRows {
  readonly #key: Pick<StateRow, 'slot' | 'inbox'>;
  readonly #listeners: Map<string, ListenerRow>;
  readonly #attachments: Map<string, HeldAttachment>;
  #changed = false;
  #counts: InboxCounts = { head: 0, oldest: 1, captures: 0, bytes: 0 };
  #first: number | undefined;

  constructor({ slot, inbox, state }: StateRow) {
    const { listeners, attachments } = JSON.parse(state) as Kept;
    this.#key = { slot, inbox };
    this.#listeners = new Map(listeners.map((row) => [row.name, row]));
    this.#attachments = new Map(attachments.map((held) => [held.attachment, held]));
  }

  knows(counts: InboxCounts, first: number | undefined): void {
    this.#counts = counts;
    this.#first = first;
  }

  listeners(): ListenerRow[] {
    return [...this.#listeners.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  putListener(_key: InboxKey, row: ListenerRow): void {
    this.#listeners.set(row.name, row);
    this.#changed = true;
  }
  deleteListener(_key: InboxKey, name: string): void {
    this.#changed = this.#listeners.delete(name) || this.#changed;
  }
  attachments(): HeldAttachment[] {
    return [...this.#attachments.values()];
  }
  attachment(id: string): { key: InboxKey; held: HeldAttachment } | undefined {
    const held = this.#attachments.get(id);
    return held && { key: this.#key as InboxKey, held };
  }
  putAttachment(_key: InboxKey, held: HeldAttachment): void {
    this.#attachments.set(held.attachment, held);
    this.#changed = true;
  }
  deleteAttachment(id: string): void {
    this.#changed = this.#attachments.delete(id) || this.#changed;
  }
  counts(): InboxCounts {
    return this.#counts;
  }
  firstSince(): number | undefined {
    return this.#first;
  }

  async write(tx: Querying): Promise<void> {
    if (!this.#changed) return;
    const kept: Kept = { listeners: this.listeners(), attachments: this.attachments() };
    const ids = texts([...this.#attachments.keys()]);
    // Left alone where it is the same: then the row is updated without touching an index.
    await tx.run(
      `update listening set state = $3,
         attachments = case when attachments = $4::text[] then attachments else $4::text[] end
       where slot = $1 and inbox = $2`,
      this.#key.slot,
      this.#key.inbox,
      JSON.stringify(kept),
      ids,
    );
  }
}
