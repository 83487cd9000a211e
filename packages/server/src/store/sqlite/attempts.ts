import type { Fault } from '../../core/exchange.ts';
import type { DeliveryState, EventId, LaneId, Ms } from '../../core/model.ts';
import type { AttemptRecord, LaneKey, Next, Result } from '../store.ts';
import { type Engine, STATES } from './engine.ts';

/** Bits of `attempt.flags`. */
export const FLAG_AFTER_CRASH = 1;
export const FLAG_TRUNCATED = 2;
/** Heads are sealed: they hold a secret. */
export const FLAG_SEALED = 4;
/** The body is `body_before` + the event's data + `body_after`; else `body_before` alone. */
export const FLAG_SPLICED = 8;
/** `body_before` stands with the run's first attempt. */
export const FLAG_SAME_BODY = 16;
export const FLAG_TLS = 32;
/** Its delivery had ended before: the outcome of a sender that had lost the lane, or was cancelled. */
export const FLAG_LATE = 64;
/** Its bytes were taken, by retention or on request. */
export const FLAG_ERASED = 128;

/** One run of a delivery. */
export interface RunKey extends LaneKey {
  /** The event's. */
  readonly seq: number;
  readonly run: number;
}

const INSERT = `insert into attempt (seq, event, tenant, type, slot, lane, run, n, started_at, state,
  next_at, status, fault, flags, timings, detail, remote, url,
  req_head, body_before, body_after, res_head, res_body)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

export interface Settled {
  readonly next: Next;
  readonly late: boolean;
}

/** `seq`: the event's. */
export function logAttempt(
  engine: Engine,
  { key, attempt: record, seq }: Pick<Result, 'key' | 'attempt'> & { readonly seq: number },
  { next, late }: Settled,
): void {
  const waits = next.kind === 'retry' || next.kind === 'keep';
  const body = record.body;
  const flags =
    (record.afterCrash ? FLAG_AFTER_CRASH : 0) |
    (record.responseTruncated ? FLAG_TRUNCATED : 0) |
    (record.secretHeads ? FLAG_SEALED : 0) |
    (body.kind === 'around' ? FLAG_SPLICED : 0) |
    (body.kind === 'same' ? FLAG_SAME_BODY : 0) |
    (record.url.startsWith('https:') ? FLAG_TLS : 0) |
    (late ? FLAG_LATE : 0);
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
  );
}

/** `place` undefined = nothing secret in it. */
function sealed(engine: Engine, head: Uint8Array, place: string | undefined): Uint8Array {
  return place === undefined || head.length === 0 ? head : engine.vault.seal(head, place);
}

/** The place that an attempt's sealed heads are bound to. */
export function headsPlace(of: {
  readonly event: EventId;
  readonly lane: LaneId;
  readonly run: number;
  readonly n: number;
}): string {
  return `attempt/${of.event}/${of.lane}/${of.run}/${of.n}`;
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

/** `dns connect tls firstByte total` in tenths of a millisecond, `-` = that step did not happen. */
function timingsText(timings: AttemptRecord['timings']): string {
  const { dnsMs, connectMs, tlsMs, firstByteMs, totalMs } = timings;
  return `${tenths(dnsMs)} ${tenths(connectMs)} ${tenths(tlsMs)} ${tenths(firstByteMs)} ${tenths(totalMs)}`;
}

function tenths(ms: number | undefined): number | '-' {
  return ms === undefined ? '-' : Math.round(ms * 10);
}

export function parseTimings(text: string): AttemptRecord['timings'] {
  const [dnsMs, connectMs, tlsMs, firstByteMs, totalMs] = text
    .split(' ')
    .map((part) => (part === '-' ? undefined : Number(part) / 10));
  return { dnsMs, connectMs, tlsMs, firstByteMs, totalMs: totalMs ?? 0 };
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
