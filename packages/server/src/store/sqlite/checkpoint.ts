import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Database, loadDriver } from './database.ts';

const EVERY_MS = 250;
/** A log smaller than this is left alone: SQLite's own default of 1,000 pages. */
const LOG_BYTES = 4 * 1024 * 1024;

/**
 * Moves pages from the log into the database on a connection of its own, so that the thread that
 * commits pays neither for the copying nor for its two flushes. PASSIVE: it never holds up a writer or
 * a reader; what is written meanwhile is left for the next time, and a log that outgrows
 * `DatabaseOptions.checkpointPages` is caught up with by the writer itself.
 * https://www.sqlite.org/wal.html#ckpt
 */
export async function startCheckpoints(
  directory: string,
  failed: (error: Error) => void,
): Promise<() => void> {
  const path = join(directory, 'posthorn.db');
  const db = new Database(await loadDriver(), { path, readOnly: false, checkpointPages: 0 });
  const timer = setInterval(() => {
    try {
      if (statSync(`${path}-wal`).size >= LOG_BYTES) db.get('pragma wal_checkpoint(passive)');
    } catch (error) {
      failed(error as Error);
    }
  }, EVERY_MS);
  return () => {
    clearInterval(timer);
    db.close();
  };
}
