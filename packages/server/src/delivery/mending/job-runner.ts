import type { Clock } from '../../core/clock.ts';
import type { At } from '../../core/crash-sites.ts';
import type { Endpoint, EndpointId, EventId, Ms } from '../../core/model.ts';
import { Pace } from '../../core/pace.ts';
import { type Tracer, traced } from '../../core/tracing.ts';
import type { ConfigView } from '../../store/config-view.ts';
import {
  type Candidate,
  isReplay,
  type JobStep,
  type JobStore,
  type ReplayJob,
} from '../../store/jobs.ts';
import type { LaneKey } from '../../store/store.ts';
import { Rounds } from '../rounds.ts';
import { whyNotSent } from './mending.ts';
import { isWanted, limitOf, requeueOf, soughtBy } from './replay.ts';
import { stepSpan } from './step-span.ts';

export interface JobRunnerOptions {
  readonly jobs: JobStore;
  readonly view: Pick<ConfigView, 'endpoint' | 'routing'>;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
  readonly at: At;
  /** Where several nodes share the store: whether jobs are this one's, which it looks for itself. */
  readonly leads?: ((now: Ms) => boolean) | undefined;
  /** undefined = nobody traces. */
  readonly tracer: Tracer | undefined;
  /** Runs were added to these lanes. */
  readonly asked: (lanes: readonly LaneKey[]) => void;
}

/** Jobs that take turns; others wait. */
const JOBS_MAX = 20;
const LOOK = 200;
const REPLAYS = ['replay', 'recover'] as const;
/** Between rounds: while there is room in the lanes, while there is none, and after a failure. */
const BUSY_MS = 5;
const FULL_MS = 100;
const FAILED_MS = 1000;
/** Between looks for jobs that other nodes created. */
const LEADING_MS = 500;

/**
 * Carries jobs out, a step of each in turn. A step reads the next events, decides, and is applied
 * together with the place it leads to; a process that dies between finds the job where the last step
 * left it. An endpoint that is held or switched off stops its part of a job until that is over.
 */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #paces = new Map<EndpointId, Pace>();
  readonly #rounds: Rounds;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
    this.#rounds = new Rounds(options.clock, () => this.#round());
  }

  start(): void {
    this.#rounds.start();
  }

  /** There is a job now. */
  poke(): void {
    this.#rounds.poke();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Resolves with when to come again; undefined = when a job is created. */
  async #round(): Promise<Ms | undefined> {
    const { leads, clock } = this.#options;
    if (leads && !leads(clock.now())) return LEADING_MS;
    try {
      const jobs = await this.#options.jobs.running(REPLAYS, JOBS_MAX);
      if (jobs.length === 0) {
        this.#paces.clear();
        return leads && LEADING_MS;
      }
      let moved = false;
      for (const job of jobs.filter(isReplay))
        if (!this.#rounds.stopped && (await this.#work(job))) moved = true;
      return moved ? BUSY_MS : FULL_MS;
    } catch (err) {
      this.#options.log.warn({ err }, 'a replay could not go on; it is tried again');
      return FAILED_MS;
    }
  }

  /** true = something of it went on. */
  async #work(job: ReplayJob): Promise<boolean> {
    let moved = false;
    for (const id of job.spec.endpoints) {
      const from = job.places[id];
      if (from === 'end' || this.#rounds.stopped) continue;
      const endpoint = this.#options.view.endpoint(id);
      const at = { job: job.id, endpoint: id, from };
      const step = endpoint
        ? await this.#stepFor(job, endpoint, at)
        : // Deleted meanwhile: nothing is owed to it any more.
          { ...at, to: 'end' as const, requeue: [] };
      if (!step) continue;
      const { jobs, clock, asked, tracer } = this.#options;
      const about = stepSpan(job, { 'posthorn.endpoint.id': id });
      const advanced = await traced(tracer, about, () => jobs.advance(step, clock.now()));
      this.#options.at('job:advanced');
      if (!advanced) return moved;
      moved = true;
      if (step.requeue.length > 0) asked(step.requeue);
    }
    return moved;
  }

  /** undefined = it has to wait. */
  async #stepFor(
    job: ReplayJob,
    endpoint: Endpoint,
    at: Pick<JobStep, 'job' | 'endpoint' | 'from'>,
  ): Promise<JobStep | undefined> {
    const { jobs, view } = this.#options;
    if (whyNotSent(endpoint) !== undefined) return undefined;
    const room = await this.#room(endpoint.id);
    if (room === 0) return undefined;
    const after = at.from === 'end' ? undefined : at.from;
    const sought = soughtBy(job, endpoint);
    const found = await jobs.candidates({ ...sought, after, limit: limitOf(sought, LOOK) });
    this.#options.at('job:read');
    const wanted = found.items.filter((one) => isWanted(job.spec, one, { endpoint, view }));
    const taken = wanted.slice(0, room);
    const to = taken.length < wanted.length ? lastOf(taken) : found.place;
    const requeue = taken.map((one) => requeueOf(job.spec, one, endpoint));
    return { ...at, to, requeue };
  }

  async #room(id: EndpointId): Promise<number> {
    const { jobs, clock } = this.#options;
    const pace = this.#paces.get(id) ?? new Pace();
    this.#paces.set(id, pace);
    const now = clock.now();
    return pace.room(await jobs.backlog(id, now, pace.width), now);
  }
}

function lastOf(taken: readonly Candidate[]): EventId {
  return (taken.at(-1) as Candidate).event;
}

/**
 * The same jobs; `created` is called when there is a new one, `erased` for what must not be sent any more.
 */
export function waking(
  jobs: JobStore,
  { created, erased }: { readonly created: () => void; readonly erased: (event: EventId) => void },
): JobStore {
  return {
    read: (id) => jobs.read(id),
    list: (query) => jobs.list(query),
    running: (kinds, limit) => jobs.running(kinds, limit),
    cancel: (id, now) => jobs.cancel(id, now),
    candidates: (query) => jobs.candidates(query),
    backlog: (endpoint, now, max) => jobs.backlog(endpoint, now, max),
    advance: (step, now) => jobs.advance(step, now),
    eventsOf: (tenant, max) => jobs.eventsOf(tenant, max),
    async purge(id, limit, now) {
      const done = await jobs.purge(id, limit, now);
      for (const event of done?.waiting ?? []) erased(event);
      return done;
    },
    async create(job) {
      await jobs.create(job);
      created();
    },
  };
}
