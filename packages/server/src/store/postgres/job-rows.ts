import type { JobId, Ms } from '../../core/model.ts';
import type { Job } from '../jobs.ts';
import type { Querying } from './database.ts';

export interface JobRow {
  readonly id: JobId;
  readonly tenant: string;
  readonly state: Job['state'];
  readonly created_at: Ms;
  readonly ended_at: Ms | null;
  /** JSON of the rest. */
  readonly value: string;
}

export async function lockJob(tx: Querying, id: JobId): Promise<Job | undefined> {
  const row = await tx.get<JobRow>('select * from job where id = $1 for update', id);
  return row && toJob(row);
}

export function toJob({ id, tenant, state, created_at, ended_at, value }: JobRow): Job {
  const rest = JSON.parse(value) as Omit<Job, 'id' | 'tenant' | 'state' | 'createdAt' | 'endedAt'>;
  return { ...rest, id, tenant, state, createdAt: created_at, endedAt: ended_at ?? undefined };
}

export async function writeJob(tx: Querying, job: Job): Promise<void> {
  const { id, tenant, state, createdAt, endedAt, ...rest } = job;
  await tx.run(
    `insert into job (id, tenant, kind, state, created_at, ended_at, value)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (id) do update set state = excluded.state, ended_at = excluded.ended_at,
       value = excluded.value`,
    id,
    tenant,
    job.spec.kind,
    state,
    createdAt,
    endedAt ?? null,
    JSON.stringify(rest),
  );
}
