import { createRequire } from 'node:module';
import type { SqliteDatabase } from '@posthorn/wire/idempotency/sqlite';

const require = createRequire(import.meta.url);

/** `node:sqlite` where there is one that is stable, the package with its interface elsewhere. */
export function openSqlite(path: string): SqliteDatabase & { close(): void } {
  const [major = 0] = process.versions.node.split('.').map(Number);
  const { DatabaseSync } = require(major >= 24 ? 'node:sqlite' : '@photostructure/sqlite');
  const db = new DatabaseSync(path);
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 5000');
  return db;
}
