import { createHash } from 'node:crypto';
import type { SlotMap } from '../sharded/slot-map.ts';
import { StoreError } from '../store.ts';
import type { Querying } from './database.ts';

/** Where a database stands among those that one store is divided over. */
export interface Place {
  readonly map: SlotMap;
  /** Counted from 0. */
  readonly shard: number;
  /** Names the store, as the first of its databases says; undefined = this is the first. */
  readonly installation: string | undefined;
}

export interface Recorded {
  readonly installation: string;
  readonly shard: number;
  readonly count: number;
}

/** A place that fits; it is written down when those of all databases do. */
export interface CheckedPlace {
  /** Names the store: the first of its databases, by what it made at random when it began. */
  readonly installation: string;
  record(): Promise<void>;
}

/**
 * Each database knows its place, so that a map that does not fit is refused before anything is stored
 * where nobody would look for it. undefined = it is undivided.
 */
export async function checkPlace(
  db: Querying,
  place: Place | undefined,
): Promise<CheckedPlace | undefined> {
  if (await readDividing(db)) {
    throw refusal(
      'The database is being divided: let posthorn divide finish, or run it again; it goes on where it was.',
    );
  }
  const known = await recordedIn(db);
  if (!place) {
    if (known) throw refusal(`${described(known)}. ${SET_SHARDS}`);
    return undefined;
  }
  const { shard, map } = place;
  const installation = place.installation ?? known?.installation ?? (await originOf(db));
  if (known) refuseOther(known, { installation, shard, count: map.count });
  else await refuseUnfit(db, place);
  return {
    installation,
    record: async () => {
      const mine = { installation, shard, count: map.count };
      if (!known) refuseOther(await record(db, mine), mine);
    },
  };
}

function refuseOther(found: Recorded, wanted: Recorded): void {
  if (found.installation !== wanted.installation) {
    throw refusal(
      `Database ${wanted.shard + 1} of POSTHORN_SHARDS belongs to another installation than DATABASE_URL: name the databases of one.`,
    );
  }
  if (found.count !== wanted.count) {
    throw refusal(
      `${described(found)}, but the configuration names ${wanted.count}. Name all ${found.count} of them; another number takes a new store (docs/postgresql.md, "Growing").`,
    );
  }
  if (found.shard !== wanted.shard) {
    throw refusal(
      `${described(found)}, but the configuration names it as database ${wanted.shard + 1}. DATABASE_URL is the first, and POSTHORN_SHARDS the others in their order.`,
    );
  }
}

/** The same of all copies of a database, and of no other. */
export async function originOf(db: Querying): Promise<string> {
  const row = await db.get<{ value: string }>(
    "select value from meta where key = 'master_key_check'",
  );
  return createHash('sha256')
    .update(row?.value ?? '')
    .digest('hex')
    .slice(0, 32);
}

/** There while a store is being divided (`posthorn divide`). */
export const DIVIDING = 'dividing';

export interface Dividing {
  readonly count: number;
  /** Rows there were, by table. */
  readonly before: Readonly<Record<string, number>>;
}

export async function readDividing(db: Querying): Promise<Dividing | undefined> {
  const row = await db.get<{ value: string }>('select value from meta where key = $1', DIVIDING);
  return row && (JSON.parse(row.value) as Dividing);
}

const SET_SHARDS =
  'Set DATABASE_URL to the first of them and POSTHORN_SHARDS to the others, in their order.';

function described({ shard, count }: Recorded): string {
  return `The database is number ${shard + 1} of the ${count} that a store is divided over`;
}

export async function recordedIn(db: Querying): Promise<Recorded | undefined> {
  const row = await db.get<{ value: string }>("select value from meta where key = 'shard'");
  return row && (JSON.parse(row.value) as Recorded);
}

/** Several processes may begin at once: the first to write it says how it is. */
export async function record(db: Querying, mine: Recorded): Promise<Recorded> {
  await db.run(
    "insert into meta (key, value) values ('shard', $1) on conflict do nothing",
    JSON.stringify(mine),
  );
  return (await recordedIn(db)) ?? mine;
}

/** A store that was undivided may become the first part of one only as long as all it has lies there. */
async function refuseUnfit(db: Querying, { shard, map }: Place): Promise<void> {
  if (shard > 0) {
    const row = await db.get<{ used: boolean }>('select version > 0 as used from head');
    if (!row?.used) return;
    throw refusal(
      `Database ${shard + 1} of POSTHORN_SHARDS is a store of its own already: name an empty one; or, if it is a copy of the first, run posthorn divide (docs/postgresql.md, "Growing").`,
    );
  }
  const row = await db.get<{ beyond: boolean }>(
    `select exists (select 1 from event where slot >= $1) or exists (select 1 from delivery where slot >= $1)
       or exists (select 1 from inbox where slot >= $1) as beyond`,
    map.range(shard).end,
  );
  if (row?.beyond) {
    throw refusal(
      'DATABASE_URL is an undivided store that holds events or captures of tenants who would live in the databases of POSTHORN_SHARDS. Divide it with posthorn divide (docs/postgresql.md, "Growing"), or go on without POSTHORN_SHARDS.',
    );
  }
}

function refusal(message: string): StoreError {
  return new StoreError('fatal', message);
}
