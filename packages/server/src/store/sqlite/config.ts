import type { Endpoint, EndpointId, Ms } from '../../core/model.ts';
import { closeItem, openItem } from '../sealed.ts';
import {
  type ConfigChange,
  type ConfigItem,
  type ConfigKind,
  type ConfigQuery,
  type ConfigStore,
  type NewEvent,
  type Page,
  StoreError,
} from '../store.ts';
import type { Vault } from '../vault.ts';
import type { Database } from './database.ts';
import { type Engine, forgetAlert } from './engine.ts';
import { Insertion } from './ingest.ts';

interface ItemRow {
  readonly kind: ConfigKind;
  readonly id: string;
  readonly tenant: string;
  readonly version: number;
  readonly value: Uint8Array | null;
}

const COLUMNS = 'kind, id, tenant, version, value';

export class SqliteConfig implements ConfigStore {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  put(
    changes: readonly ConfigChange[],
    now: Ms,
    events: readonly NewEvent[] = [],
  ): Promise<{ version: number; items: ConfigItem[] }> {
    const engine = this.#engine;
    const insertion = events.length > 0 ? new Insertion(engine, now) : undefined;
    let applied: (() => void)[] = [];
    return engine.committer.run({
      durable: true,
      execute() {
        applied = [];
        insertion?.begin();
        const items = changes.map((change) => {
          const { item, apply } = putItem(engine, change);
          applied.push(apply);
          return item;
        });
        for (const event of events) insertion?.insert(event);
        return { version: items.at(-1)?.version ?? 0, items };
      },
      applied() {
        for (const apply of applied) apply();
        insertion?.applied();
      },
      flushed: () => insertion?.flushed(),
    });
  }

  async changes(
    since: number,
    limit: number,
    kinds: readonly ConfigKind[] = [],
  ): Promise<{ version: number; items: ConfigItem[] }> {
    const { db, vault } = this.#engine;
    const some = kinds.length > 0 ? `and kind in (${kinds.map(() => '?').join()})` : '';
    const items = db
      .all<ItemRow>(
        `select ${COLUMNS} from item where version > ? ${some} order by version limit ?`,
        since,
        ...kinds,
        limit,
      )
      .map((row) => toItem(row, vault));
    const newest = items.length === limit ? items.at(-1)?.version : newestVersion(db);
    return { version: Math.max(since, newest ?? 0), items };
  }

  async read(kind: ConfigKind, id: string): Promise<ConfigItem | undefined> {
    const row = this.#engine.db.get<ItemRow>(
      `select ${COLUMNS} from item where kind = ? and id = ? and value is not null`,
      kind,
      id,
    );
    return row && toItem(row, this.#engine.vault);
  }

  async readMany(kind: ConfigKind, ids: readonly string[]): Promise<ConfigItem[]> {
    return readItems({ db: this.#engine.db, vault: this.#engine.vault }, kind, ids);
  }

  async list(kind: ConfigKind, query: ConfigQuery): Promise<Page<ConfigItem>> {
    return listItems({ db: this.#engine.db, vault: this.#engine.vault }, kind, query);
  }

  forget(kind: ConfigKind, ids: readonly string[]): Promise<void> {
    const { committer, db } = this.#engine;
    return committer.run({
      durable: false,
      execute() {
        db.run(
          `delete from item where kind = ? and id in (select value from json_each(?))
           and version < (select max(version) from item)`,
          kind,
          JSON.stringify(ids),
        );
      },
      applied() {},
    });
  }
}

export function readItems(
  { db, vault }: { db: Database; vault: Vault },
  kind: ConfigKind,
  ids: readonly string[],
): ConfigItem[] {
  return db
    .all<ItemRow>(
      `select ${COLUMNS} from item
       where kind = ? and value is not null and id in (select value from json_each(?))`,
      kind,
      JSON.stringify(ids),
    )
    .map((row) => toItem(row, vault));
}

function newestVersion(db: Database): number {
  return Number(db.get<{ v: number | null }>('select max(version) as v from item')?.v ?? 0);
}

export function listItems(
  { db, vault }: { db: Database; vault: Vault },
  kind: ConfigKind,
  query: ConfigQuery,
): Page<ConfigItem> {
  const rows = db.all<ItemRow>(
    `select ${COLUMNS} from item where kind = ? and value is not null
     ${query.tenant === undefined ? 'and ? is null' : 'and tenant = ?'}
     ${query.after === undefined ? 'and ? is null' : 'and id < ?'}
     order by id desc limit ?`,
    kind,
    query.tenant ?? null,
    query.after ?? null,
    query.limit + 1,
  );
  const more = rows.length > query.limit;
  const items = rows.slice(0, query.limit).map((row) => toItem(row, vault));
  return { items, next: more ? items.at(-1)?.id : undefined };
}

function toItem(row: ItemRow, vault: Vault): ConfigItem {
  const { kind, id, tenant, version } = row;
  return { kind, id, tenant, version, value: row.value && openItem(vault, row, row.value) };
}

function putItem(engine: Engine, wanted: ConfigChange): { item: ConfigItem; apply: () => void } {
  const { db } = engine;
  const { kind, id, tenant } = wanted;
  const now = db.get<ItemRow>(`select ${COLUMNS} from item where kind = ? and id = ?`, kind, id);
  const found = now?.value ? now.version : 0;
  if (wanted.expected !== undefined && wanted.expected !== found) {
    throw new StoreError('conflict', `${kind} ${id} has version ${found}, not ${wanted.expected}.`);
  }
  const { change, number } =
    kind === 'endpoint' ? numbered(engine, wanted) : { change: wanted, number: 0 };
  const version = newestVersion(db) + 1;
  db.run(
    'insert or replace into item (kind, id, tenant, version, value) values (?, ?, ?, ?, ?)',
    kind,
    id,
    tenant,
    version,
    change.value === null ? null : closeItem(engine.vault, change, change.value),
  );
  if (kind === 'endpoint' || kind === 'tenant') engine.routingVersion = version;
  // A change begins a new story; our own, that it is disabled, ends the old one.
  if (kind === 'endpoint') forgetAlert(engine, number);
  return {
    item: { kind, id, tenant, version, value: change.value },
    apply: () => {
      if (kind !== 'endpoint') return;
      engine.endpointChanged(
        number,
        id as EndpointId,
        (change.value ?? undefined) as Endpoint | undefined,
      );
    },
  };
}

/** Gives a new endpoint its number, which is never used again. */
function numbered(engine: Engine, change: ConfigChange): { change: ConfigChange; number: number } {
  const { db } = engine;
  db.run('insert into endpoint_number (endpoint) values (?) on conflict do nothing', change.id);
  const number = db.get<{ number: number }>(
    'select number from endpoint_number where endpoint = ?',
    change.id,
  )?.number as number;
  if (change.value === null) return { change, number };
  return { change: { ...change, value: { ...(change.value as Endpoint), number } }, number };
}

/** Writes an endpoint inside a running transaction; call the result once that is durable. */
export function putEndpoint(engine: Engine, endpoint: Endpoint): () => void {
  const { id, tenant } = endpoint;
  return putItem(engine, { kind: 'endpoint', id, tenant, value: endpoint, expected: undefined })
    .apply;
}
