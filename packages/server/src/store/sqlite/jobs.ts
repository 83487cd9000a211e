import type { EndpointId, EventId, JobId, Ms } from '../../core/model.ts';
import {
  advanced,
  type CandidateQuery,
  type Candidates,
  type Job,
  type JobQuery,
  type JobStep,
  type JobStore,
} from '../jobs.ts';
import type { Page } from '../store.ts';
import { readCandidates } from './candidates.ts';
import type { Database } from './database.ts';
import type { Engine } from './engine.ts';
import { NewRuns } from './requeue.ts';

interface JobRow {
  readonly id: JobId;
  readonly tenant: string;
  readonly state: Job['state'];
  readonly created_at: Ms;
  readonly ended_at: Ms | null;
  /** JSON of the rest. */
  readonly value: string;
}

export class SqliteJobs implements JobStore {
  readonly #engine: Engine;
  readonly #reader: Database;

  constructor(engine: Engine, reader: Database) {
    this.#engine = engine;
    this.#reader = reader;
  }

  create(job: Job): Promise<void> {
    const { db, committer } = this.#engine;
    return committer.run({ durable: true, execute: () => writeJob(db, job) });
  }

  async read(id: JobId): Promise<Job | undefined> {
    return readJob(this.#engine.db, id);
  }

  async list(query: JobQuery): Promise<Page<Job>> {
    return listJobs(this.#reader, query);
  }

  async running(limit: number): Promise<Job[]> {
    return this.#engine.db
      .all<JobRow>("select * from job where state = 'running' order by id limit ?", limit)
      .map(toJob);
  }

  cancel(id: JobId, now: Ms): Promise<Job | undefined> {
    const { db, committer } = this.#engine;
    return committer.run({
      durable: true,
      execute() {
        const job = readJob(db, id);
        if (job?.state !== 'running') return job;
        const cancelled: Job = { ...job, state: 'cancelled', updatedAt: now, endedAt: now };
        writeJob(db, cancelled);
        return cancelled;
      },
    });
  }

  async candidates(query: CandidateQuery): Promise<Candidates> {
    return readCandidates(this.#engine.db, query);
  }

  async backlog(endpoint: EndpointId, now: Ms, max: number): Promise<number> {
    let due = 0;
    for (const { slot, lane, open } of this.#engine.book.ofEndpoint(endpoint)) {
      if (open === 0 || due >= max) continue;
      due += Number(
        this.#engine.db.get<{ n: number }>(
          `select count(*) as n from (
             select 1 from delivery where slot = ? and lane = ? and due_at <= ? limit ?)`,
          slot,
          lane,
          now,
          max - due,
        )?.n,
      );
    }
    return due;
  }

  advance(step: JobStep, now: Ms): Promise<Job | undefined> {
    const engine = this.#engine;
    const runs = new NewRuns(engine, now);
    return engine.committer.run({
      // The place goes with what it led to: losing both only means to do the step again.
      durable: false,
      execute() {
        runs.clear();
        const job = readJob(engine.db, step.job);
        if (job?.state !== 'running' || job.places[step.endpoint] !== step.from) return undefined;
        const moved = advanced(job, { ...apply(runs, step), endpoint: step.endpoint, now });
        writeJob(engine.db, moved);
        return moved;
      },
      applied: () => runs.applied(),
    });
  }
}

/** Owes what it can; a full lane ends the step at the event before. */
function apply(runs: NewRuns, step: JobStep) {
  let to: EventId | 'end' | undefined = step.to;
  let before = step.from;
  let [owed, done] = [0, 0];
  for (const one of step.requeue) {
    const { kind } = runs.add(one);
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

export function listJobs(db: Database, { tenant, kinds, limit, cursor }: JobQuery): Page<Job> {
  const rows = db.all<JobRow>(
    `select * from job where tenant = ? and id < ?
     and kind in (select value from json_each(?)) order by id desc limit ?`,
    tenant,
    cursor ?? 'k',
    JSON.stringify(kinds),
    limit + 1,
  );
  const items = rows.slice(0, limit).map(toJob);
  return { items, next: rows.length > limit ? items.at(-1)?.id : undefined };
}

function readJob(db: Database, id: JobId): Job | undefined {
  const row = db.get<JobRow>('select * from job where id = ?', id);
  return row && toJob(row);
}

function toJob({ id, tenant, state, created_at, ended_at, value }: JobRow): Job {
  const rest = JSON.parse(value) as Omit<Job, 'id' | 'tenant' | 'state' | 'createdAt' | 'endedAt'>;
  return { ...rest, id, tenant, state, createdAt: created_at, endedAt: ended_at ?? undefined };
}

function writeJob(db: Database, job: Job): void {
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
