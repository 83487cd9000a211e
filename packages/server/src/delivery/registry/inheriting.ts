import { AppError } from '../../core/errors.ts';
import { dialectOf, lineOf } from '../../core/inherit.ts';
import type { Endpoint, Tenant, TenantId } from '../../core/model.ts';
import type { ConfigItem, ConfigKind, ConfigStore } from '../../store/store.ts';
import { checkFormat } from './format.ts';

const PAGE = 200;

/**
 * A tenant's new default dialect, or its new parent, reaches every endpoint below that names no
 * dialect of its own. Throws `conflict` when one of them could not send with it.
 */
export async function checkInheriting(
  store: ConfigStore,
  before: Tenant | undefined,
  after: Tenant,
): Promise<void> {
  const same =
    before?.parent === after.parent && before.defaults.dialect === after.defaults.dialect;
  if (!before || same) return;
  const tenants = new Map<TenantId, Tenant>();
  for await (const item of all(store, 'tenant', undefined)) {
    tenants.set(item.id, item.value as Tenant);
  }
  const lines = (changed: Tenant) => (id: TenantId) =>
    lineOf(id, (one) => (one === changed.id ? changed : tenants.get(one)));
  for (const id of tenants.keys()) {
    const line = lines(after)(id);
    if (!line.some((tenant) => tenant.id === after.id)) continue;
    const lineBefore = lines(before)(id);
    for await (const { value } of all(store, 'endpoint', id)) {
      const endpoint = value as Endpoint;
      if (dialectOf(endpoint, line) !== dialectOf(endpoint, lineBefore)) judge(endpoint, line);
    }
  }
}

function judge(endpoint: Endpoint, line: readonly Tenant[]): void {
  try {
    checkFormat(endpoint, line);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const message = `The endpoint ${endpoint.id} would inherit the dialect, and cannot: ${error.message} Or name a dialect on the endpoint.`;
    throw new AppError('conflict', message, { cause: error });
  }
}

async function* all(
  store: ConfigStore,
  kind: ConfigKind,
  tenant: TenantId | undefined,
): AsyncGenerator<ConfigItem> {
  let after: string | undefined;
  do {
    const page = await store.list(kind, { tenant, limit: PAGE, after });
    yield* page.items;
    after = page.next;
  } while (after !== undefined);
}
