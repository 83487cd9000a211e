import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterAll } from 'vitest';
import { hasPostgres, startPostgres } from '../../../../wire/test/services.ts';
import type { InboxStore } from '../inbox.ts';
import { masterKey } from '../sqlite/open-for-suite.suite.ts';
import type { Store } from '../store.ts';
import type { OpenOptions } from '../suite/world.suite.ts';
import { openPostgres } from './open.ts';
import { openPostgresInbox } from './open-inbox.ts';

export { hasPostgres };

/** Title of a suite that needs a server: what is skipped says what it needs. */
export function needing(what: string): string {
  return hasPostgres ? what : `${what} (needs PostgreSQL: apt-get install postgresql)`;
}

type Cluster = Awaited<ReturnType<typeof startPostgres>>;

/** What a test leaves behind; numbers begin anew. */
const RESET = `
  delete from posthorn.delivery; delete from posthorn.attempt; delete from posthorn.event;
  delete from posthorn.lane; delete from posthorn.fifo; delete from posthorn.idem;
  delete from posthorn.expansion; delete from posthorn.command; delete from posthorn.alert;
  delete from posthorn.node; delete from posthorn.lease; delete from posthorn.item; delete from posthorn.job;
  delete from posthorn.endpoint; delete from posthorn.meta where key in ('kept_from', 'log_removed_to');
  update posthorn.head set version = 0, routing = 0;
  alter sequence posthorn.node_id_seq restart; alter sequence posthorn.endpoint_number_seq restart;
  alter sequence posthorn.attempt_seq restart; alter sequence posthorn.event_seq restart;
  delete from posthorn.inbox; delete from posthorn.capture; delete from posthorn.exchange;
  delete from posthorn.listening; delete from posthorn.answer;
  delete from posthorn.tally; delete from posthorn.health;
  update posthorn.counted set event = 0, attempt = 0;
  delete from posthorn.doc; delete from posthorn.doc_volume;
  insert into posthorn.doc_volume values (1, '00000000-0000-0000-0000-000000000000', 0);
  update posthorn.indexed set event = 0, attempt = 0, at = 0,
    newest = '00000000-0000-0000-0000-000000000000';`;

/** A throw-away server for the tests of one file. */
export class TestPostgres {
  #cluster: Promise<Cluster> | undefined;
  #url: Promise<string> | undefined;
  #directory = '';
  #template: Promise<string> | undefined;
  readonly #byDirectory = new Map<string, Promise<string>>();

  constructor() {
    afterAll(async () => (await this.#cluster)?.stop(), 60_000);
  }

  /** An empty database of its own, copied from one that has the schema: that takes less time. */
  async database(): Promise<string> {
    this.#template ??= this.#makeTemplate();
    const template = await this.#template;
    const name = `test_${randomBytes(6).toString('hex')}`;
    await execute(await this.#urlOf('postgres'), `create database ${name} template ${template}`);
    return this.#urlOf(name);
  }

  /** The same directory names the same database. */
  databaseOf(directory: string): Promise<string> {
    const known = this.#byDirectory.get(directory) ?? this.database();
    this.#byDirectory.set(directory, known);
    return known;
  }

  async #makeTemplate(): Promise<string> {
    const name = 'template_posthorn';
    await execute(await this.#urlOf('postgres'), `create database ${name}`);
    const url = await this.#urlOf(name);
    await (await openPostgres({ url, masterKey })).close();
    // Whoever uses a copy brings a master key of its own.
    await execute(url, "delete from posthorn.meta where key = 'master_key_check'");
    return name;
  }

  /** The same directory names the same store; another one is a new one, and the last is no more. */
  async open(
    { directory, now, limits }: OpenOptions,
    rewrite: (sql: string) => string = (sql) => sql,
  ): Promise<Store> {
    const url = await this.#emptied(directory);
    return openPostgres({ url, masterKey, now: () => now, limits, rewrite });
  }

  /** As `open`. */
  async openInbox(directory: string): Promise<InboxStore> {
    const url = await this.#emptied(directory);
    return openPostgresInbox({ url, masterKey });
  }

  async #emptied(directory: string): Promise<string> {
    const used = this.#url !== undefined;
    this.#url ??= this.database();
    const url = await this.#url;
    if (directory !== this.#directory && used) await execute(url, RESET);
    this.#directory = directory;
    return url;
  }

  /** Of what is open, for further nodes. */
  get url(): Promise<string> {
    if (!this.#url) throw new Error('open() first');
    return this.#url;
  }

  /** A connection of the test's own to what is open. */
  async connect(): Promise<Client> {
    const client = new Client({ connectionString: await this.url });
    await client.connect();
    return client;
  }

  async #urlOf(database: string): Promise<string> {
    this.#cluster ??= startPostgres();
    const { socket } = await this.#cluster;
    return `postgresql://postgres@localhost/${database}?host=${encodeURIComponent(socket)}`;
  }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
