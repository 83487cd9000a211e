import type { Ms } from '../../core/model.ts';
import type { LaneEntry } from '../lane-book.ts';
import { logDecision } from './attempts.ts';
import { type Engine, readEventHead } from './engine.ts';

/** Rows that are owed, as housekeeping walks over them. */

export const OPEN = 'slot, lane, due_at, event as seq, run';
export interface OpenRow {
  readonly slot: number;
  readonly lane: number;
  readonly due_at: Ms;
  readonly seq: number;
  readonly run: number;
}

/** Rows that left each lane. */
export type Gone = Map<LaneEntry, number>;

export function gone(rows: Gone, entry: LaneEntry, count = 1): void {
  rows.set(entry, (rows.get(entry) ?? 0) + count);
}

export function dropRow(engine: Engine, row: OpenRow): void {
  engine.db.run(
    'delete from delivery where slot = ? and lane = ? and due_at = ? and event = ? and run = ?',
    row.slot,
    row.lane,
    row.due_at,
    row.seq,
    row.run,
  );
}

/** Ends a row as failed, because it was held for too long. */
export function giveUp(engine: Engine, row: OpenRow, now: Ms): void {
  const event = readEventHead(engine, row.seq);
  if (event) {
    logDecision(engine, {
      run: row,
      tenant: event.tenant,
      type: event.type,
      state: 'failed',
      fault: 'expired',
      detail: 'Held longer than events are kept.',
      now,
    });
  }
  dropRow(engine, row);
}
