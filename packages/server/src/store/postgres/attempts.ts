import type { Fault } from '../../core/exchange.ts';
import type { DeliveryState, EventId, Ms } from '../../core/model.ts';
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
} from '../log-format.ts';
import type { LaneKey, Next, Result } from '../store.ts';
import { byteas, int2s, int4s, int8s, texts, uuid, uuids } from './arrays.ts';
import type { Context } from './context.ts';
import type { Querying, Value } from './database.ts';
import { dayOf } from './partitions.ts';

/** One run of a delivery. */
export interface RunKey extends LaneKey {
  readonly event: EventId;
  readonly run: number;
}

/** A row of the log before it has a number. */
export interface LogRow extends RunKey {
  readonly tenant: string;
  readonly type: string;
  readonly n: number;
  readonly startedAt: Ms;
  readonly state: number;
  readonly nextAt: Ms | null;
  readonly status: number | null;
  readonly fault: string | null;
  readonly flags: number;
  readonly node: number | null;
  readonly timings: string;
  readonly detail: string;
  readonly remote: string | null;
  readonly url: string | null;
  readonly requestHead: Uint8Array | null;
  readonly bodyBefore: Uint8Array | null;
  readonly bodyAfter: Uint8Array | null;
  readonly responseHead: Uint8Array | null;
  readonly responseBody: Uint8Array | null;
}

export interface Settled {
  readonly next: Next;
  readonly late: boolean;
}

export function logRow(
  ctx: Context,
  { key, attempt: record }: Pick<Result, 'key' | 'attempt'>,
  { next, late, node }: Settled & { readonly node: number },
): LogRow {
  const { slot, lane, event, run } = key;
  const waits = next.kind === 'retry' || next.kind === 'keep';
  const { body } = record;
  const flags =
    (record.afterCrash ? FLAG_AFTER_CRASH : 0) |
    (record.responseTruncated ? FLAG_TRUNCATED : 0) |
    (record.secretHeads ? FLAG_SEALED : 0) |
    (body.kind === 'around' ? FLAG_SPLICED : 0) |
    (body.kind === 'same' ? FLAG_SAME_BODY : 0) |
    (record.url.startsWith('https:') ? FLAG_TLS : 0) |
    (late ? FLAG_LATE : 0);
  const place = record.secretHeads ? headsPlace({ ...key, n: record.n }) : undefined;
  const sealed = (head: Uint8Array) =>
    place === undefined || head.length === 0 ? head : ctx.vault.seal(head, place);
  return {
    ...{ slot, lane, event, run, flags, node },
    tenant: record.tenant,
    type: record.type,
    n: record.n,
    startedAt: record.startedAt,
    state: waits ? 0 : STATES.indexOf(next.kind),
    nextAt: waits ? next.at : null,
    status: record.status ?? null,
    fault: record.fault ?? null,
    timings: timingsText(record.timings),
    detail: record.detail,
    remote: record.remoteAddress ?? null,
    // The URL can be read from the head (its Host line and target) and FLAG_TLS.
    url: record.requestHead.length > 0 ? null : record.url,
    requestHead: sealed(record.requestHead),
    bodyBefore: body.kind === 'around' ? body.before : body.kind === 'full' ? body.bytes : null,
    bodyAfter: body.kind === 'around' ? body.after : null,
    responseHead: sealed(record.responseHead),
    responseBody: record.responseBody,
  };
}

