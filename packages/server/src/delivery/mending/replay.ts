import { decodeMeta } from '@posthorn/wire';
import type { Endpoint } from '../../core/model.ts';
import type { ConfigView } from '../../store/config-view.ts';
import type { Candidate, CandidateQuery, Job, ReplaySpec } from '../../store/jobs.ts';
import type { Requeue } from '../../store/store.ts';
import { placeOf } from './mending.ts';

/** What a replay looks at for one of its endpoints, and which of that it owes again. */

export type Sought = Pick<CandidateQuery, 'tenant' | 'endpoint' | 'of' | 'types' | 'from' | 'to'>;

export function soughtBy(
  { tenant, spec }: Pick<Job, 'tenant' | 'spec'>,
  endpoint: Endpoint,
): Sought {
  const { types, from, to, only } = spec;
  return {
    // A recovery is of everything that its endpoint was owed.
    tenant: spec.kind === 'recover' ? undefined : tenant,
    endpoint: endpoint.id,
    of: only === 'failed' ? 'failed' : 'all',
    types,
    from,
    to,
  };
}

/** `all` and `missing` route anew: what the endpoint does not listen to (any more) is not owed to it. */
export function isWanted(
  { only }: Pick<ReplaySpec, 'only'>,
  candidate: Candidate,
  by: { readonly endpoint: Endpoint; readonly view: Pick<ConfigView, 'routing'> },
): boolean {
  const { last, tenant, type, meta } = candidate;
  if (only === 'failed') return last?.state === 'failed';
  if (only === 'missing' ? last !== undefined : last?.state === 'pending') return false;
  const routed = by.view.routing.route(tenant, type, decodeMeta(meta).channels);
  return routed.some(({ id }) => id === by.endpoint.id);
}

export function requeueOf(
  { ownId }: Pick<ReplaySpec, 'ownId'>,
  { event: id, tenant, meta, last }: Candidate,
  endpoint: Endpoint,
): Requeue {
  return { ...placeOf({ id, tenant, meta }, endpoint), after: last?.run, ownId };
}
