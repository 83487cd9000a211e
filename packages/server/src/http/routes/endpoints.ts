import type * as api from '@posthorn/api';
import type { Body, Operations } from '@posthorn/api';
import { dialects, publicKey, standardSecret } from '@posthorn/wire';
import { AppError } from '../../core/errors.ts';
import { dialectOf } from '../../core/inherit.ts';
import type { Endpoint, EndpointId, Tenant, TenantId } from '../../core/model.ts';
import {
  currentSecret,
  type EndpointPatch,
  type EndpointSettings,
} from '../../delivery/registry/endpoints.ts';
import type { Versioned } from '../../store/config-writer.ts';
import type { ConfigStore } from '../../store/store.ts';
import type { Principal } from '../auth.ts';
import { toIso } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import { maskHeaders, unmaskHeaders } from '../mask.ts';
import type { HttpDeps } from '../ports.ts';
import { retryPolicyFromApi, retryPolicyToApi } from '../retry-policy.ts';

type Ids =
  | 'createEndpoint'
  | 'listEndpoints'
  | 'getEndpoint'
  | 'updateEndpoint'
  | 'deleteEndpoint'
  | 'getEndpointSecret'
  | 'rotateEndpointSecret'
  | 'pauseEndpoint'
  | 'resumeEndpoint';

export interface Address {
  readonly tenant: TenantId;
  readonly endpoint: EndpointId;
}

export function endpointRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { registry, configStore, config, now } = deps;
  const secrets = (endpoint: Endpoint) =>
    secretsOf(endpoint, config.lineage(endpoint.tenant), now());

  /** What a write names. Whoever is not admin must not touch an endpoint that hears every tenant. */
  async function writable(params: Address, principal: Principal) {
    const found = await readEndpoint(configStore, params);
    requireAdmin(principal, found.value.scope);
    return { tenant: params.tenant, id: params.endpoint };
  }

  return {
    async createEndpoint({ params, body, principal }) {
      requireAdmin(principal, body.scope);
      const { secret, ...fields } = body;
      const settings = endpointFromApi(fields, undefined);
      const created = await registry.endpoints.create(params.tenant, settings, secret);
      return { ...endpointToApi(created), secret: currentSecret(created.value) };
    },

    async listEndpoints({ params, query }) {
      const { limit, cursor } = query;
      const list = { tenant: params.tenant, limit, after: cursor };
      const page = await configStore.list('endpoint', list);
      const items = page.items.map(({ value, version }) =>
        endpointToApi({ value: value as Endpoint, version }),
      );
      return { items, next: page.next ?? null };
    },

    async getEndpoint({ params }) {
      return endpointToApi(await readEndpoint(configStore, params));
    },

    async updateEndpoint({ params, body, principal }) {
      const address = await writable(params, principal);
      if (body.scope !== undefined) requireAdmin(principal, body.scope);
      const { version, ...fields } = body;
      const updated = await registry.endpoints.update({ ...address, version }, (current) =>
        patchOf(fields, current),
      );
      return endpointToApi(updated);
    },

    async deleteEndpoint({ params, principal }) {
      await registry.endpoints.delete(await writable(params, principal));
      return undefined;
    },

    async getEndpointSecret({ params, principal }) {
      const found = await readEndpoint(configStore, params);
      requireAdmin(principal, found.value.scope);
      return secrets(found.value);
    },

    async rotateEndpointSecret({ params, body, principal }) {
      const address = await writable(params, principal);
      const rotation = { secret: body.secret, overlapMs: body.overlapS * 1000 };
      return secrets((await registry.endpoints.rotateSecret(address, rotation)).value);
    },

    async pauseEndpoint({ params, principal }) {
      return endpointToApi(await registry.endpoints.pause(await writable(params, principal)));
    },

    async resumeEndpoint({ params, principal }) {
      return endpointToApi(await registry.endpoints.resume(await writable(params, principal)));
    },
  };
}

export async function readEndpoint(
  store: ConfigStore,
  address: Address,
): Promise<Versioned<Endpoint>> {
  const item = await store.read('endpoint', address.endpoint);
  const value = item?.value as Endpoint | null | undefined;
  if (!item || value?.tenant !== address.tenant) {
    throw new AppError('not_found', 'There is no such endpoint.');
  }
  return { value, version: item.version };
}

export function requireAdmin(principal: Principal, scope: Endpoint['scope']): void {
  if (scope === 'tenant' || principal.admin) return;
  throw new AppError(
    'forbidden',
    'Endpoints of more than one tenant are managed with an admin key.',
  );
}

/** `current`: what headers that are sent back masked stand for. */
export function endpointFromApi(
  fields: Omit<Body<Operations['createEndpoint']>, 'secret'>,
  current: Endpoint | undefined,
): EndpointSettings {
  const headers = unmaskHeaders(fields.headers, current?.headers ?? []);
  return { ...fields, headers, retryPolicy: retryPolicyFromApi(fields.retryPolicy) };
}

export function patchOf(
  fields: Omit<api.EndpointPatch, 'version'>,
  current: Endpoint,
): EndpointPatch {
  const { headers, retryPolicy, ...rest } = fields;
  // JSON holds no undefined: what is left out is not in the object at all.
  const patch = rest as EndpointPatch;
  return {
    ...patch,
    ...(headers ? { headers: unmaskHeaders(headers, current.headers) } : {}),
    ...(retryPolicy === undefined ? {} : { retryPolicy: retryPolicyFromApi(retryPolicy) }),
  };
}

function secretsOf(endpoint: Endpoint, line: readonly Tenant[], now: number) {
  const secret = currentSecret(endpoint);
  const previous = endpoint.secrets.flatMap(({ value, expiresAt }) =>
    expiresAt !== null && expiresAt > now ? [{ secret: value, expiresAt: toIso(expiresAt) }] : [],
  );
  const kind = dialects[dialectOf(endpoint, line)].traits.secret(endpoint.custom);
  const isKey = kind === 'key' || kind === 'ed25519';
  return {
    secret,
    publicKey: isKey && secret.startsWith('whsk_') ? publicKey(secret) : null,
    standardSecret: endpoint.standardHeaders && !isKey ? standardSecret(kind, secret) : null,
    previous,
    headers: endpoint.headers.map(({ name, value }) => ({ name, value })),
  };
}

export function endpointToApi({ value, version }: Versioned<Endpoint>): api.Endpoint {
  return {
    id: value.id,
    tenant: value.tenant,
    name: value.name,
    description: value.description,
    url: value.url,
    method: value.method,
    headers: maskHeaders(value.headers),
    eventTypes: [...value.eventTypes],
    channels: [...value.channels],
    filter: value.filter,
    scope: value.scope,
    alias: value.alias,
    dialect: value.dialect,
    contentType: value.contentType,
    fields: [...value.fields],
    actorFields: value.actorFields && [...value.actorFields],
    custom: value.custom,
    standardHeaders: value.standardHeaders,
    enabled: value.enabled,
    paused: value.paused,
    disabled: value.disabled && { ...value.disabled, at: toIso(value.disabled.at) },
    ordering: value.ordering,
    timeoutMs: value.timeoutMs,
    rateLimit: value.rateLimit,
    maxConcurrency: value.maxConcurrency,
    retryPolicy: retryPolicyToApi(value.retryPolicy),
    metadata: { ...value.metadata },
    grant: value.grant,
    version,
    createdAt: toIso(value.createdAt),
    updatedAt: toIso(value.updatedAt),
  };
}
