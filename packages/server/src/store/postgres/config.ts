import type { Endpoint, EndpointId, Ms, Slot } from '../../core/model.ts';
import { LANE_PARTS } from '../../core/model.ts';
import { slotOf, spansTenants } from '../../core/routing.ts';
import { disabling, parted } from '../crossing.ts';
import { closeItem, openItem } from '../sealed.ts';
import {
  type ConfigChange,
  type ConfigItem,
  type ConfigKind,
  type ConfigQuery,
  type ConfigStore,
  type Due,
  type NewEvent,
  type Page,
  StoreError,
} from '../store.ts';
import { bools, byteas, int2s, int8s, texts } from './arrays.ts';
import type { Context } from './context.ts';
import type { Querying } from './database.ts';
import { insertEvents } from './insertion.ts';
import { dayOfEvent } from './partitions.ts';

interface ItemRow {
  readonly kind: ConfigKind;
  readonly id: string;
  readonly tenant: string;
  readonly version: number;
  readonly value: Uint8Array | null;
}

const COLUMNS = 'kind, id, tenant, version, value';

export class PgConfig implements ConfigStore {
  readonly #ctx: Context;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  async put(
    changes: readonly ConfigChange[],
    now: Ms,
    events: readonly NewEvent[] = [],
  ): Promise<{ version: number; items: ConfigItem[] }> {
    const ctx = this.#ctx;
    const { here, crossing } = parted(ctx.part, events);
    if (here.length > 0) await ctx.endpoints.refresh();
    await ctx.partitions.ensure(here.map(({ id }) => dayOfEvent(id)));
    const items = await ctx.db.writes.transaction(async (tx) => {
      const base = await lockHead(tx);
      const known = await readRows(tx, changes);
      for (const { kind, id, expected } of changes) {
        const row = known.get(`${kind}/${id}`);
        const found = row?.value ? row.version : 0;
        if (expected !== undefined && expected !== found) {
          throw new StoreError('conflict', `${kind} ${id} has version ${found}, not ${expected}.`);
        }
      }
      const all = [...crossing, ...changes];
      const written = await writeChanges(ctx, tx, { changes: all, base, known });
      await insertEvents(ctx, tx, { events: here, now });
      return written.slice(crossing.length);
    });
    const version = items.at(-1)?.version ?? 0;
    return { version, items };
  }

  async changes(
    since: number,
    limit: number,
    kinds: readonly ConfigKind[] = [],
  ): Promise<{ version: number; items: ConfigItem[] }> {
    // One statement, so that the newest version and the items are of one moment.
    const rows = await this.#ctx.db.reads.all<Partial<ItemRow> & { head: number }>(
      `select h.version as head, i.* from head h left join lateral (
         select ${COLUMNS} from item where version > $1
         and ($3::text[] = '{}' or kind = any ($3::text[])) order by version limit $2) i on true
       order by i.version`,
      since,
      limit,
      texts(kinds),
    );
    const items = rows.flatMap((row) =>
      row.id === undefined || row.id === null ? [] : [this.#item(row as ItemRow)],
    );
    const newest = items.length === limit ? items.at(-1)?.version : rows[0]?.head;
    return { version: Math.max(since, newest ?? 0), items };
  }

  async read(kind: ConfigKind, id: string): Promise<ConfigItem | undefined> {
    const [item] = await this.readMany(kind, [id]);
    return item;
  }

  async readMany(kind: ConfigKind, ids: readonly string[]): Promise<ConfigItem[]> {
    const rows = await this.#ctx.db.reads.all<ItemRow>(
      `select ${COLUMNS} from item where kind = $1 and id = any ($2::text[]) and value is not null`,
      kind,
      texts(ids),
    );
    return rows.map((row) => this.#item(row));
  }

  async list(kind: ConfigKind, query: ConfigQuery): Promise<Page<ConfigItem>> {
    const { tenant = null, limit, after = null } = query;
    const rows = await this.#ctx.db.reads.all<ItemRow>(
      `select ${COLUMNS} from item where kind = $1 and value is not null
       and ($2::text is null or tenant = $2) and ($3::text is null or id < $3)
       order by id desc limit $4`,
      kind,
      tenant,
      after,
      limit + 1,
    );
    const items = rows.slice(0, limit).map((row) => this.#item(row));
    return { items, next: rows.length > limit ? items.at(-1)?.id : undefined };
  }

  async forget(kind: ConfigKind, ids: readonly string[]): Promise<void> {
    await this.#ctx.db.writes.run(
      `delete from item where kind = $1 and id = any ($2::text[])
       and version < (select version from head)`,
      kind,
      texts(ids),
    );
  }

  #item(row: ItemRow): ConfigItem {
    const { kind, id, tenant, version } = row;
    const value = row.value && openItem(this.#ctx.vault, row, row.value);
    return { kind, id, tenant, version, value };
  }
}

