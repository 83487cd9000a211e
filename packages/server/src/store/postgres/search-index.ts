import type { EventId, Ms } from '../../core/model.ts';
import { int2s, int4s, texts, uuid, uuidAt, uuids } from './arrays.ts';
import type { Context } from './context.ts';
import type { Querying } from './database.ts';
import { Horizon } from './horizon.ts';
import { type Day, startOf } from './partitions.ts';
import {
  type Doc,
  type DocKey,
  docsOf,
  nextAttempts,
  nextEvents,
  TERMS_MAX,
} from './search-documents.ts';
import { factTerms, wordTerms } from './search-terms.ts';

/** A volume is full with so many documents; a search looks through one at a time. */
const DOCS_PER_VOLUME = 20_000;
const CATCH_UP_DOCS = 100;
/** No id is smaller. */
const NIL = '00000000-0000-0000-0000-000000000000';

export interface Indexed {
  readonly docs: number;
  readonly more: boolean;
  /** What was stored up to then is in the index; undefined = everything. */
  readonly upTo: Ms | undefined;
}

interface Place {
  readonly event: number;
  readonly attempt: number;
  readonly newest: EventId;
  readonly at: Ms;
}

/**
 * The text index, in tables beside the log (search-schema.ts). Whoever holds the row of its place reads
 * what comes next, and writes words and place in one transaction; who dies lets go of the row.
 */
export class PgIndex {
  readonly #ctx: Context;
  readonly #events: Horizon;
  readonly #attempts: Horizon;

  constructor(ctx: Context) {
    this.#ctx = ctx;
    this.#events = new Horizon(ctx.db, 'event_seq');
    this.#attempts = new Horizon(ctx.db, 'attempt_seq');
  }

  /** At most `limit` events and as many attempts; nothing while another node is at it. */
  follow(limit: number): Promise<Indexed> {
    return this.#step(limit, 'for update skip locked');
  }

  /** What is new, if it is little: before a search. */
  catchUp(): Promise<Indexed> {
    return this.#step(CATCH_UP_DOCS, 'for update');
  }

  async #step(limit: number, lock: string): Promise<Indexed> {
    const [attempt, event] = [await this.#attempts.look(), await this.#events.look()];
    return this.#ctx.db.derived.transaction(async (tx) => {
      const place = await tx.get<Place>(`select event, attempt, newest, at from indexed ${lock}`);
      if (!place) return { docs: 0, more: false, upTo: undefined };
      const events = await nextEvents(tx, { from: place.event, final: event.final, limit });
      const attempts = await nextAttempts(tx, { from: place.attempt, final: attempt.final, limit });
      const docs = await docsOf(events.rows, attempts.rows);
      const newest = await this.#add(tx, docs, place.newest);
      const at = events.rows.at(-1)?.created_at ?? place.at;
      if (events.to > place.event || attempts.to > place.attempt) {
        await tx.run(
          'update indexed set event = $1, attempt = $2, newest = $3, at = $4',
          events.to,
          attempts.to,
          uuid(newest),
          at,
        );
      }
      const more = events.to < event.final || attempts.to < attempt.final;
      // Of what is not final yet, nobody knows whether it is there.
      const all = !more && event.final === event.head && attempt.final === attempt.head;
      return { docs: docs.length, more, upTo: all ? undefined : at };
    });
  }

  /** Returns the highest id in the index. */
  async #add(tx: Querying, docs: readonly Doc[], newest: EventId): Promise<EventId> {
    if (docs.length === 0) return newest;
    await this.#ctx.partitions.ensure(docs.map(({ day }) => day));
    const ids = docs.map(({ id }) => id).sort();
    const next = ids.find((id) => id > newest);
    if (next !== undefined) await openVolume(tx, next);
    await insertDocs(tx, docs, await volumesOf(tx, ids));
    const highest = ids.at(-1) as EventId;
    return highest > newest ? highest : newest;
  }
}

