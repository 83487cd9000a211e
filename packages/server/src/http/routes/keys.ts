import type * as api from '@posthorn/api';
import type { ApiKey, KeyId } from '../../core/model.ts';
import { fromIso, toIso, toIsoOrNull } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';

type Ids = 'createKey' | 'listKeys' | 'deleteKey';

export function keyRoutes({ registry, configStore }: HttpDeps): Pick<Handlers, Ids> {
  return {
    async createKey({ body }) {
      const expiresAt = body.expiresAt === null ? null : fromIso(body.expiresAt);
      const { value, text } = await registry.keys.create({ ...body, expiresAt });
      return { ...toApi(value), key: text };
    },

    async listKeys({ query }) {
      const { tenant, limit, cursor } = query;
      const page = await configStore.list('key', { tenant, limit, after: cursor });
      return {
        items: page.items.map((item) => toApi(item.value as ApiKey)),
        next: page.next ?? null,
      };
    },

    async deleteKey({ params }) {
      await registry.keys.delete(params.key as KeyId);
      return undefined;
    },
  };
}

function toApi(key: ApiKey): api.Key {
  return {
    id: key.id,
    name: key.name,
    tenant: key.tenant,
    scopes: [...key.scopes],
    hint: key.hint,
    createdAt: toIso(key.createdAt),
    expiresAt: toIsoOrNull(key.expiresAt),
  };
}
