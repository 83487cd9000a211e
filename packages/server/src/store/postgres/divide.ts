import type { Endpoint } from '../../core/model.ts';
import { slotOf, spansTenants } from '../../core/routing.ts';
import { openItem } from '../sealed.ts';
import { SlotMap } from '../sharded/slot-map.ts';
import { StoreError } from '../store.ts';
import { DAILY, HEALTH_KIND, HOURLY } from '../tallying.ts';
import { createVault, type Vault } from '../vault.ts';
import { int2s, int8s, texts } from './arrays.ts';
import { Connections, Database, type Querying } from './database.ts';
import { migrate } from './migrate.ts';
import { checkMasterKey } from './open.ts';
import {
  DIVIDING,
  type Dividing,
  originOf,
  type Recorded,
  readDividing,
  record,
  recordedIn,
} from './place.ts';
import { DATABASE_NOW } from './time.ts';

/**
 * Makes one undivided store, of which there are as many copies as there shall be databases, a store
 * that is divided over them: of each copy only its part of the slots stays. Whatever is interrupted is
 * done again; until all of it is done, no node starts on any of them.
 */

export interface DivideOptions {
  /** In the order of the map. */
  readonly urls: readonly string[];
  readonly masterKey: string;
  readonly progress: (database: number, table: string) => void;
}

/** Rows that stay, by table; of each database. */
export type Kept = Readonly<Record<string, number>>;

/** What must be the same in sum as it was. */
const COMPARED = ['event', 'attempt', 'delivery', 'idem', 'capture'] as const;
/** Whole tables are read and written. */
const PATIENCE_MS = 6 * 3_600_000;

interface Copy {
  readonly shard: number;
  readonly db: Database;
  /** Waits for statements that take hours. */
  readonly long: Connections;
}

export async function divide({ urls, masterKey, progress }: DivideOptions): Promise<Kept[]> {
  const map = new SlotMap(urls.length);
  const vault = createVault(masterKey);
  const copies = urls.map((url, shard): Copy => {
    const options = { url, name: 'posthorn-divide' };
    const long = new Connections(options, { max: 1, settings: '', timeoutMs: PATIENCE_MS });
    return { shard, db: new Database(options), long };
  });
  try {
    for (const { db } of copies) {
      await migrate(db);
      await checkMasterKey(db, vault);
    }
    const plan = await begin(copies);
    if (plan === 'done') return await Promise.all(copies.map(({ long }) => keptIn(long)));
    for (const copy of copies) await prune(copy, { map, vault, progress });
    const kept = await Promise.all(copies.map(({ long }) => keptIn(long)));
    compare(plan, kept);
    // The first last: it is the one that all others are compared with at the next start.
    for (const copy of copies.toReversed()) await settle(copy, plan);
    return kept;
  } finally {
    await Promise.all(copies.flatMap(({ db, long }) => [db.close(), long.close()]));
  }
}

/** Refuses what are no copies of one store, or are in use; then nobody else opens them. */
async function begin(copies: readonly Copy[]): Promise<Dividing | 'done'> {
  const states = await Promise.all(copies.map(stateOf));
  const { origin } = states[0] as State;
  for (const [i, state] of states.entries()) {
    const which = `Database ${i + 1} of ${copies.length}`;
    if (state.origin !== origin) {
      throw refusal(
        `${which} is not a copy of DATABASE_URL's store. Stop all nodes and copy the database, then run this again.`,
      );
    }
    if (state.alive) throw refusal(`${which}: a node is at work on it. Stop all nodes first.`);
    if (state.placed && (state.placed.shard !== i || state.placed.count !== copies.length)) {
      throw refusal(`${which} has another place in a store that is divided already. ${UNDIVIDED}`);
    }
  }
  const begun = states.find(({ dividing }) => dividing !== undefined)?.dividing;
  if (!begun && states.every(({ placed }) => placed)) return 'done';
  if (!begun && states.some(({ placed }) => placed)) {
    throw refusal(`One of the databases is part of a divided store already. ${UNDIVIDED}`);
  }
  if (begun && begun.count !== copies.length) {
    throw refusal(`It was begun with ${begun.count} databases: go on with these.`);
  }
  const versions = new Set(states.map(({ version }) => version));
  if (!begun && versions.size > 1) {
    throw refusal(
      'The copies are of different moments: something was written to one of them since. Copy the database again while all nodes are stopped.',
    );
  }
  const first = copies[0] as Copy;
  const plan = { count: copies.length, before: begun?.before ?? (await keptIn(first.long)) };
  for (const { db } of copies) {
    await db.writes.run(
      'insert into meta (key, value) values ($1, $2) on conflict do nothing',
      DIVIDING,
      JSON.stringify(plan),
    );
  }
  return plan;
}

const UNDIVIDED = 'Only an undivided store can be divided.';