/** If the last one is full: `first` is higher than all ids in the index. */
async function openVolume(tx: Querying, first: EventId): Promise<void> {
  await tx.run(
    `insert into doc_volume (n, first, docs) select n + 1, $1, 0 from (
       select n, docs from doc_volume order by n desc limit 1) v where docs >= $2`,
    uuid(first),
    DOCS_PER_VOLUME,
  );
}

/** The volume that each event's words are in; all of one event belong together. */
async function volumesOf(tx: Querying, ids: readonly EventId[]): Promise<Map<EventId, number>> {
  const rows = await tx.all<{ id: EventId; n: number }>(
    `select u.id, v.n from unnest($1::uuid[]) u(id) cross join lateral (
       select n from doc_volume where first <= u.id order by first desc limit 1) v`,
    uuids(ids),
  );
  return new Map(rows.map(({ id, n }) => [id, n]));
}

async function insertDocs(
  tx: Querying,
  docs: readonly Doc[],
  volumes: ReadonlyMap<EventId, number>,
): Promise<void> {
  const terms = docs.map(({ id, tenant, words, facts }) => {
    const scope = { n: volumes.get(id) ?? 0, tenant };
    return [...factTerms(scope, facts), ...wordTerms(scope, words)].slice(0, TERMS_MAX).join(' ');
  });
  await tx.run(
    `insert into doc as d (slot, day, id, tenant, terms)
     select u.slot, u.day, u.id, u.tenant, array_to_tsvector(string_to_array(u.terms, ' '))
     from unnest($1::smallint[], $2::int[], $3::uuid[], $4::text[], $5::text[])
       u(slot, day, id, tenant, terms)
     on conflict (slot, id, day) do update set terms = d.terms || excluded.terms
     where length(d.terms) + length(excluded.terms) <= ${TERMS_MAX}
       and d.terms || excluded.terms <> d.terms`,
    int2s(docs.map(({ slot }) => slot)),
    int4s(docs.map(({ day }) => day)),
    uuids(docs.map(({ id }) => id)),
    texts(docs.map(({ tenant }) => tenant)),
    texts(terms),
  );
  const last = Math.max(...volumes.values());
  const added = [...volumes.values()].filter((n) => n === last).length;
  await tx.run('update doc_volume set docs = docs + $2 where n = $1', last, added);
}

/** The words of events leave with what they were read from; until the transaction ends nobody adds any. */
export async function forgetWords(
  tx: Querying,
  events: readonly Pick<DocKey, 'slot' | 'id'>[],
): Promise<void> {
  if (events.length === 0) return;
  await tx.get('select 1 from indexed for key share');
  await tx.run(
    `delete from doc d using unnest($1::smallint[], $2::uuid[]) u(slot, id)
     where d.slot = u.slot and d.id = u.id`,
    int2s(events.map(({ slot }) => slot)),
    uuids(events.map(({ id }) => id)),
  );
}

/** Search was switched off: when it is switched on again, the index is made from the log as it is then. */
export async function forgetIndex({ db }: Context): Promise<void> {
  await db.derived.transaction(async (tx) => {
    const used = await tx.get('select 1 from indexed where event > 0 or attempt > 0 for update');
    if (!used) return;
    await tx.script(`truncate doc, doc_volume;
      insert into doc_volume values (1, '${NIL}', 0);
      update indexed set event = 0, attempt = 0, newest = '${NIL}', at = 0`);
  });
}

/** Volumes of days that went, unless the words of an event that moved were read after it had. */
export async function dropVolumes({ db }: Context, before: Day): Promise<void> {
  await db.derived.transaction(async (tx) => {
    await tx.get('select 1 from indexed for update');
    await tx.run(
      `delete from doc_volume where n in (
         select v.n from (
           select n, first, lead(first) over (order by first) as until from doc_volume) v
         where v.until <= $1 and not exists (
           select 1 from generate_series(0, 255) s(slot)
           join doc d on d.slot = s.slot and d.id >= v.first and d.id < v.until))`,
      uuidAt(startOf(before)),
    );
    // The oldest volume begins with the first event of all.
    await tx.run(
      `update doc_volume set first = '${NIL}'
       where n = (select min(n) from doc_volume) and first <> '${NIL}'`,
    );
  });
}
