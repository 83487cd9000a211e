import type { EndpointId, Ms, TenantId } from '../../../core/model.ts';
import { NO_HEALTH } from '../../../core/tally.ts';
import {
  type FollowBudget,
  type Followed,
  STATS_WINDOWS,
  type Stats,
  type StatsStore,
  type StatsWindow,
  statsOf,
  windowStart,
} from '../../stats.ts';
import { StoreError } from '../../store.ts';
import type { Subject } from '../../tallying.ts';
import type { Database } from '../database.ts';
import type { Finder, Reach } from '../finder.ts';
import { timeOfSeq } from '../keys.ts';
import { type Narrow, numberOf, wordOf } from '../narrow.ts';
import { everywhere, type Ranges } from '../ranges.ts';
import { anchorOf, count, readPlace, writePlace } from './counting.ts';
import { DerivedFile, type DerivedFileOptions, type Driver } from './file.ts';
import { resetIndexPlace } from './index-place.ts';
import { gapOf, indexNext } from './indexing.ts';
import { ATTEMPTS_PER_BLOCK, pruneMarks } from './marks.ts';
import {
  dropOld,
  noteForgotten,
  readRewriting,
  resetForgotten,
  rewriteNext,
  stopRewriting,
} from './rewriting.ts';
import { findHits, type Hits, type HitsQuery } from './searching.ts';
import { attemptRanges, eventRanges, type Marked } from './skips.ts';
import { pruneTallies, readHealth, readTallies, writeTallying } from './tallies.ts';
import { dropVolume, volumes } from './volumes.ts';

/** Rows that a reader has counted for itself before it is answered: a few milliseconds. */
const CATCH_UP_ROWS = 2000;
const CATCH_UP_DOCS = 100;

export interface DerivedOptions extends Pick<DerivedFileOptions, 'replaced' | 'bytesMax'> {
  readonly driver: Driver;
  readonly directory: string;
  /** A connection to the log that only reads. */
  readonly log: Database;
  /** false = no text index is kept. */
  readonly search: boolean;
}

/** What is derived from the log, in a file of its own (docs/decisions/0013-derived-store.md). */
export class SqliteDerived implements StatsStore, Finder {
  readonly searches: boolean;
  readonly #log: Database;
  readonly #file: DerivedFile;

