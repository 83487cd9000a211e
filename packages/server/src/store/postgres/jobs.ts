import { matchesPattern } from '@posthorn/wire';
import {
  type EndpointId,
  type EventId,
  type JobId,
  LANE_PARTS,
  type LaneId,
  type Ms,
  type TenantId,
} from '../../core/model.ts';
import { numberOfLane, slotOf } from '../../core/routing.ts';
import {
  advanced,
  type Candidate,
  type CandidateQuery,
  type Candidates,
  isReplay,
  type Job,
  type JobQuery,
  type JobSpec,
  type JobStep,
  type JobStore,
  type Purged,
} from '../jobs.ts';
import type { Page } from '../store.ts';
import { texts, uuid, uuidAt } from './arrays.ts';
import type { Context } from './context.ts';
import type { Querying } from './database.ts';
import { type JobRow, lockJob, toJob, writeJob } from './job-rows.ts';
import { purgeStep } from './purge.ts';
import { lastRun, NewRuns } from './requeue.ts';

export class PgJobs implements JobStore {
  readonly #ctx: Context;

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  create(job: Job): Promise<void> {
    return writeJob(this.#ctx.db.writes, job);
  }

  async read(id: JobId): Promise<Job | undefined> {
    const row = await this.#ctx.db.reads.get<JobRow>('select * from job where id = $1', id);
    return row && toJob(row);
  }

  async list({ tenant, kinds, limit, cursor }: JobQuery): Promise<Page<Job>> {
    const rows = await this.#ctx.db.reads.all<JobRow>(
      `select * from job where ($1::text is null or tenant = $1) and id < $2
         and kind = any ($3::text[]) order by id desc limit $4`,
      tenant ?? null,
      cursor ?? 'k',
      texts(kinds),
      limit + 1,
    );
    const items = rows.slice(0, limit).map(toJob);
    return { items, next: rows.length > limit ? items.at(-1)?.id : undefined };
  }

  async running(kinds: readonly JobSpec['kind'][], limit: number): Promise<Job[]> {
    const rows = await this.#ctx.db.reads.all<JobRow>(
      `select * from job where state = 'running' and kind = any ($1::text[])
       order by id limit $2`,
      texts(kinds),
      limit,
    );
    return rows.map(toJob);
  }

  cancel(id: JobId, now: Ms): Promise<Job | undefined> {
    return this.#ctx.db.writes.transaction(async (tx) => {
      const job = await lockJob(tx, id);
      if (job?.state !== 'running') return job;
      const cancelled: Job = { ...job, state: 'cancelled', updatedAt: now, endedAt: now };
      await writeJob(tx, cancelled);
      return cancelled;
    });
  }

  async candidates(query: CandidateQuery): Promise<Candidates> {
    const { reads } = this.#ctx.db;
    const endpoint = await reads.get<{ number: number }>(
      'select number from endpoint where id = $1',
      query.endpoint,
    );
    if (!endpoint) return { items: [], place: 'end' };
    const { number } = endpoint;
    const rows =
      query.of === 'failed' ? await failedAt(reads, query, number) : await allOf(reads, query);
    const fitting = rows
      .filter(({ tenant }) => query.tenant === undefined || tenant === query.tenant)
      .filter(({ type }) => fits(query.types, type));
    const items = await Promise.all(
      fitting.map((row) => toCandidate(reads, row, { number, withData: query.withData })),
    );
    const last = rows.length === query.limit ? rows.at(-1) : undefined;
    return { items, place: last?.event ?? 'end' };
  }

  async backlog(endpoint: EndpointId, now: Ms, max: number): Promise<number> {
    const row = await this.#ctx.db.reads.get<{ n: number }>(
      `select count(*) as n from (
         select 1 from endpoint e
         cross join (select generate_series(0, 255)::smallint as slot) s
         join lane l on l.slot = s.slot and l.id >= e.number * ${LANE_PARTS}
           and l.id < (e.number + 1) * ${LANE_PARTS}
         join delivery d on d.slot = l.slot and d.lane = l.id and d.due_at <= $2
         where e.id = $1 limit $3) due`,
      endpoint,
      now,
      max,
    );
    return row?.n ?? 0;
  }

  async advance(step: JobStep, now: Ms): Promise<Job | undefined> {
    const ctx = this.#ctx;
    await ctx.endpoints.refresh();
    return ctx.db.writes.transaction(async (tx) => {
      const job = await lockJob(tx, step.job);
      if (job?.state !== 'running' || !isReplay(job)) return undefined;
      if (job.places[step.endpoint] !== step.from) return undefined;
      const runs = await NewRuns.begin(ctx, tx, { what: step.requeue, now });
      const applied = await apply(runs, step);
      const moved = advanced(job, { ...applied, endpoint: step.endpoint, now });
      await writeJob(tx, moved);
      return moved;
    });
  }

  purge(id: JobId, limit: number, now: Ms): Promise<Purged | undefined> {
    return purgeStep(this.#ctx, id, { limit, now });
  }

  async eventsOf(tenant: TenantId, max: number): Promise<number> {
    const row = await this.#ctx.db.reads.get<{ n: number }>(
      `select count(*) as n from (
         select 1 from event where slot = $1 and tenant = $2 limit $3) counted`,
      slotOf(tenant),
      tenant,
      max,
    );
    return row?.n ?? 0;
  }
}

