import type { EndpointId, EventId, JobId, Ms, TenantId } from '../../core/model.ts';
import {
  advanced,
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
import { readCandidates } from './candidates.ts';
import type { Database } from './database.ts';
import type { Engine } from './engine.ts';
import { countEvents, listJobs, readJob, runningJobs, writeJob } from './job-rows.ts';
import { purgeJob } from './purge.ts';
import { NewRuns } from './requeue.ts';

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

  async running(kinds: readonly JobSpec['kind'][], limit: number): Promise<Job[]> {
    return runningJobs(this.#engine.db, kinds, limit);
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
        if (job?.state !== 'running' || !isReplay(job)) return undefined;
        if (job.places[step.endpoint] !== step.from) return undefined;
        const moved = advanced(job, { ...apply(runs, step), endpoint: step.endpoint, now });
        writeJob(engine.db, moved);
        return moved;
      },
      applied: () => runs.applied(),
    });
  }

  purge(id: JobId, limit: number, now: Ms): Promise<Purged | undefined> {
    return this.#engine.committer.run(purgeJob(this.#engine, id, { limit, now }));
  }

  async eventsOf(tenant: TenantId, max: number): Promise<number> {
    return countEvents(this.#reader, tenant, max);
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
