import type { Endpoint, Tenant, TenantDefaults } from './model.ts';

/** What a tenant hands down when nothing was said: the next one's up, at last the system's. */
export const INHERITED: TenantDefaults = {
  dialect: null,
  validation: null,
  operationalEvents: null,
  retryPolicy: null,
  timeoutMs: null,
  rateLimit: null,
  maxConcurrency: null,
};

type Unsaid =
  | 'alias'
  | 'filter'
  | 'contentType'
  | 'fields'
  | 'actorFields'
  | 'custom'
  | 'standardHeaders'
  | 'grant';

/** Of an endpoint about which nothing was said; older releases stored none of these. */
export const ENDPOINT_DEFAULTS: Pick<Endpoint, Unsaid> = {
  alias: null,
  filter: null,
  contentType: null,
  fields: [],
  actorFields: null,
  custom: null,
  standardHeaders: false,
  grant: null,
};

/** Configuration as stored by any release, in the shape of this one. Engines call it where they read. */
export function completeItem(kind: string, value: unknown): unknown {
  if (kind === 'endpoint') return { ...ENDPOINT_DEFAULTS, ...(value as Endpoint) };
  if (kind !== 'tenant') return value;
  const tenant = value as Omit<Tenant, 'alias' | 'portal'>;
  return { alias: null, portal: null, ...tenant, defaults: { ...INHERITED, ...tenant.defaults } };
}