/** One writer of configuration at a time, over all nodes: versions are committed in their order. */
async function lockHead(tx: Querying): Promise<number> {
  const row = await tx.get<{ version: number }>('select version from head for update');
  return row?.version ?? 0;
}

async function readRows(
  tx: Querying,
  of: readonly Pick<ConfigChange, 'kind' | 'id'>[],
): Promise<Map<string, ItemRow>> {
  const rows = await tx.all<ItemRow>(
    `select i.kind, i.id, i.tenant, i.version, i.value
     from unnest($1::text[], $2::text[]) u(kind, id) join item i using (kind, id)`,
    texts(of.map(({ kind }) => kind)),
    texts(of.map(({ id }) => id)),
  );
  return new Map(rows.map((row) => [`${row.kind}/${row.id}`, row]));
}

interface Writing {
  readonly changes: readonly ConfigChange[];
  /** Version of the last change before them. */
  readonly base: number;
  /** What stood there before. */
  readonly known: ReadonlyMap<string, ItemRow>;
}

async function writeChanges(
  ctx: Context,
  tx: Querying,
  { changes, base, known }: Writing,
): Promise<ConfigItem[]> {
  const endpoints = changes.flatMap((change, i) =>
    change.kind === 'endpoint' ? [{ change, version: base + i + 1 }] : [],
  );
  const numbers = await numberEndpoints(tx, endpoints);
  const items = changes.map(({ kind, id, tenant, value }, i): ConfigItem => {
    const number = numbers.get(id);
    const numbered = kind === 'endpoint' && value !== null;
    const full = numbered ? { ...(value as Endpoint), number } : value;
    return { kind, id, tenant, version: base + i + 1, value: full };
  });
  // The last one of each wins: a statement cannot write the same row twice.
  const last = [...new Map(items.map((item) => [`${item.kind}/${item.id}`, item])).values()];
  await tx.run(
    `insert into item (${COLUMNS})
     select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])
     on conflict (kind, id) do update set tenant = excluded.tenant, version = excluded.version,
       value = excluded.value`,
    texts(last.map(({ kind }) => kind)),
    texts(last.map(({ id }) => id)),
    texts(last.map(({ tenant }) => tenant)),
    int8s(last.map(({ version }) => version)),
    byteas(
      last.map((item) => (item.value === null ? null : closeItem(ctx.vault, item, item.value))),
    ),
  );
  await tellLanes(ctx, tx, { items: last, numbers, known });
  const routing = items.findLast(({ kind }) => kind === 'endpoint' || kind === 'tenant')?.version;
  await tx.run(
    'update head set version = $1, routing = coalesce($2, routing)',
    base + items.length,
    routing ?? null,
  );
  return items;
}

/** Gives new endpoints their numbers, which are never used again, and notes how each one stands. */
async function numberEndpoints(
  tx: Querying,
  endpoints: readonly { readonly change: ConfigChange; readonly version: number }[],
): Promise<Map<string, number>> {
  if (endpoints.length === 0) return new Map();
  const last = new Map(endpoints.map((one) => [one.change.id, one]));
  const rows = [...last.values()].map(({ change, version }) => {
    const endpoint = change.value as Endpoint | null;
    const given = endpoint?.number || null;
    return { id: change.id, tenant: change.tenant, version, given, ...stateOf(endpoint) };
  });
  const arrays = [
    texts(rows.map(({ id }) => id)),
    texts(rows.map(({ tenant }) => tenant)),
    bools(rows.map(({ fifo }) => fifo)),
    bools(rows.map(({ held }) => held)),
    bools(rows.map(({ closed }) => closed)),
    int8s(rows.map(({ version }) => version)),
    int8s(rows.map(({ given }) => given)),
  ];
  const from = `from unnest($1::text[], $2::text[], $3::boolean[], $4::boolean[], $5::boolean[],
    $6::bigint[], $7::bigint[]) with ordinality u(id, tenant, fifo, held, closed, version, given, n)`;
  const changed = await tx.all<{ id: string; number: number }>(
    `update endpoint e set fifo = u.fifo, held = u.held, closed = u.closed, version = u.version
     ${from} where e.id = u.id returning e.id, e.number`,
    ...arrays,
  );
  const made = await tx.all<{ id: string; number: number }>(
    `insert into endpoint (number, id, tenant, fifo, held, closed, version)
     select coalesce(given, nextval('endpoint_number_seq')), id, tenant, fifo, held, closed, version
     ${from}
     where not exists (select 1 from endpoint e where e.id = u.id) order by n
     returning id, number`,
    ...arrays,
  );
  return new Map([...changed, ...made].map(({ id, number }) => [id, number]));
}

