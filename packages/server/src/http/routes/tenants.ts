import type * as api from '@posthorn/api';
import type { Portal, Tenant } from '../../core/model.ts';
import type { Versioned } from '../../store/config-writer.ts';
import { noTenant } from '../auth.ts';
import { toIso } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';
import { retryPolicyFromApi, retryPolicyToApi } from '../retry-policy.ts';

type Ids = 'listTenants' | 'getTenant' | 'putTenant' | 'deleteTenant';

export function tenantRoutes({ registry, configStore }: HttpDeps): Pick<Handlers, Ids> {
  return {
    async listTenants({ query }) {
      const { limit, cursor } = query;
      const page = await configStore.list('tenant', { tenant: undefined, limit, after: cursor });
      const items = page.items.map(({ value, version }) =>
        toApi({ value: value as Tenant, version }),
      );
      return { items, next: page.next ?? null };
    },

    async getTenant({ params }) {
      const item = await configStore.read('tenant', params.tenant);
      if (!item?.value) throw noTenant();
      return toApi({ value: item.value as Tenant, version: item.version });
    },

    async putTenant({ params, body }) {
      const { version, ...input } = body;
      const retryPolicy = retryPolicyFromApi(input.defaults.retryPolicy);
      const tenant = { ...input, defaults: { ...input.defaults, retryPolicy } };
      return toApi(await registry.tenants.put(params.tenant, tenant, version));
    },

    async deleteTenant({ params }) {
      await registry.tenants.delete(params.tenant);
      return undefined;
    },
  };
}

function toApi({ value, version }: Versioned<Tenant>): api.Tenant {
  return {
    id: value.id,
    alias: value.alias,
    name: value.name,
    parent: value.parent,
    defaults: { ...value.defaults, retryPolicy: retryPolicyToApi(value.defaults.retryPolicy) },
    portal: portalToApi(value.portal),
    metadata: { ...value.metadata },
    version,
    createdAt: toIso(value.createdAt),
    updatedAt: toIso(value.updatedAt),
  };
}

function portalToApi(portal: Portal | null): api.Portal | null {
  if (!portal) return null;
  return { ...portal, frameAncestors: [...portal.frameAncestors], theme: { ...portal.theme } };
}
