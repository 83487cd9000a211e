import type { Ms } from '../../core/model.ts';
import { CAP_AGAIN_MS, CAP_BEGIN, CAP_END, CAP_YOUNG_MS, passEveryMs } from '../retention.ts';
import type { RetentionPolicy } from '../store.ts';
import type { Engine } from './engine.ts';
import { SEQ_MIN, seqAt } from './keys.ts';
import { type Gone, giveUp, gone, OPEN, type OpenRow } from './open-rows.ts';
import { OwedSet } from './owed-set.ts';
import type { Pass, RowPlace, Sweep } from './retention-state.ts';
import { FROM_THE_START, sweepOn } from './sweep.ts';

export interface RetentionStep {
  readonly expired: number;
  /** Events among the rows that were removed. */
  readonly events: number;
  readonly removed: number;
  readonly erased: number;
  readonly more: boolean;
  /** Carries the step into memory; called once it is committed. */
  readonly apply: () => void;
}

const FIRST_PLACE: RowPlace = [-1, 0, 0, SEQ_MIN, 0];
/** Rows of the survey are only looked at, which is cheap. */
const SURVEY_FACTOR = 5;

/**
 * What is too old or too much goes, and nothing that is owed. From time to time a pass goes through
 * the store, a bounded step in each call:
 *
 *   resting ──▶ survey: all that is owed ──▶ sweeps: events, oldest first ──▶ resting
 *
 * The survey gives up what is older than the log, and notes which other events are owed; each sweep
 * then does its work on those that are not. What becomes owed again meanwhile is noted as well. Where
 * more is owed than can be noted, survey and sweeps do one window after the other.
 */
export function retentionStep(
  engine: Engine,
  policy: RetentionPolicy,
  { now, rows }: { now: Ms; rows: Gone },
): RetentionStep {
  const { retention } = engine;
  const { pass } = retention;
  if (!pass) return begin(engine, policy, now);
  if (pass.surveyed) {
    const { expired, surveyed } = survey(engine, pass, { chunk: policy.chunk, now, rows });
    const apply = () => {
      retention.pass = { ...pass, surveyed };
    };
    return { ...NOTHING, expired, apply };
  }
  const done = sweepOn(engine, pass, { policy, now });
  return { ...NOTHING, ...done, apply: () => swept(engine, done.next, { policy, now }) };
}

/** Looks at no row yet: a run that is owed before this is durable must still be found. */
function begin(engine: Engine, policy: RetentionPolicy, now: Ms): RetentionStep {
  const sweeps = dueSweeps(engine, policy, now);
  if (sweeps.length === 0) return { ...NOTHING, more: false };
  const { retention } = engine;
  const cutoff = seqAt(now - policy.logMs);
  const apply = () => {
    retention.expiredBefore = Math.max(retention.expiredBefore, cutoff);
    enter(engine, { cutoff, all: sweeps, from: SEQ_MIN });
  };
  return { ...NOTHING, apply };
}

function dueSweeps(engine: Engine, policy: RetentionPolicy, now: Ms): Sweep[] {
  const { db, retention } = engine;
  const oldest = db.get<{ seq: number }>('select seq from event order by seq limit 1')?.seq;
  if (oldest === undefined) return [];
  const log = seqAt(now - policy.logMs);
  const payload = policy.payloadMs === undefined ? log : seqAt(now - policy.payloadMs);
  const young = seqAt(now - CAP_YOUNG_MS);
  const sweeps: Sweep[] = [];
  if (now >= retention.nextAt && oldest < Math.max(log, payload)) {
    sweeps.push({ kind: 'log', until: log, ...FROM_THE_START });
    if (payload > log) sweeps.push({ kind: 'payload', until: payload, ...FROM_THE_START });
  }
  const { bytesMax } = policy;
  const large = bytesMax !== undefined && engine.usedBytes() > bytesMax * CAP_BEGIN;
  if (large && now >= retention.sizeNextAt && oldest < young) {
    sweeps.push({ kind: 'size', until: young, ...FROM_THE_START });
  }
  return sweeps;
}

/** Starts a window: first a survey of all that is owed. */
function enter(
  engine: Engine,
  { cutoff, all, from }: Pick<Pass, 'cutoff' | 'all'> & { readonly from: number },
): void {
  const until = Math.max(...all.map((sweep) => sweep.until));
  const owed = new OwedSet({ from, until }, engine.owedMax);
  // Fan-outs that are not complete owe what is still to be inserted.
  const expanding = engine.db.all<{ event: number }>('select event from expansion');
  for (const { event } of expanding) owed.add(event);
  const sweeps = all.filter((sweep) => sweep.until > from);
  engine.retention.pass = { cutoff, surveyed: FIRST_PLACE, owed, sweeps, all };
}

function survey(
  engine: Engine,
  pass: Pass,
  { chunk, now, rows }: { chunk: number; now: Ms; rows: Gone },
): { expired: number; surveyed: RowPlace | undefined } {
  const found = engine.db.all<OpenRow>(
    `select ${OPEN} from delivery
     where (slot, lane, due_at, event, run) > (?, ?, ?, ?, ?)
     order by slot, lane, due_at, event, run limit ?`,
    ...(pass.surveyed ?? FIRST_PLACE),
    chunk * SURVEY_FACTOR,
  );
  let expired = 0;
  let last: OpenRow | undefined;
  for (const row of found) {
    // Each costs a row in the log: then the step ends early.
    if (expired === chunk) break;
    last = row;
    const entry = row.seq < pass.cutoff ? engine.lane(row.slot, row.lane) : undefined;
    if (entry?.owner === 0) {
      giveUp(engine, row, now);
      gone(rows, entry);
      expired += 1;
    } else {
      pass.owed.add(row.seq);
    }
  }
  const over = found.length < chunk * SURVEY_FACTOR && last === found.at(-1);
  if (over || !last) return { expired, surveyed: undefined };
  return { expired, surveyed: [last.slot, last.lane, last.due_at, last.seq, last.run] };
}

function swept(
  engine: Engine,
  next: Sweep | undefined,
  { policy, now }: { policy: RetentionPolicy; now: Ms },
): void {
  const { retention } = engine;
  const pass = retention.pass as Pass;
  const [sweep, ...others] = pass.sweeps;
  if (next) {
    retention.pass = { ...pass, sweeps: [next, ...others] };
    return;
  }
  const wanted = Math.max(...pass.all.map(({ until }) => until));
  const moreWindows = pass.owed.until < wanted;
  if (sweep?.kind === 'size' && !moreWindows) {
    const { bytesMax = Infinity } = policy;
    // There was nothing more to remove.
    if (engine.usedBytes() > bytesMax * CAP_END) retention.sizeNextAt = now + CAP_AGAIN_MS;
  }
  if (others.length > 0) retention.pass = { ...pass, sweeps: others };
  else if (moreWindows) enter(engine, { ...pass, from: pass.owed.until });
  else {
    retention.pass = undefined;
    if (pass.all.some(({ kind }) => kind === 'log')) retention.nextAt = now + passEveryMs(policy);
  }
}

const NOTHING = { expired: 0, events: 0, removed: 0, erased: 0, more: true, apply: () => {} };
