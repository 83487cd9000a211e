import { type ClientBase, Pool, type PoolClient, type PoolConfig, types as pgTypes } from 'pg';
import { StoreError } from '../store.ts';
import { eventIdOf } from './arrays.ts';

/** Only the types that rows have; the process may use the same driver for something else. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  20: Number,
  1016: (text) => text.slice(1, -1).split(',').filter(Boolean).map(Number),
  2950: eventIdOf,
};
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    PARSERS[oid] ?? pgTypes.getTypeParser(oid, format ?? 'text'),
} as NonNullable<PoolConfig['types']>;

export type Value = null | number | string | boolean | Uint8Array;

export interface DatabaseOptions {
  readonly url: string;
  /** What the server's own list of connections calls them. */
  readonly name: string;
  /** Stands between the code and the server, for tests that take a lock away to show what it is for. */
  readonly rewrite?: ((sql: string) => string) | undefined;
}

const CONNECT_MS = 5000;
const HOT_MS = 10_000;
const READ_MS = 30_000;
/** The server gives up first, so that its reason is what we hear. */
const MARGIN_MS = 2000;

/**
 * Five small pools, so that no kind of work waits for the connections of another: producers, lanes
 * (with the heartbeat), outcomes, reads, and what is derived from the log. Ten connections at most.
 */
export class Database {
  /** A connection broke: what was under way on it may have been committed or not. */
  lost: () => void = () => {};
  /** Durable transactions: events, configuration, what people ask for. */
  readonly writes: Connections;
  readonly lanes: Connections;
  /** Losing the last moments of it in a crash of the server repeats deliveries, no more. */
  readonly outcomes: Connections;
  readonly reads: Connections;
  /** It can all be made again, so losing the last moments of it is losing nothing. */
  readonly derived: Connections;

  constructor(options: DatabaseOptions) {
    // Every hot statement is a walk over keys and must stay one, although its tables fill and empty
    // within seconds. So plans are made for the sizes of the moment, and of one kind.
    const keys = 'enable_seqscan=off enable_hashjoin=off enable_mergejoin=off';
    const lost = () => this.lost();
    const open = (pool: PoolOptions) => new Connections({ ...options, lost }, pool);
    // And a walk in the order of an index is never a heap of all that is found there, sorted.
    const hot = `${keys} enable_bitmapscan=off`;
    this.writes = open({ max: 2, settings: hot, timeoutMs: HOT_MS });
    this.lanes = open({ max: 2, settings: hot, timeoutMs: HOT_MS });
    const quick = 'synchronous_commit=off';
    this.outcomes = open({ max: 1, settings: `${hot} ${quick}`, timeoutMs: HOT_MS });
    this.reads = open({ max: 3, settings: '', timeoutMs: READ_MS });
    this.derived = open({ max: 2, settings: `${keys} ${quick}`, timeoutMs: READ_MS });
  }

  async close(): Promise<void> {
    const { writes, lanes, outcomes, reads, derived } = this;
    await Promise.all([writes, lanes, outcomes, reads, derived].map((pool) => pool.close()));
  }
}

interface PoolOptions {
  readonly max: number;
  /** `name=value`, separated by spaces. */
  readonly settings: string;
  readonly timeoutMs: number;
}

/** Deadlocks are broken by the server; the loser tries again (deadlock, serialization). */
const CONTENDED = new Set(['40P01', '40001']);
const TRIES = 5;

/** Who runs statements: any free connection, or the one of a transaction. */
export interface Querying {
  all<Row>(sql: string, ...values: Value[]): Promise<Row[]>;
  get<Row>(sql: string, ...values: Value[]): Promise<Row | undefined>;
  /** How many rows it touched. */
  run(sql: string, ...values: Value[]): Promise<number>;
  /** Several statements without parameters, as they stand. */
  script(sql: string): Promise<void>;
}

export class Connections implements Querying {
  readonly #pool: Pool;
  readonly #statements: Statements;
  readonly #lost: () => void;

