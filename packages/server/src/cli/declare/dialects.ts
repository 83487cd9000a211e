import type { Client, Dialect as DialectSchema, Tenant } from '@posthorn/api';
import type { z } from 'zod';
import type { Manifest } from './manifest.ts';
import { readTenant, type TenantState } from './state.ts';
import type { TenantStep } from './steps.ts';

type Dialect = z.infer<typeof DialectSchema>;
interface Inheriting {
  readonly parent: string | null;
  readonly defaults: { readonly dialect: Dialect | null };
}

/**
 * By tenant, what its endpoints will inherit where that changes: the server judges an endpoint by what
 * it inherits now.
 */
export async function changedDialects(
  manifest: Manifest,
  states: ReadonlyMap<string, TenantState>,
  of: { readonly client: Client; readonly steps: readonly TenantStep[] },
): Promise<ReadonlyMap<string, Dialect>> {
  const changed = new Map<string, Dialect>();
  const matters = ({ path }: { path: string }) => path === 'parent' || path === 'defaults.dialect';
  if (!of.steps.some(({ fields }) => fields.some(matters))) return changed;
  const stored = new Map<string, Tenant | undefined>();
  const planned = new Map(manifest.tenants.map(({ id, settings }) => [id, settings]));

  async function tenant(id: string): Promise<Tenant | undefined> {
    const state = states.get(id);
    if (state) return state.tenant;
    if (!stored.has(id)) stored.set(id, await readTenant(of.client, id));
    return stored.get(id);
  }
  async function inherited(id: string, then: boolean): Promise<Dialect> {
    const seen = new Set<string>();
    for (let at: string | null = id; at !== null && !seen.has(at); ) {
      seen.add(at);
      const found: Inheriting | undefined =
        (then ? planned.get(at) : undefined) ?? (await tenant(at));
      if (found?.defaults.dialect) return found.defaults.dialect;
      at = found?.parent ?? null;
    }
    return 'standard';
  }
  for (const id of states.keys()) {
    const dialect = await inherited(id, true);
    if (dialect !== (await inherited(id, false))) changed.set(id, dialect);
  }
  return changed;
}
