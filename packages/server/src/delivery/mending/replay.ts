import { decodeMeta, looksAtData } from '@posthorn/wire';
import { applyFilters, FILTER_STEPS_MAX } from '../../core/filtering.ts';
import type { Endpoint } from '../../core/model.ts';
import type { ConfigView } from '../../store/config-view.ts';
import type { Candidate, CandidateQuery, ReplayJob, ReplaySpec } from '../../store/jobs.ts';
import type { Requeue } from '../../store/store.ts';
import { placeOf } from './mending.ts';

/** What a replay looks at for one of its endpoints, and which of that it owes again. */

export type Sought = Omit<CandidateQuery, 'after' | 'limit'>;

/** Events read at once with their data, each of which may have a megabyte. */
const WITH_DATA_MAX = 20;

export function soughtBy(
  { tenant, spec }: Pick<ReplayJob, 'tenant' | 'spec'>,
  endpoint: Endpoint,
): Sought {
  const { types, from, to, only } = spec;
  const { filter } = endpoint;
  return {
    // A recovery is of everything that its endpoint was owed.
    tenant: spec.kind === 'recover' ? undefined : tenant,
    endpoint: endpoint.id,
    of: only === 'failed' ? 'failed' : 'all',
    types,
    from,
    to,
    withData: only !== 'failed' && filter !== null && looksAtData(filter),
  };
}

/** `all` and `missing` route anew: what the endpoint does not listen to (any more) is not owed to it. */
export function isWanted(
  { only }: Pick<ReplaySpec, 'only'>,
  candidate: Candidate,
  by: { readonly endpoint: Endpoint; readonly view: Pick<ConfigView, 'routing'> },
): boolean {
  const { last, tenant, type, meta, data } = candidate;
  if (only === 'failed') return last?.state === 'failed';
  if (only === 'missing' ? last !== undefined : last?.state === 'pending') return false;
  const { channels, ...said } = decodeMeta(meta);
  const routed = by.view.routing.route(tenant, type, channels);
  if (!routed.some(({ id }) => id === by.endpoint.id)) return false;
  const event = { type, ...said, data: data ?? NONE };
  return applyFilters([by.endpoint], event, { stepsLeft: FILTER_STEPS_MAX }).passed.length > 0;
}

const NONE = new Uint8Array();

/** How many events are looked at in one read. */
export function limitOf({ withData }: Sought, usual: number): number {
  return withData ? Math.min(usual, WITH_DATA_MAX) : usual;
}

export function requeueOf(
  { ownId }: Pick<ReplaySpec, 'ownId'>,
  { event: id, tenant, meta, last }: Candidate,
  endpoint: Endpoint,
): Requeue {
  return { ...placeOf({ id, tenant, meta }, endpoint), after: last?.run, ownId };
}
