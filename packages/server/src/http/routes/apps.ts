import type * as api from '@posthorn/api';
import { AppError } from '../../core/errors.ts';
import type { TenantId } from '../../core/model.ts';
import type { Actor, App, AppId } from '../../core/oauth.ts';
import type { AppSettings } from '../../oauth/apps.ts';
import type { Versioned } from '../../store/config-writer.ts';
import type { Principal } from '../auth.ts';
import { toIso } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';

type Ids =
  | 'createApp'
  | 'listApps'
  | 'getApp'
  | 'updateApp'
  | 'deleteApp'
  | 'createAppSecret'
  | 'getAppSigningSecret';

interface Address {
  readonly tenant: TenantId;
  readonly app: AppId;
}

export function appRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { configStore, config, oauth } = deps;
  const { apps } = oauth;
  const toApi = ({ value, version }: Versioned<App>) =>
    appToApi({ value, version }, config.grants.grantsOf(value.id).length);

  /** What a write names. An app that other tenants can grant something is an operator's. */
  async function writable({ tenant, app }: Address, principal: Principal) {
    const { value } = await read({ tenant, app });
    requireAdmin(principal, value.scope);
    return { tenant, id: app };
  }

  async function read({ tenant, app }: Address): Promise<Versioned<App>> {
    const item = await configStore.read('app', app);
    if (item?.tenant !== tenant) throw new AppError('not_found', 'There is no such app.');
    return { value: item.value as App, version: item.version };
  }

  return {
    async createApp({ params, body, principal }) {
      requireAdmin(principal, body.scope);
      return toApi(await apps.create(params.tenant, body, actorOf(principal, config)));
    },

    async listApps({ params, query }) {
      const { limit, cursor } = query;
      const page = await configStore.list('app', { tenant: params.tenant, limit, after: cursor });
      const items = page.items.map(({ value, version }) => toApi({ value: value as App, version }));
      return { items, next: page.next ?? null };
    },

    getApp: async ({ params }) => toApi(await read(params)),

    async updateApp({ params, body, principal }) {
      const address = await writable(params, principal);
      const { version, ...fields } = body;
      requireAdmin(principal, fields.scope ?? 'tenant');
      // JSON holds no undefined: what is left out is not in the object at all.
      const patch = fields as Partial<AppSettings>;
      const by = actorOf(principal, config);
      return toApi(await apps.update({ ...address, version }, patch, by));
    },

    async deleteApp({ params, principal }) {
      await apps.delete(await writable(params, principal), actorOf(principal, config));
      return undefined;
    },

    async createAppSecret({ params, principal }) {
      const address = await writable(params, principal);
      const { secret } = await apps.createSecret(address, actorOf(principal, config));
      return { clientSecret: secret };
    },

    async getAppSigningSecret({ params, principal }) {
      await writable(params, principal);
      return { secret: (await read(params)).value.signingSecret };
    },
  };
}

function requireAdmin(principal: Principal, scope: App['scope']): void {
  if (scope === 'tenant' || principal.admin) return;
  throw new AppError('forbidden', 'Apps for more than one tenant are managed with an admin key.');
}

/** Who calls, as audit entries name them. */
export function actorOf({ id, session }: Principal, config: HttpDeps['config']): Actor {
  if (session) return { kind: 'session', id, name: '' };
  return { kind: 'key', id, name: config.keyById(id)?.name ?? '' };
}

function appToApi({ value, version }: Versioned<App>, grants: number): api.App {
  const { clientSecret } = value;
  return {
    id: value.id,
    tenant: value.tenant,
    clientId: value.id,
    name: value.name,
    website: value.website,
    logo: value.logo,
    redirectUris: [...value.redirectUris],
    webhookUrl: value.webhookUrl,
    dialect: value.dialect,
    scope: value.scope,
    public: value.public,
    clientSecret: clientSecret && {
      hint: clientSecret.hint,
      createdAt: toIso(clientSecret.createdAt),
    },
    grants,
    version,
    createdAt: toIso(value.createdAt),
    updatedAt: toIso(value.updatedAt),
  };
}
