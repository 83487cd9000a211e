import type { EndpointId, EventId, JobId, Ms, TenantId } from '../core/model.ts';
import type { Page, Requeue } from './store.ts';

/**
 * The fourth port: work on many events that goes on in the background, step by step, over restarts.
 * The store keeps each job's place and applies a step together with the place it leads to, in one
 * transaction; what a step holds is decided outside (delivery/mending).
 */

/** Stored events owed to endpoints again; `recover` is what one endpoint missed. */
export interface ReplaySpec {
  readonly kind: 'replay' | 'recover';
  readonly endpoints: readonly EndpointId[];
  /** Event types or patterns; empty = all. */
  readonly types: readonly string[];
  /** Events created from `from` on and before `to`. */
  readonly from: Ms;
  readonly to: Ms;
  /** Deliveries whose last run failed; events that were never owed; or both and all that was sent. */
  readonly only: 'all' | 'failed' | 'missing';
  readonly ownId: boolean;
}

/** Everything that the log has of a tenant. */
export interface PurgeSpec {
  readonly kind: 'purge';
}
export type JobSpec = ReplaySpec | PurgeSpec;

export type JobState = 'running' | 'done' | 'cancelled';

export interface Job {
  readonly id: JobId;
  readonly tenant: TenantId;
  readonly spec: JobSpec;
  readonly state: JobState;
  /** By endpoint: the last event looked at for it; absent = none yet. */
  readonly places: Readonly<Record<EndpointId, EventId | 'end'>>;
  /** What matched and has been dealt with, and how many of these are owed again. */
  readonly done: number;
  readonly owed: number;
  /** Counted when it was asked for; `atLeast` = counting stopped there. */
  readonly total: { readonly count: number; readonly atLeast: boolean };
  readonly createdAt: Ms;
  readonly updatedAt: Ms;
  readonly endedAt: Ms | undefined;
}

export interface Purged {
  readonly job: Job;
  /** Whose payload is gone, and which somebody is sending this moment. */
  readonly waiting: readonly EventId[];
}

export type ReplayJob = Job & { readonly spec: ReplaySpec };

export function isReplay(job: Job): job is ReplayJob {
  return job.spec.kind !== 'purge';
}

export interface CandidateQuery {
  /** undefined = events of all tenants, which only `failed` can ask for. */
  readonly tenant: TenantId | undefined;
  readonly endpoint: EndpointId;
  /** `failed`: events with a failed run at the endpoint. `all`: every event. */
  readonly of: 'failed' | 'all';
  readonly types: readonly string[];
  readonly from: Ms;
  readonly to: Ms;
  readonly after: EventId | undefined;
  /** Events looked at; those that do not fit are left out of the answer. */
  readonly limit: number;
  /** The answer holds their data, for a filter that looks at it. */
  readonly withData: boolean;
}

/** An event that may be owed to an endpoint again. */
export interface Candidate {
  readonly event: EventId;
  readonly tenant: TenantId;
  readonly type: string;
  readonly meta: string;
  /** JSON, empty if it was erased; undefined = it was not asked for. */
  readonly data: Uint8Array | undefined;
  /** How it stands at the endpoint; undefined = it was never owed to it. */
  readonly last: { readonly run: number; readonly state: RunState } | undefined;
}
type RunState = 'pending' | 'succeeded' | 'failed' | 'cancelled';

export interface Candidates {
  /** Oldest first. */
  readonly items: readonly Candidate[];
  /** The last event looked at; `end` = there are no more. */
  readonly place: EventId | 'end';
}

export interface JobStep {
  readonly job: JobId;
  readonly endpoint: EndpointId;
  /** Where the job must stand for the step to be applied, and where it leads. */
  readonly from: EventId | 'end' | undefined;
  readonly to: EventId | 'end';
  /** In the order of their events. */
  readonly requeue: readonly Requeue[];
  /** What is dealt with, and owed, in other stores: it counts as if it were here. */
  readonly elsewhere?: { readonly done: number; readonly owed: number } | undefined;
}

export interface JobStore {
  /** Durable when resolved. */
  create(job: Job): Promise<void>;
  read(id: JobId): Promise<Job | undefined>;
  /** Newest first. */
  list(query: JobQuery): Promise<Page<Job>>;
  /** Oldest first, at most `limit`. */
  running(kinds: readonly JobSpec['kind'][], limit: number): Promise<Job[]>;
  /** Ends a job that is running; of any other the answer is how it ended. Nothing owed is taken back. */
  cancel(id: JobId, now: Ms): Promise<Job | undefined>;
  candidates(query: CandidateQuery): Promise<Candidates>;
  /** Rows due now at an endpoint, counted up to `max`. */
  backlog(endpoint: EndpointId, now: Ms, max: number): Promise<number>;
  /**
   * Applies a step with the place it leads to. A lane that is full ends it early, at the last run that
   * was owed. undefined = the job is not running, or stands elsewhere: nothing was applied.
   */
  advance(step: JobStep, now: Ms): Promise<Job | undefined>;
  /**
   * One step of a purge: some events go with all that the store has of them, about `limit` rows. What is
   * owed of them is cancelled first; where somebody else has to let go of it, the event waits for a later
   * step. With the last one go the tenant's replays, and the job is done. undefined = it is not running.
   */
  purge(id: JobId, limit: number, now: Ms): Promise<Purged | undefined>;
  /** Events of a tenant, counted up to `max`. */
  eventsOf(tenant: TenantId, max: number): Promise<number>;
}

export interface JobQuery {
  /** undefined = of all. */
  readonly tenant: TenantId | undefined;
  readonly kinds: readonly JobSpec['kind'][];
  readonly limit: number;
  /** The last id of the page before. */
  readonly cursor?: string | undefined;
}

/** A job after a step; it is done when all its endpoints are at the end. */
export function advanced(
  job: ReplayJob,
  step: {
    readonly endpoint: EndpointId;
    readonly to: EventId | 'end' | undefined;
    readonly done: number;
    readonly owed: number;
    readonly now: Ms;
  },
): Job {
  const { endpoint, to, now } = step;
  const places = to === undefined ? job.places : { ...job.places, [endpoint]: to };
  const over = job.spec.endpoints.every((id) => places[id] === 'end');
  return {
    ...job,
    places,
    done: job.done + step.done,
    owed: job.owed + step.owed,
    updatedAt: now,
    ...(over ? { state: 'done', endedAt: now } : {}),
  };
}

/** A purge after a step that took so many events. */
export function purged(job: Job, gone: number, { now, over }: { now: Ms; over: boolean }): Job {
  const end = over ? { state: 'done' as const, endedAt: now } : {};
  return { ...job, done: job.done + gone, updatedAt: now, ...end };
}
