import {
  ApiError,
  type CatalogueType,
  type Client,
  type Endpoint,
  type Tenant,
} from '@posthorn/api';

/** What a server has, as far as files describe it. */

export interface TenantState {
  readonly tenant: Tenant;
  /** Its own, without its parents'. */
  readonly eventTypes: readonly CatalogueType[];
  readonly endpoints: readonly Endpoint[];
}

const TIMEOUT_MS = 30_000;
const PAGE = 200;

/** Of one call; many of them may take longer. */
export function oneCall(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(TIMEOUT_MS) };
}

/** undefined = there is no such tenant. */
export async function readTenant(client: Client, id: string): Promise<Tenant | undefined> {
  try {
    return await client.getTenant({ tenant: id }, oneCall());
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not_found') return undefined;
    throw error;
  }
}

export async function readState(client: Client, tenant: Tenant): Promise<TenantState> {
  const address = { tenant: tenant.id, limit: PAGE };
  return {
    tenant,
    eventTypes: await everyItem((cursor) =>
      client.listEventTypes({ ...address, inherited: 'false', ...cursor }, oneCall()),
    ),
    endpoints: await everyItem((cursor) =>
      client.listEndpoints({ ...address, ...cursor }, oneCall()),
    ),
  };
}

export function everyTenant(client: Client): Promise<Tenant[]> {
  return everyItem((cursor) => client.listTenants({ limit: PAGE, ...cursor }, oneCall()));
}

async function everyItem<T>(
  read: (cursor: {
    readonly cursor?: string;
  }) => Promise<{ readonly items: readonly T[]; readonly next: string | null }>,
): Promise<T[]> {
  const items: T[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const page = await read(cursor === undefined ? {} : { cursor });
    items.push(...page.items);
    cursor = page.next;
  }
  return items;
}
