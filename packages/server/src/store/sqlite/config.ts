import type { Endpoint, EndpointId, Ms } from '../../core/model.ts';
import {
  type ConfigChange,
  type ConfigItem,
  type ConfigKind,
  type ConfigQuery,
  type ConfigStore,
  type Page,
  StoreError,
} from '../store.ts';
import type { Vault } from '../vault.ts';
import type { Database } from './database.ts';
import type { Engine } from './engine.ts';
import { closeItem, openItem } from './sealed.ts';

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
    _now: Ms,
  ): Promise<{ version: number; items: ConfigItem[] }> {
    const engine = this.#engine;
    let applied: (() => void)[] = [];
    return engine.committer.run({
      durable: true,
      execute() {
        applied = [];
        const items = changes.map((change) => {
          const { item, apply } = putItem(engine, change);
          applied.push(apply);
          return item;
        });
        return { version: items.at(-1)?.version ?? 0, items };
      },
      applied() {
        for (const apply of applied) apply();
      },
    });
  }

  async changes(since: number, limit: number): Promise<{ version: number; items: ConfigItem[] }> {
    const items = this.#engine.db
      .all<ItemRow>(
        `select ${COLUMNS} from item where version > ? order by version limit ?`,
        since,
        limit,
      )
      .map((row) => toItem(row, this.#engine.vault));
    return { version: items.at(-1)?.version ?? since, items };
  }

  async read(kind: ConfigKind, id: string): Promise<ConfigItem | undefined> {
    const row = this.#engine.db.get<ItemRow>(
      `select ${COLUMNS} from item where kind = ? and id = ? and value is not null`,
      kind,
      id,
    );
    return row && toItem(row, this.#engine.vault);
  }

  async list(kind: ConfigKind, query: ConfigQuery): Promise<Page<ConfigItem>> {
    return listItems({ db: this.#engine.db, vault: this.#engine.vault }, kind, query);
  }
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
  const version =
    Number(db.get<{ v: number | null }>('select max(version) as v from item')?.v ?? 0) + 1;
  db.run(
    'insert or replace into item (kind, id, tenant, version, value) values (?, ?, ?, ?, ?)',
    kind,
    id,
    tenant,
    version,
    change.value === null ? null : closeItem(engine.vault, change, change.value),
  );
  if (kind !== 'key') engine.routingVersion = version;
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
