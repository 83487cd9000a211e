import type { LaneId, Ms, Slot } from '../../core/model.ts';
import { SEQ_MIN } from './keys.ts';
import type { OwedSet } from './owed-set.ts';

/** A delivery's place in the order of the table. */
export type RowPlace = readonly [slot: Slot, lane: LaneId, dueAt: Ms, seq: number, run: number];

/**
 * What a sweep does to events that owe nothing. `log`: removes those whose last attempt is older than
 * the log, with all their attempts: what is left of a log would tell of deliveries without an end.
 * `size`: removes them however young they are. `payload`: takes their data and bodies.
 */
export interface Sweep {
  readonly kind: 'log' | 'payload' | 'size';
  /** Events from it on are left alone. */
  readonly until: number;
  /** Events before it are done, and of it the attempts up to `attempt`. */
  readonly event: number;
  readonly attempt: number;
  /** The oldest event that was left because it is owed. */
  readonly left: number | undefined;
}

export interface Pass {
  /** What is owed of events before it is given up. */
  readonly cutoff: number;
  /** How far the survey has come; undefined = it is done. */
  readonly surveyed: RowPlace | undefined;
  readonly owed: OwedSet;
  /** What is done in the window, the first one now; all of them again in each window. */
  readonly sweeps: readonly Sweep[];
  readonly all: readonly Sweep[];
}

/** Where retention stands; retention.ts moves it. */
export class RetentionState {
  pass: Pass | undefined;
  /** When the next pass for age may begin, and the next one for size. */
  nextAt: Ms = 0;
  sizeNextAt: Ms = 0;
  /** Events before it are never owed again. */
  expiredBefore = SEQ_MIN;

  /** Too old to be owed again: it is being removed. */
  isExpired(seq: number): boolean {
    return seq < this.expiredBefore;
  }

  /** A row of this event was added or moved, and the survey may have passed that place. */
  owes(seq: number): void {
    this.pass?.owed.add(seq);
  }
}
