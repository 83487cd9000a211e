import type { DialectName } from '@posthorn/wire';
import type { Endpoint, Tenant, TenantDefaults, TenantId } from './model.ts';

/** How deep tenants may lie below each other. */
export const ANCESTORS_MAX = 16;

/** A tenant, then its parents, nearest first. */
export function lineOf(
  id: TenantId,
  tenantOf: (id: TenantId) => Tenant | undefined,
): readonly Tenant[] {
  const line: Tenant[] = [];
  let at: TenantId | null = id;
  while (at !== null && line.length <= ANCESTORS_MAX) {
    const tenant = tenantOf(at);
    if (!tenant) break;
    line.push(tenant);
    at = tenant.parent;
  }
  return line;
}

/** An endpoint's own setting, else that of the nearest tenant that has one; null = the system's. */
export function inherited<K extends keyof TenantDefaults>(
  own: TenantDefaults[K],
  name: K,
  line: readonly Tenant[],
): TenantDefaults[K] {
  if (own !== null) return own;
  return line.find((tenant) => tenant.defaults[name] !== null)?.defaults[name] ?? own;
}

export function dialectOf(
  { dialect }: Pick<Endpoint, 'dialect'>,
  line: readonly Tenant[],
): DialectName {
  return inherited(dialect, 'dialect', line) ?? 'standard';
}
