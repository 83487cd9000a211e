import type { Clock } from '../../core/clock.ts';
import type { At } from '../../core/crash-sites.ts';
import { AppError } from '../../core/errors.ts';
import type { IdFactory } from '../../core/ids.ts';
import type { Endpoint, EventId, JobId, Ms, TenantId } from '../../core/model.ts';
import { hears } from '../../core/routing.ts';
import type { ConfigView } from '../../store/config-view.ts';
import { isReplay, type JobStore, type ReplayJob, type ReplaySpec } from '../../store/jobs.ts';
import type { Page } from '../../store/store.ts';
import { whyNotSent } from './mending.ts';
import { isWanted, limitOf, soughtBy } from './replay.ts';

export interface JobsOptions {
  readonly jobs: JobStore;
  readonly view: Pick<ConfigView, 'endpoint' | 'routing' | 'lineage'>;
  readonly ids: Pick<IdFactory, 'job'>;
  readonly clock: Clock;
  readonly at: At;
}

export type ReplayInput = Omit<ReplaySpec, 'kind' | 'to'> & { readonly to: Ms | undefined };

/** `atLeast`: counting stopped there. */
export interface Count {
  readonly count: number;
  readonly atLeast: boolean;
}

const COUNT_MAX = 1_000_000;
const COUNT_MS = 2000;
const LOOK = 500;
/** At once, of a tenant. */
const RUNNING_MAX = 10;
const KINDS = ['replay', 'recover'] as const;

/** Replays: asked for, counted, looked at and cancelled. `JobRunner` carries them out. */
export class Jobs {
  readonly #options: JobsOptions;

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  /** What a replay would owe now. Rejects as `replay` does. */
  async count(tenant: TenantId, input: ReplayInput): Promise<Count> {
    return this.#count({ tenant, spec: this.#replayOf(tenant, input) });
  }

  /** Rejects `invalid_request` for an unknown endpoint, `conflict` for one that is not sent to. */
  async replay(tenant: TenantId, input: ReplayInput): Promise<ReplayJob> {
    return this.#start(tenant, this.#replayOf(tenant, input));
  }

  async countRecovery(endpoint: Endpoint, since: Ms): Promise<Count> {
    const spec = this.#recoveryOf(endpoint, { since, ownId: false });
    return this.#count({ tenant: endpoint.tenant, spec });
  }

  /** Everything created since then that the endpoint was owed and that failed. */
  async recover(endpoint: Endpoint, of: { since: Ms; ownId: boolean }): Promise<ReplayJob> {
    return this.#start(endpoint.tenant, this.#recoveryOf(endpoint, of));
  }

  async list(
    tenant: TenantId,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<Page<ReplayJob>> {
    const { items, next } = await this.#options.jobs.list({ tenant, kinds: KINDS, ...page });
    return { items: items.filter(isReplay), next };
  }

  async read(tenant: TenantId, id: JobId): Promise<ReplayJob> {
    const job = await this.#options.jobs.read(id);
    if (job?.tenant === tenant && isReplay(job)) return job;
    throw new AppError('not_found', 'There is no such replay.');
  }

  /** What it has owed so far stays owed. Rejects `conflict` if it has ended. */
  async cancel(tenant: TenantId, id: JobId): Promise<ReplayJob> {
    await this.read(tenant, id);
    const job = await this.#options.jobs.cancel(id, this.#options.clock.now());
    if (job?.state === 'cancelled' && isReplay(job)) return job;
    throw new AppError('conflict', 'The replay is done: there is nothing to cancel.');
  }

  #replayOf(tenant: TenantId, input: ReplayInput): ReplaySpec {
    // Of this very moment as well.
    const end = this.#options.clock.now() + 1;
    for (const [i, id] of input.endpoints.entries()) {
      const endpoint = this.#options.view.endpoint(id);
      if (!endpoint || !hears(endpoint, this.#options.view.lineage(tenant))) {
        throw invalid(`endpoints.${i}`, 'there is no such endpoint');
      }
      checkSent(endpoint);
    }
    const to = Math.min(input.to ?? end, end);
    if (input.from >= to) throw invalid('from', 'is not before to, or lies in the future');
    return { ...input, endpoints: [...new Set(input.endpoints)], to, kind: 'replay' };
  }

  #recoveryOf(endpoint: Endpoint, { since, ownId }: { since: Ms; ownId: boolean }): ReplaySpec {
    checkSent(endpoint);
    const to = this.#options.clock.now() + 1;
    if (since >= to) throw invalid('since', 'lies in the future');
    const { id } = endpoint;
    return { kind: 'recover', endpoints: [id], types: [], from: since, to, only: 'failed', ownId };
  }

  async #start(tenant: TenantId, spec: ReplaySpec): Promise<ReplayJob> {
    const { jobs, ids, clock, at } = this.#options;
    const { items } = await jobs.list({ tenant, kinds: KINDS, limit: 200 });
    if (items.filter(({ state }) => state === 'running').length >= RUNNING_MAX) {
      const message = `The tenant has ${RUNNING_MAX} replays under way: wait for one to end, or cancel one.`;
      throw new AppError('conflict', message);
    }
    const total = await this.#count({ tenant, spec });
    const now = clock.now();
    const times = { createdAt: now, updatedAt: now, endedAt: undefined };
    const begun = { state: 'running', places: {}, done: 0, owed: 0 } as const;
    const job: ReplayJob = { id: ids.job(now), tenant, spec, ...begun, total, ...times };
    await jobs.create(job);
    at('job:created');
    return job;
  }

  /** By doing all but the last step: bounded in number and, for the sake of who waits, in time. */
  async #count(job: Pick<ReplayJob, 'tenant' | 'spec'>): Promise<Count> {
    const { view, clock } = this.#options;
    const until = clock.now() + COUNT_MS;
    let count = 0;
    for (const id of job.spec.endpoints) {
      const endpoint = view.endpoint(id);
      if (!endpoint) continue;
      let after: EventId | undefined;
      for (;;) {
        const sought = soughtBy(job, endpoint);
        const query = { ...sought, after, limit: limitOf(sought, LOOK) };
        const { items, place } = await this.#options.jobs.candidates(query);
        count += items.filter((one) => isWanted(job.spec, one, { endpoint, view })).length;
        if (count >= COUNT_MAX) return { count: COUNT_MAX, atLeast: true };
        if (place === 'end') break;
        if (clock.now() > until) return { count, atLeast: true };
        after = place;
      }
    }
    return { count, atLeast: false };
  }
}

function checkSent(endpoint: Endpoint): void {
  const problem = whyNotSent(endpoint);
  if (problem !== undefined) throw new AppError('conflict', problem);
}

function invalid(field: string, problem: string): AppError {
  return new AppError('invalid_request', `${field}: ${problem}.`, { details: { field } });
}
