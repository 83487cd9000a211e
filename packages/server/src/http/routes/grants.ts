import type * as api from '@posthorn/api';
import { AppError } from '../../core/errors.ts';
import type { KeyId } from '../../core/model.ts';
import type { App, AuditEntry, Grant } from '../../core/oauth.ts';
import { basePath } from '../../core/public-url.ts';
import { patternsOf } from '../../core/scopes.ts';
import type { Principal } from '../auth.ts';
import { toIso } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import { webhookScopes } from '../oauth/offered.ts';
import { loginHashOf, signInUrl } from '../oauth/sign-in.ts';
import type { HttpDeps } from '../ports.ts';
import { actorOf } from './apps.ts';

type Ids =
  | 'listGrants'
  | 'getGrant'
  | 'revokeGrant'
  | 'listAppGrants'
  | 'listWebhookScopes'
  | 'listAudit'
  | 'createSignIn'
  | 'introspectToken';

export function grantRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { configStore, config, oauth, publicUrl } = deps;
  const toApi = (grant: Grant) => grantToApi(grant, config.grants.app(grant.app));

  return {
    async listGrants({ params, query }) {
      const { limit, cursor } = query;
      const page = await configStore.list('grant', { tenant: params.tenant, limit, after: cursor });
      return {
        items: page.items.map(({ value }) => toApi(value as Grant)),
        next: page.next ?? null,
      };
    },

    async getGrant({ params }) {
      const item = await configStore.read('grant', params.grant);
      if (item?.tenant !== params.tenant) {
        throw new AppError('not_found', 'There is no such grant.');
      }
      return toApi(item.value as Grant);
    },

    async revokeGrant({ params, principal }) {
      const address = { tenant: params.tenant, id: params.grant };
      await oauth.grants.revoke(address, actorOf(principal, config));
      return undefined;
    },

    async listAppGrants({ params, query }) {
      const app = await configStore.read('app', params.app);
      if (app?.tenant !== params.tenant) throw new AppError('not_found', 'There is no such app.');
      const { limit, cursor } = query;
      const all = config.grants.grantsOf(params.app).toSorted().reverse();
      const rest = all.filter((id) => cursor === undefined || id < cursor);
      const ids = rest.slice(0, limit);
      const found = await configStore.readMany('grant', ids);
      const items = found.map(({ value }) => toApi(value as Grant));
      items.sort((a, b) => (a.id < b.id ? 1 : -1));
      return { items, next: rest.length > limit ? (ids.at(-1) ?? null) : null };
    },

    listWebhookScopes: async ({ params }) => ({ items: await webhookScopes(deps, params.tenant) }),

    async listAudit({ params, query }) {
      const page = { limit: query.limit, after: query.cursor };
      const { items, next } = await oauth.audit.list(params.tenant, page);
      return { items: items.map(auditToApi), next: next ?? null };
    },

    async createSignIn({ params, body, principal }) {
      refusePortal(principal);
      const returnTo = pathOfOurs(body.returnTo, publicUrl());
      const { visit, token } = await oauth.visits.create({
        tenant: params.tenant,
        person: body.user,
        role: body.role,
        returnTo,
        madeBy: principal.session ? principal.session.madeBy : (principal.id as KeyId),
      });
      return { url: signInUrl(publicUrl(), token), expiresAt: toIso(visit.expiresAt) };
    },

    async introspectToken({ params, body }) {
      const known = await oauth.tokens.known(body.token);
      if (!known || known.kind === 'refresh' || known.grant.tenant !== params.tenant) {
        return { active: false };
      }
      const { grant, line } = known;
      return {
        active: true,
        kind: known.kind === 'bot' ? ('bot' as const) : ('access' as const),
        scopes: [...known.scopes],
        app: grant.app,
        grant: grant.id,
        person: { ...line.person },
        role: grant.role,
        expiresAt: toIso(known.expiresAt),
      };
    },
  };
}

/** Whoever can write at a portal must not name themselves somebody else. */
function refusePortal({ session, admin }: Principal): void {
  if (!session || admin) return;
  throw new AppError('forbidden', 'A portal session vouches for nobody: use an API key.');
}

/** Throws `invalid_request`: only the authorisation page sends people to log in. */
function pathOfOurs(returnTo: string, publicUrl: string): string {
  const base = new URL(publicUrl);
  const url = URL.canParse(returnTo, publicUrl) ? new URL(returnTo, base) : undefined;
  const path = `${basePath(publicUrl)}/oauth2/authorize`;
  const fits =
    url?.origin === base.origin && url.pathname === path && loginHashOf(url) !== undefined;
  if (url && fits) return `${url.pathname}${url.search}`;
  throw new AppError(
    'invalid_request',
    'returnTo: is not what stood in return_to at the login page: hand it on unchanged.',
    { details: { field: 'returnTo' } },
  );
}

function grantToApi(grant: Grant, app: App | undefined): api.Grant {
  return {
    id: grant.id,
    tenant: grant.tenant,
    app: { id: grant.app, name: app?.name ?? '', website: app?.website ?? null },
    role: grant.role,
    person: { ...grant.person },
    scopes: [...grant.scopes],
    eventTypes: grant.scopes.flatMap(patternsOf),
    endpoint: grant.endpoint,
    createdAt: toIso(grant.createdAt),
    updatedAt: toIso(grant.updatedAt),
  };
}

function auditToApi({ tenant: _tenant, ...entry }: AuditEntry): api.AuditEntry {
  return {
    ...entry,
    at: toIso(entry.at),
    actor: { ...entry.actor },
    app: { ...entry.app },
    scopes: [...entry.scopes],
  };
}
