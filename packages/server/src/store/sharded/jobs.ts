import type { Endpoint, EndpointId, JobId, Ms, TenantId } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import type {
  CandidateQuery,
  Candidates,
  Job,
  JobQuery,
  JobSpec,
  JobStep,
  JobStore,
  Purged,
} from '../jobs.ts';
import type { Page, Requeue, Store } from '../store.ts';
import type { Shards } from './shards.ts';

/** A job is kept where its tenant is; an endpoint of many tenants has what it was owed everywhere. */
export class ShardedJobs implements JobStore {
  readonly #shards: Shards;

  constructor(shards: Shards) {
    this.#shards = shards;
  }

  create(job: Job): Promise<void> {
    return this.#shards.ofTenant(job.tenant).jobs.create(job);
  }

  read(id: JobId): Promise<Job | undefined> {
    return this.#shards.find(({ jobs }) => jobs.read(id));
  }

  async list(query: JobQuery): Promise<Page<Job>> {
    const { tenant, limit } = query;
    if (tenant !== undefined) return this.#shards.ofTenant(tenant).jobs.list(query);
    const answers = await this.#shards.each(({ jobs }) => jobs.list(query));
    const all = answers.flatMap(({ items }) => items).sort((a, b) => (a.id < b.id ? 1 : -1));
    const items = all.slice(0, limit);
    const more = all.length > limit || answers.some(({ next }) => next !== undefined);
    return { items, next: more ? items.at(-1)?.id : undefined };
  }

  async running(kinds: readonly JobSpec['kind'][], limit: number): Promise<Job[]> {
    const answers = await this.#shards.each(({ jobs }) => jobs.running(kinds, limit));
    const all = answers.flat().sort((a, b) => (a.id < b.id ? -1 : 1));
    return all.slice(0, limit);
  }

  async cancel(id: JobId, now: Ms): Promise<Job | undefined> {
    const job = await this.read(id);
    return job && this.#shards.ofTenant(job.tenant).jobs.cancel(id, now);
  }

  /** Merged up to where the least advanced of the shards has looked. */
  async candidates(query: CandidateQuery): Promise<Candidates> {
    const asked = await this.#storesOf(query);
    const found = await Promise.all(asked.map(({ jobs }) => jobs.candidates(query)));
    const places = found.flatMap(({ place }) => (place === 'end' ? [] : [place])).sort();
    const place = places[0] ?? 'end';
    const items = found
      .flatMap((one) => one.items)
      .filter(({ event }) => place === 'end' || event <= place)
      .sort((a, b) => (a.event < b.event ? -1 : 1));
    return { items, place };
  }

  async backlog(endpoint: EndpointId, now: Ms, max: number): Promise<number> {
    const asked = await this.#storesOf({ endpoint, tenant: undefined });
    const counts = await Promise.all(asked.map(({ jobs }) => jobs.backlog(endpoint, now, max)));
    return Math.min(
      counts.reduce((sum, count) => sum + count, 0),
      max,
    );
  }

  /**
   * What other shards owe by it is owed there first. A process that dies before the job moves on owes
   * it again, which is refused there: it names the run that was to be repeated.
   */
  async advance(step: JobStep, now: Ms): Promise<Job | undefined> {
    const job = await this.read(step.job);
    if (!job) return undefined;
    const home = this.#shards.map.shardOf(slotOf(job.tenant));
    const isHere = ({ slot }: Requeue) => this.#shards.map.shardOf(slot) === home;
    const { jobs } = this.#shards.at(home);
    const away = step.requeue.filter((one) => !isHere(one));
    if (away.length === 0) return jobs.advance(step, now);
    if (job.state !== 'running' || job.places[step.endpoint] !== step.from) return undefined;
    const { to, requeue, elsewhere } = await this.#owe(step, { away, now });
    if (to === undefined) return job;
    return jobs.advance({ ...step, to, requeue: requeue.filter(isHere), elsewhere }, now);
  }

  /** Up to the first lane that is full, of those that are elsewhere. */
  async #owe(
    step: JobStep,
    { away, now }: { readonly away: readonly Requeue[]; readonly now: Ms },
  ): Promise<Pick<JobStep, 'requeue' | 'elsewhere'> & { to: JobStep['to'] | undefined }> {
    const { map } = this.#shards;
    const replies = await map.gather(
      away,
      ({ slot }) => slot,
      (shard, mine) => this.#shards.at(shard).lanes.requeue(mine, now),
    );
    const full = replies.findIndex(({ kind }) => kind === 'full');
    const counted = full === -1 ? replies : replies.slice(0, full);
    const owed = counted.filter(({ kind }) => kind === 'owed').length;
    const elsewhere = { done: counted.length, owed };
    if (full === -1) return { to: step.to, requeue: step.requeue, elsewhere };
    const end = step.requeue.indexOf(away[full] as Requeue);
    const requeue = step.requeue.slice(0, end);
    return { to: requeue.at(-1)?.event ?? step.from, requeue, elsewhere };
  }

  async purge(id: JobId, limit: number, now: Ms): Promise<Purged | undefined> {
    const job = await this.read(id);
    return job && this.#shards.ofTenant(job.tenant).jobs.purge(id, limit, now);
  }

  eventsOf(tenant: TenantId, max: number): Promise<number> {
    return this.#shards.ofTenant(tenant).jobs.eventsOf(tenant, max);
  }

  /** Where events of this tenant, or of any, may have been owed to the endpoint. */
  async #storesOf(of: Pick<CandidateQuery, 'endpoint' | 'tenant'>): Promise<readonly Store[]> {
    if (of.tenant !== undefined) return [this.#shards.ofTenant(of.tenant)];
    const item = await this.#shards.first.config.read('endpoint', of.endpoint);
    const places = this.#shards.ofEndpoint(item?.value as Endpoint | undefined);
    return places.map((shard) => this.#shards.at(shard));
  }
}
