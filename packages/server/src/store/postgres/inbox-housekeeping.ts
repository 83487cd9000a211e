import type { Ms, Slot } from '../../core/model.ts';
import type { Querying } from './database.ts';
import { dropOldest, type InboxRow, subtract } from './inbox-rows.ts';
import type { InboxConnections } from './open-inbox.ts';

/** Inboxes looked at in one step. */
const INBOXES_MAX = 200;
/** An answer that nobody took for so long has nobody who waits for it. */
const ANSWERS_KEPT_MS: Ms = 600_000;

interface Place {
  readonly slot: Slot;
  readonly number: number;
}
const START: Place = { slot: -1, number: 0 };

/**
 * Goes round all inboxes and removes what is too old, too much, or of an inbox that is gone. Several
 * nodes may do it at once: each leaves alone what another has locked.
 */
export class InboxHousekeeping {
  readonly #db: InboxConnections;
  #after = START;

  constructor(db: InboxConnections) {
    this.#db = db;
  }

  /** true = the round is not over. */
  async step(chunk: number, now: Ms): Promise<boolean> {
    const inboxes = await this.#db.reads.all<InboxRow & { readonly oldest_at: Ms | null }>(
      `select i.slot, i.id, i.number, i.head, i.captures, i.bytes, i.keep, (
         select c.received_at from capture c where c.slot = i.slot and c.inbox = i.number
         order by c.seq limit 1) as oldest_at
       from inbox i where (i.slot, i.number) > ($1, $2) order by i.slot, i.number limit $3`,
      this.#after.slot,
      this.#after.number,
      INBOXES_MAX,
    );
    let left = chunk;
    for (const inbox of inboxes) {
      if (hasTooMuch(inbox, inbox.oldest_at, now)) left -= await this.#clean(inbox, left, now);
      if (left <= 0) return true;
      this.#after = { slot: inbox.slot, number: inbox.number };
    }
    if (inboxes.length === INBOXES_MAX) return true;
    this.#after = START;
    await this.#db.progress.run('delete from answer where at < $1', now - ANSWERS_KEPT_MS);
    return false;
  }

  #clean(of: Pick<InboxRow, 'slot' | 'id'>, limit: number, now: Ms): Promise<number> {
    return this.#db.writes.transaction(async (tx) => {
      const inbox = await tx.get<InboxRow>(
        `select slot, id, number, head, captures, bytes, keep from inbox
         where slot = $1 and id = $2 for update skip locked`,
        of.slot,
        of.id,
      );
      if (!inbox) return 0;
      const gone = await dropOldest(tx, inbox, {
        limit,
        tooMuch: (left, oldestAt) =>
          hasTooMuch({ ...inbox, captures: left.rows, bytes: left.bytes }, oldestAt, now),
      });
      if (inbox.keep === null && gone.rows < limit) await forget(tx, inbox);
      else if (gone.rows > 0) await subtract(tx, inbox, gone);
      return gone.rows;
    });
  }
}

function hasTooMuch(
  { keep, captures, bytes }: Pick<InboxRow, 'keep' | 'captures' | 'bytes'>,
  oldestAt: Ms | null,
  now: Ms,
): boolean {
  if (keep === null) return true;
  const { captures: most = Infinity, bytes: bytesMax = Infinity, ageMs = Infinity } = keep;
  if (oldestAt !== null && oldestAt < now - ageMs) return true;
  return captures > 1 && (captures > most || bytes > bytesMax);
}

async function forget(tx: Querying, { slot, id }: InboxRow): Promise<void> {
  await tx.run('delete from listening where slot = $1 and inbox = $2', slot, id);
  await tx.run('delete from answer where slot = $1 and inbox = $2', slot, id);
  await tx.run('delete from rule_count where slot = $1 and inbox = $2', slot, id);
  await tx.run('delete from inbox where slot = $1 and id = $2', slot, id);
}
