import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { afterAll } from 'vitest';
import { hasPostgres, sharedPostgres } from '../../../../wire/test/services.ts';
import type { InboxStore } from '../inbox.ts';
import { masterKey } from '../sqlite/open-for-suite.suite.ts';
import { type OpenOptions, T0 } from '../suite/world.suite.ts';
import { Database } from './database.ts';
import { openOn, openPostgres, type PostgresOptions, type PostgresStore } from './open.ts';
import { openPostgresInbox } from './open-inbox.ts';
import type { Place } from './place.ts';

export { hasPostgres };

/** Title of a suite that needs a server: what is skipped says what it needs. */
export function needing(what: string): string {
  return hasPostgres ? what : `${what} (needs PostgreSQL: apt-get install postgresql)`;
}

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
  delete from posthorn.listening; delete from posthorn.answer; delete from posthorn.rule_count;
  delete from posthorn.staged; delete from posthorn.staged_refused;
  delete from posthorn.tally; delete from posthorn.health;
  update posthorn.counted set event = 0, attempt = 0;
  delete from posthorn.doc; delete from posthorn.doc_volume;
  insert into posthorn.doc_volume values (1, '00000000-0000-0000-0000-000000000000', 0);
  update posthorn.indexed set event = 0, attempt = 0, at = 0,
    newest = '00000000-0000-0000-0000-000000000000';`;

/** Stores come and go; the connections stay, because new ones make a short test ten times as long. */
class KeptDatabase extends Database {
  override async close(): Promise<void> {
    this.lost = () => {};
  }

  async end(): Promise<void> {
    await super.close();
  }
}

/** The days around which suites begin; those that tests let come are dropped with what they leave. */
const DROP_DAYS = `
  do $$
  declare
    part text;
  begin
    for part in select relname from pg_class
      where relkind = 'r' and relnamespace = 'posthorn'::regnamespace
        and relname ~ '^(event|attempt|doc)_[0-9]{8}$'
        and right(relname, 8) not between '20231113' and '20231115'
        and right(relname, 8) not between '20261121' and '20261129' loop
      execute format('drop table posthorn.%I', part);
    end loop;
  end $$;`;

/** Databases on a server that all files of a worker use. */
export class TestPostgres {
  #url: Promise<string> | undefined;
  readonly #daysAhead: number;
  #directory = '';
  #kept: KeptDatabase | undefined;

  /** `daysAhead`: fewer partitions make every statement quicker. */
  constructor({ daysAhead = 1 }: { daysAhead?: number } = {}) {
    this.#daysAhead = daysAhead;
    afterAll(() => this.#kept?.end());
  }

  /** An empty database of its own, copied from one that has the schema: that takes less time. */
  database(): Promise<string> {
    today ??= makeTemplate('template_today', {});
    return copyOf(today);
  }

  /** The same directory names the same store; another one is a new one, and the last is no more. */
  async open(
    { directory, now, limits }: OpenOptions,
    rewrite?: (sql: string) => string,
    place?: Place,
  ): Promise<PostgresStore> {
    const url = await this.databaseOf(directory);
    const part = place ? { place } : {};
    const options = { masterKey, now: () => now, limits, daysAhead: this.#daysAhead, ...part };
    if (rewrite) return openPostgres({ ...options, url, rewrite });
    this.#kept ??= new KeptDatabase({ url, name: 'posthorn' });
    return openOn(this.#kept, options);
  }

  /** As `open`. */
  async openInbox(directory: string): Promise<InboxStore> {
    const url = await this.databaseOf(directory);
    return openPostgresInbox({ url, masterKey });
  }

  /** The URL of the database that a directory names, in the same sense. */
  async databaseOf(directory: string): Promise<string> {
    const used = this.#url !== undefined;
    began ??= makeTemplate('template_began', { now: () => T0, daysAhead: 1 });
    this.#url ??= copyOf(began);
    const url = await this.#url;
    if (directory !== this.#directory && used) await this.#run(url, RESET + DROP_DAYS);
    this.#directory = directory;
    return url;
  }

  #run(url: string, sql: string): Promise<void> {
    return this.#kept ? this.#kept.reads.script(sql) : execute(url, sql);
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
}

/** With the days of now, and with those around which suites begin. */
let today: Promise<string> | undefined;
let began: Promise<string> | undefined;

async function makeTemplate(
  name: string,
  options: Pick<PostgresOptions, 'now' | 'daysAhead'>,
): Promise<string> {
  await execute(await urlOf('postgres'), `create database ${name}`);
  const url = await urlOf(name);
  await (await openPostgres({ url, masterKey, ...options })).close();
  // Whoever uses a copy brings a master key of its own.
  await execute(url, "delete from posthorn.meta where key = 'master_key_check'");
  return name;
}

async function copyOf(template: Promise<string>): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await execute(await urlOf('postgres'), `create database ${name} template ${await template}`);
  return urlOf(name);
}

async function urlOf(database: string): Promise<string> {
  const { socket } = await sharedPostgres();
  return `postgresql://postgres@localhost/${database}?host=${encodeURIComponent(socket)}`;
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