/** Of an event that was erased while it was sent. */
export function blankRow(row: LogRow): LogRow {
  const bytes = { requestHead: null, bodyBefore: null, bodyAfter: null };
  const said = { responseHead: null, responseBody: null };
  return { ...row, ...bytes, ...said, flags: row.flags | FLAG_ERASED };
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
export async function logDecisions(
  ctx: Context,
  tx: Querying,
  decisions: readonly Decision[],
): Promise<void> {
  if (decisions.length === 0) return;
  await ctx.partitions.ensure(decisions.map(({ now }) => dayOf(now)));
  const rows = decisions.map(({ run, tenant, type, state, fault, detail, now }): LogRow => {
    const { slot, lane, event } = run;
    return {
      ...NO_EXCHANGE,
      ...{ slot, lane, event, tenant, type, detail },
      run: run.run,
      startedAt: now,
      state: STATES.indexOf(state),
      fault: fault ?? null,
    };
  });
  await insertLog(tx, rows);
}

const NO_EXCHANGE = {
  n: 0,
  nextAt: null,
  status: null,
  flags: 0,
  node: null,
  timings: '',
  remote: null,
  url: null,
  requestHead: null,
  bodyBefore: null,
  bodyAfter: null,
  responseHead: null,
  responseBody: null,
} as const;

export const LOG_COLUMNS = `slot, day, event, lane, run, n, started_at, state, next_at, status, fault,
  flags, node, tenant, type, timings, detail, remote, url,
  req_head, body_before, body_after, res_head, res_body`;
export const INSERT_LOG = `insert into attempt (${LOG_COLUMNS})`;
const LOG_ARRAYS = `$1::smallint[], $2::int[], $3::uuid[], $4::bigint[], $5::int[], $6::int[],
  $7::bigint[], $8::smallint[], $9::bigint[], $10::int[], $11::text[], $12::int[], $13::bigint[],
  $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
  $20::bytea[], $21::bytea[], $22::bytea[], $23::bytea[], $24::bytea[]`;

/** Rows of the log with more columns of the caller's, whose parameters begin at $25. */
export function fromLog(arrays: string, columns: string): string {
  return `from unnest(${LOG_ARRAYS}, ${arrays}) with ordinality as r(${LOG_COLUMNS}, ${columns}, ord)`;
}

export async function insertLog(tx: Querying, rows: readonly LogRow[]): Promise<void> {
  const from = `from unnest(${LOG_ARRAYS}) as r(${LOG_COLUMNS})`;
  await tx.run(`${INSERT_LOG} select ${LOG_COLUMNS} ${from}`, ...logArrays(rows));
}

export function logArrays(rows: readonly LogRow[]): Value[] {
  const pick = <T>(of: (row: LogRow) => T) => rows.map(of);
  return [
    int2s(pick(({ slot }) => slot)),
    int4s(pick(({ startedAt }) => dayOf(startedAt))),
    uuids(pick(({ event }) => event)),
    int8s(pick(({ lane }) => lane)),
    int4s(pick(({ run }) => run)),
    int4s(pick(({ n }) => n)),
    int8s(pick(({ startedAt }) => startedAt)),
    int2s(pick(({ state }) => state)),
    int8s(pick(({ nextAt }) => nextAt)),
    int4s(pick(({ status }) => status)),
    texts(pick(({ fault }) => fault)),
    int4s(pick(({ flags }) => flags)),
    int8s(pick(({ node }) => node)),
    texts(pick(({ tenant }) => tenant)),
    texts(pick(({ type }) => type)),
    texts(pick(({ timings }) => timings)),
    texts(pick(({ detail }) => detail)),
    texts(pick(({ remote }) => remote)),
    texts(pick(({ url }) => url)),
    byteas(pick(({ requestHead }) => requestHead)),
    byteas(pick(({ bodyBefore }) => bodyBefore)),
    byteas(pick(({ bodyAfter }) => bodyAfter)),
    byteas(pick(({ responseHead }) => responseHead)),
    byteas(pick(({ responseBody }) => responseBody)),
  ];
}

/** How the run ended, if it did. */
export async function endedAs(tx: Querying, run: RunKey): Promise<DeliveryState | undefined> {
  const row = await tx.get<{ state: number }>(
    `select state from attempt where slot = $1 and event = $2 and lane = $3 and run = $4
     and state <> 0 order by seq desc limit 1`,
    run.slot,
    uuid(run.event),
    run.lane,
    run.run,
  );
  return row && STATES[row.state];
}
