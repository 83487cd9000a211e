import type { InboxStore } from '../inbox.ts';
import { StoreError } from '../store.ts';
import { createVault, type Vault } from '../vault.ts';
import { PgAnswers } from './answers.ts';
import { PgCaptures } from './captures.ts';
import { Connections, type DatabaseOptions } from './database.ts';
import { InboxHousekeeping } from './inbox-housekeeping.ts';
import { PgListeners } from './listeners.ts';
import { PgRuleCounts } from './rule-counts.ts';

export interface PostgresInboxOptions {
  /** Of a store that is open in this process: its schema is there. */
  readonly url: string;
  readonly masterKey: string;
}

export interface InboxParts {
  readonly db: InboxConnections;
  readonly vault: Vault;
}

const HOT_MS = 10_000;
const READ_MS = 30_000;

/** Apart from those of the store: no flood of strangers' requests delays what is owed. Four at most. */
export class InboxConnections {
  readonly writes: Connections;
  /** Cursors, exchanges and answers: losing the last moments of them repeats captures, no more. */
  readonly progress: Connections;
  readonly reads: Connections;

  constructor(options: DatabaseOptions) {
    const keys = 'enable_seqscan=off enable_hashjoin=off enable_mergejoin=off';
    const quick = `${keys} synchronous_commit=off`;
    this.writes = new Connections(options, { max: 2, settings: keys, timeoutMs: HOT_MS });
    this.progress = new Connections(options, { max: 1, settings: quick, timeoutMs: HOT_MS });
    this.reads = new Connections(options, { max: 1, settings: keys, timeoutMs: READ_MS });
  }

  async close(): Promise<void> {
    await Promise.all([this.writes, this.progress, this.reads].map((pool) => pool.close()));
  }
}

/** The inbox store that all nodes share; connections are made when they are first needed. */
export function openPostgresInbox({ url, masterKey }: PostgresInboxOptions): InboxStore {
  const db = new InboxConnections({ url, name: 'posthorn-inbox' });
  const vault = createVault(masterKey);
  const captures = new PgCaptures({ db, vault });
  const listeners = new PgListeners(db);
  const housekeeping = new InboxHousekeeping(db);
  let closing: Promise<void> | undefined;
  return {
    captures,
    listeners,
    answers: new PgAnswers({ db, vault }),
    rules: new PgRuleCounts(db),
    maintain: (chunk, now) => housekeeping.step(chunk, now),
    close() {
      closing ??= closeAll(db, listeners);
      return closing;
    },
  };
}

/** A server that is away keeps nobody from closing: attachments end by themselves. */
async function closeAll(db: InboxConnections, listeners: PgListeners): Promise<void> {
  try {
    await listeners.leave();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
  } finally {
    await db.close();
  }
}
