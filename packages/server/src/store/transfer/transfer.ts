import { randomBytes } from 'node:crypto';
import { StoreError } from '../store.ts';
import { CAPTURE_STEPS } from './captures.ts';
import { OWED_STEPS } from './owed.ts';
import { ROW_STEPS } from './rows.ts';
import { SqliteSource } from './source.ts';
import type { Cursor, Step } from './step.ts';
import { PostgresTarget, type TransferState } from './target.ts';

/**
 * Carries a whole store from SQLite to PostgreSQL, row by row in the order of the tables' keys. Each
 * piece is written together with the place it leads to, so a transfer that was killed goes on where
 * it was, and no row is written twice. Until it is over, nobody can start on either store.
 */

export interface TransferOptions {
  /** The data directory. */
  readonly from: string;
  /** `postgresql://…`. */
  readonly to: string;
  readonly masterKey: string;
  readonly progress: (progress: Progress) => void;
}

export interface Progress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

/** One line of what was compared at the end. */
export interface Check {
  readonly what: string;
  readonly source: number;
  readonly target: number;
}

export interface Transferred {
  readonly resumed: boolean;
  readonly checks: readonly Check[];
}

const STEPS: readonly Step[] = [...ROW_STEPS, ...OWED_STEPS, ...CAPTURE_STEPS];

export async function transfer(options: TransferOptions): Promise<Transferred> {
  const source = await SqliteSource.open({ directory: options.from, masterKey: options.masterKey });
  try {
    const target = await PostgresTarget.open({ url: options.to, masterKey: options.masterKey });
    try {
      return await carry({ source, target }, options);
    } finally {
      await target.close();
    }
  } finally {
    source.close();
  }
}

interface Ends {
  readonly source: SqliteSource;
  readonly target: PostgresTarget;
}

async function carry(ends: Ends, { to, progress }: TransferOptions): Promise<Transferred> {
  const { source, target } = ends;
  const identity = source.identity();
  const begun = await target.state();
  if (begun && begun.source !== identity) {
    throw new StoreError(
      'fatal',
      'The target holds the beginning of a transfer from another data directory. Finish that one, or empty the target: drop schema posthorn cascade.',
    );
  }
  if (!begun && source.moved !== undefined) throw new StoreError('fatal', source.moved);
  const first: TransferState = {
    source: identity,
    transfer: randomBytes(8).toString('hex'),
    step: 0,
    after: null,
  };
  const state = begun ?? (await target.begin(first));
  const totals = STEPS.map((step) => step.count(source));
  const total = totals.reduce((sum, count) => sum + count, 0);
  let before = totals.slice(0, state.step).reduce((sum, count) => sum + count, 0);
  for (let i = state.step; i < STEPS.length; i++) {
    const step = STEPS[i] as Step;
    const after = i === state.step ? state.after : null;
    let done = after ? step.countUpTo(source, after) : 0;
    for (let place: Cursor | null = after; ; ) {
      progress({ step: step.name, done: Math.min(before + done, total), total });
      const piece = step.read(source, place);
      await target.write(async (tx) => {
        await piece.write(target, tx);
        const next =
          piece.next === null ? { step: i + 1, after: null } : { step: i, after: piece.next };
        await target.note(tx, { ...state, ...next });
      }, piece.days);
      done += piece.rows;
      place = piece.next;
      if (place === null) break;
    }
    before += totals[i] ?? 0;
  }
  await target.finish(source.facts());
  progress({ step: 'comparing', done: total, total });
  const checks = await compare(ends);
  const wrong = checks.filter((check) => check.source !== check.target);
  if (wrong.length > 0) {
    const said = wrong.map((one) => `${one.what}: ${one.source} became ${one.target}`).join('; ');
    throw new StoreError(
      'fatal',
      `What was carried over is not what was there: ${said}. Nothing was switched over; the data directory is as it was.`,
    );
  }
  // From here on the directory is the old one, and then the database may be used.
  source.moveTo(to);
  await target.end();
  return { resumed: begun !== undefined, checks };
}

async function compare({ source, target }: Ends): Promise<Check[]> {
  const checks: Check[] = [];
  for (const step of STEPS) {
    for (const [what, queries] of Object.entries(step.checks)) {
      checks.push({
        what,
        source: source.number(step.file, queries.sqlite),
        target: await target.number(queries.postgres),
      });
    }
  }
  return checks;
}