interface State {
  /** A value that each installation made at random, and its copies have. */
  readonly origin: string;
  readonly version: string;
  readonly alive: boolean;
  readonly placed: Recorded | undefined;
  readonly dividing: Dividing | undefined;
}

async function stateOf({ db }: Copy): Promise<State> {
  const row = await db.writes.get<{ version: string; alive: boolean }>(
    `select h.version || '/' || (select count(*) from delivery) || '/'
         || coalesce((select max(seq) from attempt), 0) as version,
       exists (select 1 from node where expires_at > ${DATABASE_NOW}) as alive from head h`,
  );
  return {
    origin: await originOf(db.writes),
    version: row?.version ?? '',
    alive: row?.alive ?? false,
    placed: await recordedIn(db.writes),
    dividing: await readDividing(db.writes),
  };
}

interface Pruning {
  readonly map: SlotMap;
  readonly vault: Vault;
  readonly progress: DivideOptions['progress'];
}

/** Every table with slots loses those of others; what has none is decided one by one. */
async function prune({ shard, db, long }: Copy, { map, vault, progress }: Pruning): Promise<void> {
  if (await recordedIn(db.writes)) return;
  const { first, end } = map.range(shard);
  const tables = await db.writes.all<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'posthorn'::regnamespace and c.relkind in ('r', 'p')
       and not c.relispartition and a.attname = 'slot' order by 1`,
  );
  for (const { name } of tables) {
    progress(shard, name);
    await long.run(`delete from ${name} where slot < $1 or slot >= $2`, first, end);
  }
  const jobs = await db.writes.all<{ id: string; tenant: string }>('select id, tenant from job');
  const elsewhere = jobs.filter(({ tenant }) => map.shardOf(slotOf(tenant)) !== shard);
  await db.writes.run(
    'delete from job where id = any ($1::text[])',
    texts(elsewhere.map(({ id }) => id)),
  );
  if (shard > 0) await long.transaction((tx) => leaveToTheFirst(tx, vault));
  await long.script('analyze');
}

/** Configuration, what is published and not routed, and sums that can't be told apart by slot. */
async function leaveToTheFirst(tx: Querying, vault: Vault): Promise<void> {
  await tx.run("delete from item where kind not in ('tenant', 'endpoint')");
  await tx.run('delete from staged');
  await tx.run('delete from staged_refused');
  const rows = await tx.all<{ id: string; value: Uint8Array; number: number }>(
    `select i.id, i.value, e.number from item i join endpoint e using (id)
     where i.kind = 'endpoint' and i.value is not null`,
  );
  const wide = rows
    .filter(({ id, value }) =>
      spansTenants(openItem(vault, { kind: 'endpoint', id }, value) as Endpoint),
    )
    .map(({ number }) => number);
  await tx.run(
    'delete from tally where kind = any ($1::smallint[]) and of = any ($2::text[])',
    int2s([HOURLY.endpoint, DAILY.endpoint]),
    texts(wide.map(String)),
  );
  await tx.run(
    'delete from health where kind = $1 and of = any ($2::text[])',
    HEALTH_KIND.endpoint,
    texts(wide.map(String)),
  );
  await tx.run('delete from alert where endpoint = any ($1::bigint[])', int8s(wide));
}

/** It has its place, and is as far with its copies of the configuration as the first was. */
async function settle({ shard, db }: Copy, { count }: Dividing): Promise<void> {
  await db.writes.transaction(async (tx) => {
    await tx.run('delete from meta where key = $1', DIVIDING);
    if (await recordedIn(tx)) return;
    if (shard > 0) {
      await tx.run(
        `insert into item (kind, id, tenant, version, value)
         select 'shard', 'from-0', '', version + 1,
           convert_to(format('{"of":%s,"routing":%s}', version, routing), 'UTF8') from head`,
      );
      await tx.run('update head set version = version + 1');
    }
    await record(tx, { installation: await originOf(tx), shard, count });
  });
}

async function keptIn(db: Querying): Promise<Kept> {
  const counts = COMPARED.map((name) => `(select count(*) from ${name}) as ${name}`).join(', ');
  return (await db.get<Kept>(`select ${counts}`)) ?? {};
}

function compare({ before }: Dividing, kept: readonly Kept[]): void {
  const wrong = COMPARED.flatMap((name) => {
    const sum = kept.reduce((total, one) => total + (one[name] ?? 0), 0);
    return sum === before[name] ? [] : [`${name}: ${before[name]} became ${sum}`];
  });
  if (wrong.length === 0) return;
  throw refusal(
    `What the databases have together is not what there was: ${wrong.join('; ')}. Nothing was switched over: copy the database anew from your backup.`,
  );
}

function refusal(message: string): StoreError {
  return new StoreError('fatal', message);
}