  constructor(
    { url, name, lost = () => {}, rewrite }: DatabaseOptions & Partial<Pick<Database, 'lost'>>,
    { max, settings, timeoutMs }: PoolOptions,
  ) {
    this.#lost = lost;
    this.#statements = new Statements(rewrite);
    const common = `search_path=posthorn jit=off plan_cache_mode=force_custom_plan statement_timeout=${timeoutMs} lock_timeout=${timeoutMs / 2} idle_in_transaction_session_timeout=10s`;
    this.#pool = new Pool({
      connectionString: url,
      application_name: name,
      max,
      types,
      pipeline: true,
      keepAlive: true,
      idleTimeoutMillis: 60_000,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: timeoutMs + MARGIN_MS,
      options: `${common} ${settings}`.replaceAll(/(^| )(?=\w)/g, ' -c ').trim(),
    } as PoolConfig);
    // An idle connection that breaks is replaced by the next request; without a listener it would
    // end the process.
    this.#pool.on('error', () => lost());
  }

  async all<Row>(sql: string, ...values: Value[]): Promise<Row[]> {
    return this.#with((client) => this.#statements.all<Row>(client, sql, values));
  }

  async get<Row>(sql: string, ...values: Value[]): Promise<Row | undefined> {
    return (await this.all<Row>(sql, ...values))[0];
  }

  async run(sql: string, ...values: Value[]): Promise<number> {
    return this.#with((client) => this.#statements.run(client, sql, values));
  }

  async script(sql: string): Promise<void> {
    await this.#with((client) => client.query(sql));
  }

  /** All of `body` or nothing; run again from its start if the server broke a deadlock with it. */
  async transaction<T>(body: (tx: Querying) => Promise<T>, atOnce = false): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#with((client) => this.#transaction(client, body, atOnce));
      } catch (error) {
        const again = error instanceof Repeat || CONTENDED.has(codeOf(error));
        if (!again || tries === TRIES) throw storeError(error);
      }
    }
  }

  /**
   * The same in one round trip: `body` makes all its statements without waiting for an answer. If one
   * fails, the server refuses those behind it, and the commit too.
   */
  async burst<T>(body: (tx: Querying) => Promise<T>): Promise<T> {
    return this.transaction(body, true);
  }

  async #transaction<T>(
    client: ClientBase,
    body: (tx: Querying) => Promise<T>,
    atOnce: boolean,
  ): Promise<T> {
    const begun = client.query('begin');
    const statements = this.#statements;
    const tx: Querying = {
      all: (sql, ...values) => statements.all(client, sql, values),
      get: async (sql, ...values) => (await statements.all<never>(client, sql, values))[0],
      run: (sql, ...values) => statements.run(client, sql, values),
      script: async (sql) => void (await client.query(sql)),
    };
    try {
      // Sent together with the body's first statement; a failure of it fails the body too.
      begun.catch(() => {});
      const doing = body(tx);
      if (!atOnce) await doing;
      const committed = client.query('commit');
      // Not before the server has answered all of it is the connection free.
      await Promise.allSettled([doing, committed]);
      const result = await doing;
      await committed;
      return result;
    } catch (error) {
      if (!isLost(error) && !atOnce) await client.query('rollback').catch(() => {});
      throw error;
    }
  }

  async #with<T>(use: (client: ClientBase) => Promise<T>): Promise<T> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw storeError(error);
    }
    let broken: Error | undefined;
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('error', onError);
    try {
      return await use(client);
    } catch (error) {
      if (isLost(error)) {
        broken ??= error as Error;
        this.#lost();
      }
      throw error instanceof Repeat ? error : storeError(error);
    } finally {
      client.removeListener('error', onError);
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** Statements are prepared once per connection, under a name that stands for their text. */
class Statements {
  readonly #rewrite: (sql: string) => string;
  readonly #names = new Map<string, string>();

  constructor(rewrite: (sql: string) => string = (sql) => sql) {
    this.#rewrite = rewrite;
  }

  async all<Row>(client: ClientBase, given: string, values: Value[]): Promise<Row[]> {
    const text = this.#rewrite(given);
    return (await client.query({ name: this.#name(text), text, values })).rows as Row[];
  }

  async run(client: ClientBase, given: string, values: Value[]): Promise<number> {
    const text = this.#rewrite(given);
    return (await client.query({ name: this.#name(text), text, values })).rowCount ?? 0;
  }

  #name(text: string): string {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const name = `s${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }
}

/** Thrown inside a transaction: what it was built on changed meanwhile, so it begins again. */
export class Repeat extends Error {}

export function codeOf(error: unknown): string {
  const cause = error instanceof StoreError ? error.cause : error;
  return String((cause as { code?: unknown } | undefined)?.code ?? '');
}

/** What the driver says when it was not the server that answered. */
const DRIVER =
  /^(Connection terminated|Query read timeout|timeout e|Client has encountered|Client was closed)/;

/** Nobody knows whether the last statement was carried out. */
export function isLost(error: unknown): boolean {
  const cause = error instanceof StoreError ? error.cause : error;
  if (!(cause instanceof Error)) return false;
  const { code, severity } = cause as { code?: string; severity?: string };
  if (severity !== undefined) return /^(08|57P)/.test(code ?? '');
  return DRIVER.test(cause.message) || /^E[A-Z]+$/.test(code ?? '');
}

/** Names what the server or the network reports (PostgreSQL, appendix A). */
export function storeError(error: unknown): Error {
  if (!(error instanceof Error) || error instanceof StoreError) return error as Error;
  const code = codeOf(error);
  if (error instanceof Repeat) {
    return new StoreError('unavailable', 'The store is contended: try again.', error);
  }
  if (code === '53100') {
    return new StoreError('full', 'The disk of the PostgreSQL server is full.', error);
  }
  if (code.startsWith('28') || code === '3D000') {
    return new StoreError('fatal', `PostgreSQL refused the connection: ${error.message}.`, error);
  }
  if (isLost(error)) {
    return new StoreError('unavailable', `PostgreSQL does not answer: ${error.message}.`, error);
  }
  // Not a word of the server's: a mistake of our own.
  if (code === '') return error;
  return new StoreError('unavailable', `PostgreSQL: ${error.message} (${code})`, error);
}