export function stateOf(endpoint: Endpoint | null): {
  fifo: boolean;
  held: boolean;
  closed: boolean;
} {
  if (!endpoint) return { fifo: false, held: false, closed: true };
  const held = endpoint.paused || endpoint.disabled !== null;
  return { fifo: endpoint.ordering !== 'none', held, closed: false };
}

const ALL_SLOTS: readonly Slot[] = Array.from({ length: 256 }, (_, slot) => slot);

/** Carries changes of endpoints into their lanes; a change begins a new story of failing. */
async function tellLanes(
  ctx: Context,
  tx: Querying,
  of: {
    readonly items: readonly ConfigItem[];
    readonly numbers: ReadonlyMap<string, number>;
    readonly known: ReadonlyMap<string, ItemRow>;
  },
): Promise<void> {
  const lanes = of.items.flatMap(({ kind, id, tenant, value }) => {
    const number = of.numbers.get(id);
    if (kind !== 'endpoint' || number === undefined) return [];
    const before = of.known.get(`endpoint/${id}`)?.value;
    const was = before
      ? (openItem(ctx.vault, { kind: 'endpoint', id }, before) as Endpoint)
      : undefined;
    const everywhere = [value as Endpoint | null, was].some((one) => one && spansTenants(one));
    const slots = everywhere ? ALL_SLOTS : [slotOf(tenant)];
    return slots.map((slot) => ({ slot, number, ...stateOf(value as Endpoint | null) }));
  });
  if (lanes.length === 0) return;
  await tx.run(
    `with u as materialized (
       select * from unnest($1::smallint[], $2::bigint[], $3::boolean[], $4::boolean[])
         u(slot, number, held, closed)),
     changed as materialized (
       select l.slot, l.id, u.held, u.closed from u join lane l
         on l.slot = u.slot and l.id between u.number * ${LANE_PARTS} and u.number * ${LANE_PARTS} + ${LANE_PARTS - 1}
       where (l.held, l.closed) <> (u.held, u.closed)
       order by l.slot, l.id for no key update of l)
     update lane l set held = c.held, closed = c.closed from changed c
     where l.slot = c.slot and l.id = c.id`,
    int2s(lanes.map(({ slot }) => slot)),
    int8s(lanes.map(({ number }) => number)),
    bools(lanes.map(({ held }) => held)),
    bools(lanes.map(({ closed }) => closed)),
  );
  await tx.run(
    'delete from alert where endpoint = any ($1::bigint[])',
    int8s([...new Set(lanes.map(({ number }) => number))]),
  );
}

/**
 * As part of the outcome that decided it, with the events that tell of it; false = it was, or is gone.
 * Where another store has to decide it as well, the events go there (`crossing`).
 */
export async function disableEndpoint(
  ctx: Context,
  tx: Querying,
  of: {
    readonly key: Due;
    readonly id: EndpointId;
    readonly reason: 'gone' | 'failing';
    readonly events: readonly NewEvent[];
    readonly now: Ms;
  },
): Promise<'here' | 'crossing' | false> {
  const { id, reason, events, now } = of;
  const base = await lockHead(tx);
  const known = await readRows(tx, [{ kind: 'endpoint', id }]);
  const row = known.get(`endpoint/${id}`);
  if (!row?.value) return false;
  const endpoint = openItem(ctx.vault, { kind: 'endpoint', id }, row.value) as Endpoint;
  if (endpoint.disabled) return false;
  const value: Endpoint = { ...endpoint, disabled: { at: now, reason }, updatedAt: now };
  const { tenant } = row;
  const change = { kind: 'endpoint', id, tenant, value, expected: undefined } as const;
  const about = { endpoint: id, tenant, by: of.key.event };
  const crossing = ctx.part.first ? [] : [disabling(about, { reason, at: now, events })];
  await writeChanges(ctx, tx, { changes: [...crossing, change], base, known });
  return ctx.part.first ? 'here' : 'crossing';
}

/** On their way to another store. */
export async function sendAcross(
  ctx: Context,
  tx: Querying,
  changes: readonly ConfigChange[],
): Promise<void> {
  if (changes.length === 0) return;
  await writeChanges(ctx, tx, { changes, base: await lockHead(tx), known: new Map() });
}
