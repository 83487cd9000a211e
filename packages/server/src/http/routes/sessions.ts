import type * as api from '@posthorn/api';
import { AppError } from '../../core/errors.ts';
import type { KeyId, Session } from '../../core/model.ts';
import { withoutSlash } from '../../core/public-url.ts';
import type { Principal } from '../auth.ts';
import { toIso, toIsoOrNull } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';

type Ids =
  | 'createSession'
  | 'openSession'
  | 'listSessions'
  | 'deleteSession'
  | 'getCurrentSession'
  | 'deleteCurrentSession'
  | 'createLoginLink'
  | 'createPortalSession'
  | 'listPortalSessions'
  | 'deletePortalSession';

export function sessionRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { registry, config } = deps;
  const { sessions } = registry;

  /** The fragment stays in the browser: no log and no proxy sees the token. */
  function linkTo(path: string, { session, token }: { session: Session; token: string }) {
    const url = `${withoutSlash(deps.publicUrl())}${path}#${token}`;
    return { session: session.id, url, expiresAt: toIso(session.expiresAt) };
  }

  function requireDashboard(): void {
    if (deps.dashboard) return;
    const message = 'The dashboard is switched off here: the operator can set POSTHORN_DASHBOARD.';
    throw new AppError('conflict', message);
  }

  return {
    async createSession({ principal }) {
      requireDashboard();
      refuseSession(principal);
      const { tenant, scopes } = principal;
      const madeBy = makerOf(principal);
      return opened(await sessions.create({ tenant, scopes, madeBy, theme: null }));
    },

    openSession: async ({ body }) => opened(await sessions.open(body.token)),

    async listSessions({ query }) {
      const page = { limit: query.limit, after: query.cursor };
      return toPage(await sessions.list(query.tenant, page));
    },

    async deleteSession({ params }) {
      await sessions.end(params.session);
      return undefined;
    },

    getCurrentSession({ principal }) {
      const { id, tenant, scopes, session } = principal;
      const portal = tenant === null ? null : config.tenant(tenant)?.portal;
      const holder = session ?? config.keyById(id);
      return {
        id,
        tenant,
        scopes: [...scopes],
        expiresAt: toIsoOrNull(holder?.expiresAt),
        title: portal?.title ?? '',
        theme: session?.theme ?? portal?.theme ?? null,
        version: deps.version,
      };
    },

    async deleteCurrentSession({ principal }) {
      if (!principal.session) {
        throw new AppError(
          'conflict',
          'This is an API key, not a session: delete the key instead.',
        );
      }
      await sessions.end(principal.id);
      return undefined;
    },

    async createLoginLink({ principal }) {
      requireDashboard();
      const grant = { tenant: null, scopes: ['admin'], theme: null } as const;
      const made = await sessions.createLink({ ...grant, madeBy: makerOf(principal) });
      return linkTo('/dashboard/', made);
    },

    async createPortalSession({ params: { tenant }, body, principal }) {
      requireDashboard();
      if (!principal.admin) refuseSession(principal);
      const scopes = body.role === 'write' ? (['read', 'write'] as const) : (['read'] as const);
      const madeBy = makerOf(principal);
      const made = await sessions.createLink({ tenant, scopes, madeBy, theme: body.theme });
      return linkTo(`/portal/${encodeURIComponent(tenant)}/`, made);
    },

    async listPortalSessions({ params, query }) {
      const page = { limit: query.limit, after: query.cursor };
      return toPage(await sessions.list(params.tenant, page));
    },

    async deletePortalSession({ params }) {
      await sessions.end(params.session, params.tenant);
      return undefined;
    },
  };
}

/** Else a session would outlive its hour by making the next one. */
function refuseSession({ session }: Principal): void {
  if (!session) return;
  throw new AppError('forbidden', 'A session cannot make another one: use an API key.');
}

function makerOf({ id, session }: Principal): KeyId | null {
  return session ? session.madeBy : (id as KeyId);
}

function opened({ session, bearer }: { session: Session; bearer: string }) {
  return { ...toApi(session), bearer };
}

function toPage({ items, next }: { items: Session[]; next: string | undefined }) {
  return { items: items.map(toApi), next: next ?? null };
}

function toApi(session: Session): api.Session {
  return {
    id: session.id,
    tenant: session.tenant,
    scopes: [...session.scopes],
    opened: session.opened,
    createdAt: toIso(session.createdAt),
    expiresAt: toIso(session.expiresAt),
  };
}
