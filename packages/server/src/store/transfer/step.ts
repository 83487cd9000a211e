import type { Querying } from '../postgres/database.ts';
import type { Day } from '../postgres/partitions.ts';
import type { Row } from '../sqlite/database.ts';
import type { SourceFile, SqliteSource } from './source.ts';
import type { PostgresTarget } from './target.ts';

/** The key of the last row that was carried over. */
export type Cursor = readonly (number | string)[];

/** Rows that are written together. */
export interface Piece {
  readonly rows: number;
  /** null = there are no more. */
  readonly next: Cursor | null;
  /** Partitions that must be there. */
  readonly days: readonly Day[];
  write(target: PostgresTarget, tx: Querying): Promise<void>;
}

/** One table of the source, carried over in the order of its key. */
export interface Step {
  readonly name: string;
  readonly file: SourceFile;
  count(source: SqliteSource): number;
  countUpTo(source: SqliteSource, place: Cursor): number;
  read(source: SqliteSource, after: Cursor | null): Piece;
  /** What must be the same on both sides afterwards: a number by each. */
  readonly checks: Readonly<Record<string, { readonly sqlite: string; readonly postgres: string }>>;
}

export interface TableOf<R> {
  readonly name: string;
  readonly file: SourceFile;
  /** What follows `from` when rows are counted. */
  readonly table: string;
  readonly key: readonly string[];
  /** Smaller than every key. */
  readonly least: Cursor;
  /** Up to `where`, without it. */
  readonly select: string;
  readonly bytesOf?: (row: R) => number;
  readonly daysOf?: (row: R) => readonly Day[];
  readonly checks: Step['checks'];
  write(rows: readonly R[], target: PostgresTarget, tx: Querying): Promise<void>;
}

const ROWS_MAX = 500;
/** Bodies are read until so much is in memory. */
const BYTES_MAX = 4 * 1024 * 1024;

export function tableStep<R extends object>(of: TableOf<R>): Step {
  const { name, file, table, key, least, checks } = of;
  const places = key.map(() => '?').join(', ');
  const columns = key.join(', ');
  const names = key.map((column) => column.replace(/^.*\./, ''));
  return {
    name,
    file,
    checks,
    count: (source) => source.number(file, `select count(*) from ${table}`),
    countUpTo: (source, place) =>
      source.number(file, `select count(*) from ${table} where (${columns}) <= (${places})`, place),
    read(source, after) {
      const rows: R[] = [];
      let bytes = 0;
      let more = false;
      const sql = `${of.select} where (${columns}) > (${places}) order by ${columns} limit ${ROWS_MAX + 1}`;
      for (const row of source.iterate<R>(file, sql, after ?? least)) {
        if (rows.length === ROWS_MAX || bytes > BYTES_MAX) {
          more = true;
          break;
        }
        rows.push(row);
        bytes += of.bytesOf?.(row) ?? 0;
      }
      const last = rows.at(-1) as Row | undefined;
      return {
        rows: rows.length,
        next: more && last ? names.map((column) => last[column] as number | string) : null,
        days: [...new Set(rows.flatMap((row) => of.daysOf?.(row) ?? []))],
        write: async (target, tx) => {
          if (rows.length > 0) await of.write(rows, target, tx);
        },
      };
    },
  };
}

export function same(sqlite: string, postgres: string = sqlite): Step['checks'][string] {
  return { sqlite: `select ${sqlite}`, postgres: `select ${postgres}` };
}
