import type { Fault } from '../../core/exchange.ts';
import type { DeliveryState, Ms } from '../../core/model.ts';
import {
  FLAG_AFTER_CRASH,
  FLAG_ERASED,
  FLAG_LATE,
  FLAG_SAME_BODY,
  FLAG_SEALED,
  FLAG_SPLICED,
  FLAG_TLS,
  FLAG_TRUNCATED,
  headsPlace,
  STATES,
  timingsText,
  withoutBytes,
} from '../log-format.ts';
import type { LaneKey, Next, Result, SentBody } from '../store.ts';
import type { Engine } from './engine.ts';
import { sumOfBody } from './sums.ts';

/** One run of a delivery. */
export interface RunKey extends LaneKey {
  /** The event's. */
  readonly seq: number;
  readonly run: number;
}

const INSERT = `insert into attempt (seq, event, tenant, type, slot, lane, run, n, started_at, state,
  next_at, status, fault, flags, timings, detail, remote, url,
  req_head, body_before, body_after, res_head, res_body, sum)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export interface Settled {
  readonly next: Next;
  readonly late: boolean;
  /** Its event is known to be. */
  readonly erased: boolean;
}

/** `seq`: the event's. */
export function logAttempt(
  engine: Engine,
  { key, attempt, seq }: Pick<Result, 'key' | 'attempt'> & { readonly seq: number },
  { next, late, erased: known }: Settled,
): void {
  // Sent while its event was erased: that it was is logged, what it said is not.
  const erased = known || (engine.erased.size > 0 && engine.erased.has(seq));
  const record = erased ? withoutBytes(attempt) : attempt;
  const waits = next.kind === 'retry' || next.kind === 'keep';
  const body = record.body;
  const flags =
    (record.afterCrash ? FLAG_AFTER_CRASH : 0) |
    (record.responseTruncated ? FLAG_TRUNCATED : 0) |
    (record.secretHeads ? FLAG_SEALED : 0) |
    (body.kind === 'around' ? FLAG_SPLICED : 0) |
    (body.kind === 'same' ? FLAG_SAME_BODY : 0) |
    (record.url.startsWith('https:') ? FLAG_TLS : 0) |
    (late ? FLAG_LATE : 0) |
    (erased ? FLAG_ERASED : 0);
  const place = record.secretHeads ? headsPlace({ ...key, n: record.n }) : undefined;
  engine.db.prepare(INSERT).run(
    engine.nextAttempt(),
    seq,
    engine.word(record.tenant),
    engine.word(record.type),
    key.slot,
    key.lane,
    key.run,
    record.n,
    record.startedAt,
    waits ? 0 : STATES.indexOf(next.kind),
    waits ? next.at : null,
    record.status ?? null,
    record.fault ?? null,
    flags,
    timingsText(record.timings),
    record.detail,
    record.remoteAddress ?? null,
    // The URL can be read from the head (its Host line and target) and FLAG_TLS.
    record.requestHead.length > 0 ? null : record.url,
    sealed(engine, record.requestHead, place),
    body.kind === 'around' ? body.before : body.kind === 'full' ? body.bytes : null,
    body.kind === 'around' ? body.after : null,
    sealed(engine, record.responseHead, place),
    record.responseBody,
    body.kind === 'same' ? null : sumOfSent(body),
  );
}

function sumOfSent(body: Exclude<SentBody, { kind: 'same' }>): number {
  return body.kind === 'around' ? sumOfBody(body.before, body.after) : sumOfBody(body.bytes, null);
}

/** `place` undefined = nothing secret in it. */
function sealed(engine: Engine, head: Uint8Array, place: string | undefined): Uint8Array {
  return place === undefined || head.length === 0 ? head : engine.vault.seal(head, place);
}

/** How the run ended, if it did. */
export function endedAs(engine: Engine, run: RunKey): DeliveryState | undefined {
  const row = engine.db.get<{ state: number }>(
    `select state from attempt where event = ? and slot = ? and lane = ? and run = ?
     and state <> 0 order by seq desc limit 1`,
    run.seq,
    run.slot,
    run.lane,
    run.run,
  );
  return row && STATES[row.state];
}

export interface Decision {
  readonly run: RunKey;
  readonly tenant: string;
  readonly type: string;
  readonly state: DeliveryState;
  readonly fault: Fault | undefined;
  readonly detail: string;
  readonly now: Ms;
}

/** The end of a delivery without an exchange: skipped, cancelled, expired. */
export function logDecision(engine: Engine, decision: Decision): void {
  const { run, now } = decision;
  engine.db
    .prepare(
      `insert into attempt (seq, event, tenant, type, slot, lane, run, n, started_at, state,
         fault, flags, timings, detail)
       values (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 0, '', ?)`,
    )
    .run(
      engine.nextAttempt(),
      run.seq,
      engine.word(decision.tenant),
      engine.word(decision.type),
      run.slot,
      run.lane,
      run.run,
      now,
      STATES.indexOf(decision.state),
      decision.fault ?? null,
      decision.detail,
    );
}
