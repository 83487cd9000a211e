import type * as api from '@posthorn/api';
import type { Endpoint, JobId } from '../../core/model.ts';
import type { Count } from '../../delivery/mending/jobs.ts';
import type { ReplayJob } from '../../store/jobs.ts';
import { fromIso, toIso, toIsoOrNull } from '../format.ts';
import { type Handlers, Reply } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';
import { readEndpoint, requireAdmin } from './endpoints.ts';

type Ids = 'startReplay' | 'recoverEndpoint' | 'listReplays' | 'getReplay' | 'cancelReplay';

export function replayRoutes({ jobs, configStore }: HttpDeps): Pick<Handlers, Ids> {
  return {
    async startReplay({ params, body }) {
      const { endpoints, only, types, newId: ownId } = body;
      const from = body.from === undefined ? 0 : fromIso(body.from);
      const to = body.to === undefined ? undefined : fromIso(body.to);
      const input = { endpoints, only, types, from, to, ownId };
      if (body.dryRun) return countToApi(await jobs.count(params.tenant, input));
      return begun(await jobs.replay(params.tenant, input));
    },

    async recoverEndpoint({ params, body, principal }) {
      const endpoint: Endpoint = (await readEndpoint(configStore, params)).value;
      requireAdmin(principal, endpoint.scope);
      const since = fromIso(body.since);
      if (body.dryRun) return countToApi(await jobs.countRecovery(endpoint, since));
      return begun(await jobs.recover(endpoint, { since, ownId: body.newId }));
    },

    async listReplays({ params, query }) {
      const page = await jobs.list(params.tenant, query);
      return { items: page.items.map(toApi), next: page.next ?? null };
    },

    async getReplay({ params }) {
      return toApi(await jobs.read(params.tenant, params.job as JobId));
    },

    async cancelReplay({ params }) {
      return toApi(await jobs.cancel(params.tenant, params.job as JobId));
    },
  };
}

function countToApi(total: Count): { total: Count } {
  return { total };
}

function begun(job: ReplayJob): Reply {
  return new Reply(202, JSON.stringify(toApi(job)));
}

function toApi(job: ReplayJob): api.Replay {
  const { spec, total } = job;
  return {
    id: job.id,
    kind: spec.kind,
    state: job.state,
    endpoints: [...spec.endpoints],
    only: spec.only,
    types: [...spec.types],
    from: spec.from === 0 ? null : toIso(spec.from),
    to: toIso(spec.to),
    newId: spec.ownId,
    done: job.done,
    owed: job.owed,
    total: { ...total },
    createdAt: toIso(job.createdAt),
    updatedAt: toIso(job.updatedAt),
    endedAt: toIsoOrNull(job.endedAt),
  };
}