/** Owes what it can; a full lane ends the step at the event before. */
async function apply(runs: NewRuns, step: JobStep) {
  let to: EventId | 'end' | undefined = step.to;
  let before = step.from;
  let { owed, done } = step.elsewhere ?? { owed: 0, done: 0 };
  for (const one of step.requeue) {
    const { kind } = await runs.add(one);
    if (kind === 'full') {
      to = before;
      break;
    }
    before = one.event;
    done += 1;
    if (kind === 'owed') owed += 1;
  }
  return { to, done, owed };
}

interface EventColumns {
  readonly event: EventId;
  readonly slot: number;
  readonly tenant: string;
  readonly type: string;
  readonly meta: string;
  readonly lanes: readonly LaneId[];
}
const COLUMNS = 'e.id as event, e.slot, e.tenant, e.type, e.meta, e.lanes';

function failedAt(db: Querying, query: CandidateQuery, number: number): Promise<EventColumns[]> {
  return db.all<EventColumns>(
    `select ${COLUMNS} from (
       select distinct event, slot from attempt
       where lane / ${LANE_PARTS} = $1 and state = 2 and event > $2 and event >= $3 and event < $4
       order by event limit $5) a
     join event e on e.slot = a.slot and e.id = a.event
     where e.erased_at is null order by e.id`,
    number,
    uuid(query.after ?? ''),
    uuidAt(query.from),
    uuidAt(query.to),
    query.limit,
  );
}

function allOf(db: Querying, query: CandidateQuery): Promise<EventColumns[]> {
  const { tenant = '' } = query;
  return db.all<EventColumns>(
    `select ${COLUMNS} from event e
     where e.erased_at is null and e.slot = $1 and e.tenant = $2 and e.id > $3 and e.id >= $4 and e.id < $5
     order by e.id limit $6`,
    slotOf(tenant),
    tenant,
    uuid(query.after ?? ''),
    uuidAt(query.from),
    uuidAt(query.to),
    query.limit,
  );
}

function fits(types: readonly string[], type: string): boolean {
  return types.length === 0 || types.some((pattern) => matchesPattern(pattern, type));
}

async function toCandidate(
  db: Querying,
  row: EventColumns,
  { number, withData }: { readonly number: number; readonly withData: boolean },
): Promise<Candidate> {
  const { event, slot, tenant, type, meta } = row;
  const lanes = row.lanes.filter((lane) => numberOfLane(lane) === number);
  const last = lanes.length === 0 ? undefined : await lastRun(db, { slot, event, lanes, number });
  const data = withData ? await dataOf(db, row) : undefined;
  return { event, tenant, type, meta, data, last };
}

async function dataOf(
  db: Querying,
  { slot, event }: EventColumns,
): Promise<Uint8Array | undefined> {
  const row = await db.get<{ readonly data: Uint8Array }>(
    'select data from event where slot = $1 and id = $2',
    slot,
    uuid(event),
  );
  return row?.data;
}
