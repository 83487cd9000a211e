import type * as api from '@posthorn/api';
import type { JobId } from '../../core/model.ts';
import type { Job } from '../../store/jobs.ts';
import { toIso, toIsoOrNull } from '../format.ts';
import { type Handlers, Reply } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';

type Ids = 'purgeTenant' | 'listPurges' | 'getPurge';

export function purgeRoutes({ purges }: HttpDeps): Pick<Handlers, Ids> {
  return {
    async purgeTenant({ params, body }) {
      const { descendants, dryRun } = body;
      if (dryRun) {
        const tenants = await purges.count(params.tenant, descendants);
        return {
          tenants: tenants.map(({ events, ...one }) => ({ ...one, events: { ...events } })),
        };
      }
      const begun = await purges.begin(params.tenant, descendants);
      return new Reply(202, JSON.stringify({ purges: begun.map(toApi) }));
    },

    async listPurges({ query }) {
      const page = await purges.list(query);
      return { items: page.items.map(toApi), next: page.next ?? null };
    },

    async getPurge({ params }) {
      return toApi(await purges.read(params.job as JobId));
    },
  };
}

function toApi(job: Job): api.Purge {
  return {
    id: job.id,
    tenant: job.tenant,
    state: job.state === 'running' ? 'running' : 'done',
    done: job.done,
    total: { ...job.total },
    createdAt: toIso(job.createdAt),
    updatedAt: toIso(job.updatedAt),
    endedAt: toIsoOrNull(job.endedAt),
  };
}
