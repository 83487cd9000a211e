import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../delivery/harness.suite.ts';
import { Database, loadDriver } from '../sqlite/database.ts';
import { openSqlite } from '../sqlite/open.ts';
import { INBOX_FILE, openSqliteInbox } from '../sqlite/open-inbox.ts';

/** A table that is added to SQLite's schema must be carried over, or stand here with the reason. */

const CARRIED = [
  ...[
    'endpoint_number',
    'item',
    'event',
    'attempt',
    'delivery',
    'expansion',
    'lane',
    'alert',
    'job',
  ],
  ...['inbox', 'capture', 'piece', 'exchange', 'listener'],
];
const LEFT = {
  meta: 'what matters of it is read by SqliteSource.facts',
  word: 'SQLite’s own numbers for texts',
  command: 'carried out when the source is opened',
  late_event: 'for followers of SQLite’s log; PostgreSQL numbers arrivals',
  forgotten: 'for what is derived, which is made anew',
  attachment: 'whoever was attached is not any more',
  sqlite_sequence: 'read by SqliteSource.facts',
};

test('every table of a data directory is carried over, or left for a reason', async () => {
  const directory = temporaryDirectory();
  const masterKey = 'm'.repeat(32);
  const store = await openSqlite({ directory, masterKey, now: () => 0 });
  const inbox = await openSqliteInbox({ directory, masterKey });
  const driver = await loadDriver();
  const found = ['posthorn.db', INBOX_FILE].flatMap((name) => {
    const db = new Database(driver, { path: join(directory, name), readOnly: true });
    const tables = db.all<{ name: string }>("select name from sqlite_master where type = 'table'");
    db.close();
    return tables.map((table) => table.name);
  });
  await inbox.close();
  await store.close();
  expect([...new Set(found)].sort()).toEqual([...CARRIED, ...Object.keys(LEFT)].sort());
});