  constructor(options: DerivedOptions) {
    this.#log = options.log;
    this.searches = options.search;
    this.#file = new DerivedFile({
      ...options,
      logId: logId(options.log),
      opened: (db) => {
        checkPlace(db, this.#log);
        if (!options.search) db.transaction(() => forgetIndex(db));
      },
    });
  }

  /**
   * Better before the log grows: if it lost its end, keys are given out again, and only now it is known
   * which.
   */
  open(): void {
    this.#file.open();
  }

  async tenant(tenant: TenantId, window: StatsWindow, now: Ms): Promise<Stats> {
    const countedTo = this.#catchUp();
    return this.#stats('tenant', wordOf(this.#log, tenant), { window, now, countedTo });
  }

  async endpoints(ids: readonly EndpointId[], window: StatsWindow, now: Ms): Promise<Stats[]> {
    const countedTo = this.#catchUp();
    const about = { window, now, countedTo };
    return ids.map((id) => this.#stats('endpoint', numberOf(this.#log, id), about));
  }

  async follow({ rows, docs }: FollowBudget, now: Ms): Promise<Followed> {
    const { counted, upTo } = this.#count(rows);
    const pruned = this.#file.write((db) => this.#prune(db, now));
    const more = pruned || upTo !== undefined;
    if (!this.searches || docs === 0) return { counted, indexed: 0, more, moreDocs: false };
    const { indexed, moreDocs } = this.#index(docs, now);
    return { counted, indexed, more, moreDocs };
  }

  #index(limit: number, now: Ms): { indexed: number; moreDocs: boolean } {
    const log = this.#log;
    const { docs: indexed, upTo } = this.#file.write((db) => indexNext(log, db, limit));
    const left = this.#file.write((db) =>
      [
        noteForgotten(log, db, now),
        dropOld(log, db),
        // What is new comes before what is to be written again.
        upTo === undefined && rewriteNext(log, db, { limit, now }),
      ].includes(true),
    );
    return { indexed, moreDocs: left || upTo !== undefined };
  }

  hits(narrow: Narrow, ask: HitsQuery): Hits {
    return this.#file.read((db) => findHits(db, narrow, ask));
  }

  reach(): Reach {
    const log = this.#log;
    try {
      const { upTo } = this.#file.write((db) => indexNext(log, db, CATCH_UP_DOCS));
      const from = upTo === undefined ? undefined : this.#file.read((db) => gapOf(log, db));
      return { searchedTo: upTo, from };
    } catch (error) {
      // What is in the index can be found all the same.
      if (!(error instanceof StoreError) || error.kind !== 'full') throw error;
      const from = this.#file.read((db) => gapOf(log, db));
      return { searchedTo: timeOfSeq(Math.max(from - 1, 0)), from };
    }
  }

  close(): void {
    this.#file.close();
  }

  #prune(db: Database, now: Ms): boolean {
    const row = this.#log.get<{ attempt: number | null; event: number | null }>(
      'select (select min(seq) from attempt) as attempt, (select min(seq) from event) as event',
    );
    const { attempt, event } = row ?? {};
    const marks = pruneMarks(db, { attempt: attempt ?? 0, event: event ?? 0 });
    return pruneTallies(db, now) || marks;
  }

  attemptRanges(narrow: Narrow, at: Parameters<typeof attemptRanges>[2]): Ranges {
    const { state, status, fault } = narrow.query;
    const { from, to } = at.time;
    const asked = narrow.type ?? narrow.pattern ?? state ?? status ?? fault ?? from ?? to;
    if (asked === undefined) return everywhere(at.before);
    return this.#ranges(at.before, (of) => attemptRanges(of, narrow, at));
  }

  eventRanges(narrow: Narrow, before: number | undefined): Ranges {
    if ((narrow.type ?? narrow.pattern) === undefined) return everywhere(before);
    return this.#ranges(before, (of) => eventRanges(of, narrow, before));
  }

  /** A list does not depend on what is derived: without it, it takes more pages. */
  #ranges(before: number | undefined, find: (of: Marked) => Ranges): Ranges {
    try {
      this.#catchUp();
      return this.#file.read((db) => find({ db, log: this.#log, counted: readPlace(db) }));
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind === 'fatal') throw error;
      return everywhere(before);
    }
  }

  /** What a full disk keeps from being counted is told by `countedTo`; the rest is readable. */
  #catchUp(): Ms | undefined {
    try {
      return this.#count(CATCH_UP_ROWS).upTo;
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'full') throw error;
      return timeOfSeq(Math.max(this.#file.read(readPlace).event, 0));
    }
  }

  #count(rows: number): { counted: number; upTo: Ms | undefined } {
    const place = this.#file.read(readPlace);
    const counted = count(this.#log, place, rows);
    if (counted.rows > 0) {
      this.#file.write((db) => {
        writeTallying(db, counted.tallying);
        counted.marks.write(db);
        writePlace(db, counted.place);
      });
    }
    return { counted: counted.rows, upTo: counted.upTo };
  }

  #stats(
    subject: Subject,
    of: number | undefined,
    about: { window: StatsWindow; now: Ms; countedTo: Ms | undefined },
  ): Stats {
    const { window, now, countedTo } = about;
    if (of === undefined) {
      return statsOf(window, now, { tallies: new Map(), health: NO_HEALTH, countedTo });
    }
    return this.#file.read((db) => {
      const { bucketMs } = STATS_WINDOWS[window];
      const from = windowStart(window, now);
      const tallies = readTallies(db, { subject, of, bucketMs, from });
      return statsOf(window, now, { tallies, health: readHealth(db, subject, of), countedTo });
    });
  }
}

/** Random at a store's first start, and sealed: no other store has it. */
function logId(log: Database): string {
  const sql = "select value from meta where key = 'master_key_check'";
  return String(log.get<{ value: string }>(sql)?.value);
}

/**
 * After a power cut, or with a backup in its place, the log may end before the place that was counted;
 * keys are given out again from its end. What was counted of the lost rows did happen, and stays.
 */
function checkPlace(db: Database, log: Database): void {
  const place = readPlace(db);
  const there = log.get<{ event: number; started_at: Ms }>(
    'select event, started_at from attempt where seq = ?',
    place.attempt,
  );
  if (there && anchorOf(there) !== place.anchor) {
    throw new StoreError('fatal', 'its log was replaced by another one');
  }
  const ends = log.get<Ends>(
    `select (select max(seq) from attempt) as last,
       (select value from meta where key = 'attempt_removed') as removed,
       (select seq from sqlite_sequence where name = 'late_event') as late,
       (select seq from sqlite_sequence where name = 'forgotten') as forgotten`,
  );
  db.transaction(() => resetForgotten(db, ends?.forgotten ?? 0));
  const end = Math.max(ends?.last ?? 0, ends?.removed ?? 0);
  const attempt = Math.min(place.attempt, end);
  const late = Math.min(place.late, ends?.late ?? 0);
  if (attempt === place.attempt && late === place.late) return;
  db.transaction(() => {
    writePlace(db, { ...place, attempt, late });
    resetIndexPlace(db, { attempt: end, late: ends?.late ?? 0 });
    // Times of what is lost; marks that are too many do no harm.
    db.run('delete from attempt_block where block > ?', Math.floor(attempt / ATTEMPTS_PER_BLOCK));
  });
}

interface Ends {
  readonly last: number | null;
  readonly removed: number | null;
  readonly late: number | null;
  readonly forgotten: number | null;
}

/** Search was switched off: when it is switched on again, the index is made from the log as it is then. */
function forgetIndex(db: Database): void {
  const rewriting = readRewriting(db);
  if (rewriting) stopRewriting(db, rewriting);
  for (const { n } of volumes(db)) dropVolume(db, n);
  resetIndexPlace(db);
}
