import { Database, loadDriver } from './database.ts';

/**
 * Work on whole database files, for backups. It takes as long as a file is large, and holds its thread:
 * whoever has something else to do calls it in one of its own.
 */
export type SnapshotTask =
  /** A copy as it was at one moment, also while others write: without free pages, without a log. */
  | { readonly do: 'copy'; readonly from: string; readonly to: string }
  /** Reads all of it. */
  | { readonly do: 'check'; readonly path: string }
  /** How large a copy would be, about. */
  | { readonly do: 'measure'; readonly path: string };

export interface SnapshotFacts {
  /** The first things that are wrong with it; undefined = nothing is. */
  readonly damage?: string | undefined;
  readonly bytes?: number;
  /** Rows of what people count, by table. */
  readonly rows?: Readonly<Record<string, number>>;
}

const COUNTED = ['event', 'delivery', 'attempt', 'capture'] as const;

export async function snapshot(task: SnapshotTask): Promise<SnapshotFacts> {
  const path = task.do === 'copy' ? task.from : task.path;
  const db = new Database(await loadDriver(), { path, readOnly: true });
  try {
    if (task.do === 'measure') return { bytes: usedBytes(db) };
    if (task.do === 'check') return check(db);
    db.run('vacuum into ?', task.to);
    return {};
  } finally {
    db.close();
  }
}

function usedBytes(db: Database): number {
  const read = (name: string) =>
    Number(Object.values(db.get<Record<string, number>>(`pragma ${name}`) ?? {})[0]);
  return (read('page_count') - read('freelist_count')) * read('page_size');
}

function check(db: Database): SnapshotFacts {
  const found = db
    .all<{ integrity_check: string }>('pragma integrity_check(3)')
    .map((row) => row.integrity_check);
  if (found.join() !== 'ok') return { damage: found.join('; ') };
  const tables = db
    .all<{ name: string }>("select name from sqlite_schema where type = 'table'")
    .map(({ name }) => name);
  const rows = COUNTED.filter((name) => tables.includes(name)).map((name) => {
    const count = db.get<{ n: number }>(`select count(*) as n from ${name}`)?.n ?? 0;
    return [name, count] as const;
  });
  return { rows: Object.fromEntries(rows) };
}
