import type { JobId, Ms, TenantId } from '../../core/model.ts';
import type { Job, JobQuery, JobSpec } from '../jobs.ts';
import type { Page } from '../store.ts';
import type { Database } from './database.ts';

interface JobRow {
  readonly id: JobId;
  readonly tenant: string;
  readonly state: Job['state'];
  readonly created_at: Ms;
  readonly ended_at: Ms | null;
  /** JSON of the rest. */
  readonly value: string;
}

export function listJobs(db: Database, { tenant, kinds, limit, cursor }: JobQuery): Page<Job> {
  const rows = db.all<JobRow>(
    `select * from job where ${tenant === undefined ? '' : 'tenant = ? and'} id < ?
     and kind in (select value from json_each(?)) order by id desc limit ?`,
    ...(tenant === undefined ? [] : [tenant]),
    cursor ?? 'k',
    JSON.stringify(kinds),
    limit + 1,
  );
  const items = rows.slice(0, limit).map(toJob);
  return { items, next: rows.length > limit ? items.at(-1)?.id : undefined };
}

/** Oldest first. */
export function runningJobs(db: Database, kinds: readonly JobSpec['kind'][], limit: number): Job[] {
  return db
    .all<JobRow>(
      `select * from job where state = 'running'
       and kind in (select value from json_each(?)) order by id limit ?`,
      JSON.stringify(kinds),
      limit,
    )
    .map(toJob);
}

export function countEvents(db: Database, tenant: TenantId, max: number): number {
  const row = db.get<{ n: number }>(
    `select count(*) as n from (
       select 1 from event where tenant = (select number from word where text = ?) limit ?)`,
    tenant,
    max,
  );
  return row?.n ?? 0;
}

export function readJob(db: Database, id: JobId): Job | undefined {
  const row = db.get<JobRow>('select * from job where id = ?', id);
  return row && toJob(row);
}

function toJob({ id, tenant, state, created_at, ended_at, value }: JobRow): Job {
  const rest = JSON.parse(value) as Omit<Job, 'id' | 'tenant' | 'state' | 'createdAt' | 'endedAt'>;
  return { ...rest, id, tenant, state, createdAt: created_at, endedAt: ended_at ?? undefined };
}

export function writeJob(db: Database, job: Job): void {
  const { id, tenant, state, createdAt, endedAt, ...rest } = job;
  db.run(
    `insert or replace into job (id, tenant, kind, state, created_at, ended_at, value)
     values (?, ?, ?, ?, ?, ?, ?)`,
    id,
    tenant,
    job.spec.kind,
    state,
    createdAt,
    endedAt ?? null,
    JSON.stringify(rest),
  );
}
