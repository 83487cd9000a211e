import { LANE_PARTS } from '../../core/model.ts';
import { readTransfer, TRANSFER } from '../postgres/carried.ts';
import { Connections, Database, type Querying } from '../postgres/database.ts';
import { migrate } from '../postgres/migrate.ts';
import { checkMasterKey } from '../postgres/open.ts';
import { type Day, Partitions } from '../postgres/partitions.ts';
import { StoreError } from '../store.ts';
import { createVault, type Vault } from '../vault.ts';
import type { SourceFacts } from './source.ts';
import type { Cursor } from './step.ts';

/** Kept in the target until the transfer is over; while it is there nobody else opens the store. */
export interface TransferState {
  readonly source: string;
  /** Of one transfer; another process that does the same one is found out by it. */
  readonly transfer: string;
  readonly step: number;
  readonly after: Cursor | null;
}

/** Whole tables are read and written at the end. */
const PATIENCE_MS = 3_600_000;

export class PostgresTarget {
  readonly vault: Vault;
  readonly #db: Database;
  readonly #long: Connections;
  readonly #partitions: Partitions;

  private constructor(parts: { db: Database; long: Connections; vault: Vault }) {
    this.#db = parts.db;
    this.#long = parts.long;
    this.vault = parts.vault;
    this.#partitions = new Partitions(parts.db);
  }

  static async open({
    url,
    masterKey,
  }: {
    url: string;
    masterKey: string;
  }): Promise<PostgresTarget> {
    const options = { url, name: 'posthorn-migrate' };
    const db = new Database(options);
    const long = new Connections(options, { max: 1, settings: '', timeoutMs: PATIENCE_MS });
    try {
      await migrate(db);
      const vault = createVault(masterKey);
      await checkMasterKey(db, vault);
      return new PostgresTarget({ db, long, vault });
    } catch (error) {
      await Promise.all([db.close(), long.close()]);
      throw error;
    }
  }

  /** undefined = no transfer has begun. */
  async state(): Promise<TransferState | undefined> {
    const text = await readTransfer(this.#db.writes);
    return text === undefined ? undefined : (JSON.parse(text) as TransferState);
  }

  /** Rejects when the store is in use, or has been. */
  async begin(state: TransferState): Promise<TransferState> {
    await this.#db.writes.transaction(async (tx) => {
      const used = await tx.get<{ used: boolean }>(
        `select exists (select 1 from item) or exists (select 1 from event)
           or exists (select 1 from node) as used from head for update`,
      );
      if (used?.used) {
        throw new StoreError(
          'fatal',
          'The target is in use already: a store is carried over into a database that no Posthorn has started on.',
        );
      }
      await this.note(tx, state);
    });
    return state;
  }

  /** In one transaction; the partitions are there before. */
  async write(body: (tx: Querying) => Promise<void>, days: readonly Day[]): Promise<void> {
    await this.#partitions.ensure(days);
    await this.#db.writes.transaction(body);
  }

  /** Where the transfer is, as part of what leads there. */
  async note(tx: Querying, state: TransferState): Promise<void> {
    const noted = await tx.run(
      `insert into meta as m (key, value) values ('${TRANSFER}', $1)
       on conflict (key) do update set value = excluded.value
       where m.value::json ->> 'transfer' = $2`,
      JSON.stringify(state),
      state.transfer,
    );
    if (noted === 0) {
      throw new StoreError('fatal', 'Another process carries a store over into this target.');
    }
  }

  async number(sql: string): Promise<number> {
    const row = await this.#long.get<Record<string, unknown>>(sql);
    return Number(Object.values(row ?? {})[0] ?? 0);
  }

  /** What follows from the rows: who has something due when, and which number comes next. */
  async finish(facts: SourceFacts): Promise<void> {
    await this.#long.transaction(async (tx) => {
      await tx.run(
        `insert into lane (slot, id, held, closed, next_at)
         select d.slot, d.lane, e.held, e.closed, min(d.due_at)
         from delivery d join endpoint e on e.number = d.lane / ${LANE_PARTS}
         group by d.slot, d.lane, e.held, e.closed order by d.slot, d.lane
         on conflict (slot, id) do update
           set next_at = greatest(excluded.next_at, lane.not_before)`,
      );
      await tx.run(
        `insert into fifo (slot, lane, last_due)
         select d.slot, d.lane, max(d.due_at) from delivery d
         join endpoint e on e.number = d.lane / ${LANE_PARTS} and e.fifo
         group by d.slot, d.lane on conflict do nothing`,
      );
      await tx.run(
        `update head set version = coalesce((select max(version) from item), 0),
           routing = coalesce((select max(version) from item where kind in ('endpoint', 'tenant')), 0)`,
      );
      if (facts.removed > 0) {
        await tx.run(
          `insert into meta (key, value) values ('log_removed_to', $1)
           on conflict (key) do update set value = excluded.value`,
          String(facts.removed),
        );
      }
      for (const [sequence, last] of [
        ['endpoint_number_seq', facts.endpoint],
        ['attempt_seq', facts.attempt],
        ['inbox_number_seq', facts.inbox],
      ] as const) {
        if (last > 0) await tx.get(`select setval('${sequence}', $1)`, last);
      }
    });
    await this.#long.script('analyze');
  }

  /** From now on nodes may start on it. */
  async end(): Promise<void> {
    await this.#db.writes.run(`delete from meta where key = '${TRANSFER}'`);
  }

  async close(): Promise<void> {
    await Promise.all([this.#db.close(), this.#long.close()]);
  }
}
