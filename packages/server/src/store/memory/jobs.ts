import { matchesPattern } from '@posthorn/wire';
import type { EndpointId, EventId, JobId, Ms, TenantId } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
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
  purged,
} from '../jobs.ts';
import type { NewEvent, Page } from '../store.ts';
import type { MemoryLanes } from './lanes.ts';
import type { MemoryState } from './state.ts';

export class MemoryJobs implements JobStore {
  readonly #state: MemoryState;
  readonly #lanes: MemoryLanes;

  constructor(state: MemoryState, lanes: MemoryLanes) {
    this.#state = state;
    this.#lanes = lanes;
  }

  async create(job: Job): Promise<void> {
    this.#state.jobs.set(job.id, job);
  }

  async read(id: JobId): Promise<Job | undefined> {
    return this.#state.jobs.get(id);
  }

  async list({ tenant, kinds, limit, cursor }: JobQuery): Promise<Page<Job>> {
    const all = [...this.#state.jobs.values()]
      .filter((job) => tenant === undefined || job.tenant === tenant)
      .filter(({ spec }) => kinds.includes(spec.kind))
      .filter(({ id }) => cursor === undefined || id < cursor)
      .sort((a, b) => (a.id < b.id ? 1 : -1));
    const items = all.slice(0, limit);
    return { items, next: all.length > limit ? items.at(-1)?.id : undefined };
  }

  async running(kinds: readonly JobSpec['kind'][], limit: number): Promise<Job[]> {
    const running = [...this.#state.jobs.values()].filter(
      ({ state, spec }) => state === 'running' && kinds.includes(spec.kind),
    );
    return running.sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
  }

  async cancel(id: JobId, now: Ms): Promise<Job | undefined> {
    const job = this.#state.jobs.get(id);
    if (job?.state !== 'running') return job;
    return this.#keep({ ...job, state: 'cancelled', updatedAt: now, endedAt: now });
  }

  async candidates(query: CandidateQuery): Promise<Candidates> {
    const { log } = this.#state;
    const number = this.#state.numbers.get(query.endpoint);
    const here = (lane: number) => numberOfLane(lane) === number;
    const failed = new Set(
      log.attempts
        .filter(({ row, lane, late }) => here(lane) && row.state === 'failed' && !late)
        .map(({ row }) => row.event),
    );
    const looked = [...log.events.values()]
      .filter(({ erasedAt }) => erasedAt === undefined)
      .map(({ event }) => event)
      .filter(({ id, createdAt }) => {
        const later = query.after === undefined || id > query.after;
        return later && createdAt >= query.from && createdAt < query.to;
      })
      .filter(({ id, tenant }) =>
        query.of === 'failed' ? failed.has(id) : tenant === query.tenant,
      )
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, query.limit);
    const items = looked
      .filter(({ tenant }) => query.tenant === undefined || tenant === query.tenant)
      .filter(({ type }) => fits(query.types, type))
      .map((event) => ({
        ...this.#candidate(event, here),
        data: query.withData ? event.data : undefined,
      }));
    const place = looked.length === query.limit ? looked.at(-1)?.id : undefined;
    return { items, place: place ?? 'end' };
  }

  #candidate(event: NewEvent, here: (lane: number) => boolean): Omit<Candidate, 'data'> {
    const { id, tenant, type, meta } = event;
    const owed = this.#state.owed().find((row) => row.event === id && here(row.lane));
    const ended = this.#state.log.attempts
      .filter(({ row, lane, late }) => row.event === id && here(lane) && !late)
      .map(({ row }) => row)
      .filter(({ state }) => state !== 'pending')
      .sort((a, b) => a.run - b.run)
      .at(-1);
    const pending = owed && { run: owed.run, state: 'pending' as const };
    const last = pending ?? (ended && { run: ended.run, state: ended.state });
    return { event: id, tenant, type, meta, last };
  }

  async backlog(endpoint: EndpointId, now: Ms, max: number): Promise<number> {
    const number = this.#state.numbers.get(endpoint);
    const due = this.#state
      .owed()
      .filter(({ lane, dueAt }) => numberOfLane(lane) === number && dueAt <= now);
    return Math.min(due.length, max);
  }

  async advance(step: JobStep, now: Ms): Promise<Job | undefined> {
    const job = this.#state.jobs.get(step.job);
    if (job?.state !== 'running' || !isReplay(job)) return undefined;
    if (job.places[step.endpoint] !== step.from) return undefined;
    let to: EventId | 'end' | undefined = step.to;
    let { owed, done } = step.elsewhere ?? { owed: 0, done: 0 };
    let before = step.from;
    for (const one of step.requeue) {
      const { kind } = this.#lanes.again(one, now);
      if (kind === 'full') {
        to = before;
        break;
      }
      before = one.event;
      done += 1;
      if (kind === 'owed') owed += 1;
    }
    return this.#keep(advanced(job, { endpoint: step.endpoint, to, done, owed, now }));
  }

  async purge(id: JobId, limit: number, now: Ms): Promise<Purged | undefined> {
    const job = this.#state.jobs.get(id);
    if (job?.state !== 'running' || job.spec.kind !== 'purge') return undefined;
    const { tenant } = job;
    const { log } = this.#state;
    const found = [...log.events.values()]
      .map(({ event }) => event)
      .filter((event) => event.tenant === tenant)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
    const gone = new Set<EventId>();
    for (const event of found) {
      const erased = this.#lanes.erase({ tenant, event: event.id, from: 0 }, now);
      if (erased?.asked === 0) gone.add(event.id);
    }
    log.remove(({ row }) => gone.has(row.event));
    for (const event of gone) log.events.delete(event);
    const over = found.length < limit && gone.size === found.length;
    if (over) this.#forgetOf(tenant);
    const moved = this.#keep(purged(job, gone.size, { now, over }));
    return { job: moved, waiting: found.map(({ id }) => id).filter((id) => !gone.has(id)) };
  }

  #forgetOf(tenant: TenantId): void {
    for (const { id, tenant: of, spec } of this.#state.jobs.values()) {
      if (of === tenant && spec.kind !== 'purge') this.#state.jobs.delete(id);
    }
  }

  async eventsOf(tenant: TenantId, max: number): Promise<number> {
    const events = [...this.#state.log.events.values()];
    return Math.min(events.filter(({ event }) => event.tenant === tenant).length, max);
  }

  #keep(job: Job): Job {
    this.#state.jobs.set(job.id, job);
    return job;
  }
}

function fits(types: readonly string[], type: string): boolean {
  return types.length === 0 || types.some((pattern) => matchesPattern(pattern, type));
}
