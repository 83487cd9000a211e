import { ApiError, type Client } from '@posthorn/api/browser';
import { QueryClient, queryOptions, useQuery } from '@tanstack/react-query';
import { useApi, useTenant } from '../app/context.tsx';
import type { AppRow, EndpointRow, EventTypeRow, GrantRow, InboxRow, TenantRow } from './types.ts';

/** What the server said, kept for a moment. Live news and our own writes mark it as old earlier. */

const FRESH_MS = 15_000;
const PAGE = 200;
/** Configuration is small: lists of it are read whole, up to here. */
const ITEMS_MAX = 5000;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        // What was refused stays refused; only a server that is not there is asked again.
        retry: (failures, error) =>
          !(error instanceof ApiError && error.status < 500) && failures < 2,
        networkMode: 'always',
      },
      mutations: { networkMode: 'always' },
    },
  });
}

/** All pages of a list. */
export async function whole<T>(
  fetchPage: (cursor: string | undefined) => Promise<{ items: T[]; next: string | null }>,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const { items, next } = await fetchPage(cursor);
    all.push(...items);
    cursor = next ?? undefined;
  } while (cursor !== undefined && all.length < ITEMS_MAX);
  return all;
}

function at(cursor: string | undefined): { limit: number; cursor?: string } {
  return cursor === undefined ? { limit: PAGE } : { limit: PAGE, cursor };
}

export const queries = {
  tenants: (api: Client) =>
    queryOptions({
      queryKey: ['tenants'],
      queryFn: ({ signal }): Promise<TenantRow[]> =>
        whole((cursor) => api.listTenants(at(cursor), { signal })),
    }),
  tenant: (api: Client, tenant: string) =>
    queryOptions({
      queryKey: ['tenants', tenant],
      queryFn: ({ signal }) => api.getTenant({ tenant }, { signal }),
    }),
  endpoints: (api: Client, tenant: string) =>
    queryOptions({
      queryKey: [tenant, 'endpoints', 'list'],
      queryFn: ({ signal }): Promise<EndpointRow[]> =>
        whole((cursor) => api.listEndpoints({ tenant, ...at(cursor) }, { signal })),
    }),
  endpoint: (api: Client, tenant: string, endpoint: EndpointRow['id']) =>
    queryOptions({
      queryKey: [tenant, 'endpoints', endpoint],
      queryFn: ({ signal }) => api.getEndpoint({ tenant, endpoint }, { signal }),
    }),
  eventTypes: (api: Client, tenant: string) =>
    queryOptions({
      queryKey: [tenant, 'event-types', 'list'],
      queryFn: ({ signal }): Promise<EventTypeRow[]> =>
        whole((cursor) => api.listEventTypes({ tenant, ...at(cursor) }, { signal })),
    }),
  inboxes: (api: Client, tenant: string) =>
    queryOptions({
      queryKey: [tenant, 'inboxes', 'list'],
      queryFn: ({ signal }): Promise<InboxRow[]> =>
        whole((cursor) => api.listInboxes({ tenant, ...at(cursor) }, { signal })),
    }),
  inbox: (api: Client, tenant: string, inbox: InboxRow['id']) =>
    queryOptions({
      queryKey: [tenant, 'inboxes', inbox],
      queryFn: ({ signal }) => api.getInbox({ tenant, inbox }, { signal }),
    }),
  apps: (api: Client, tenant: string) =>
    queryOptions({
      queryKey: [tenant, 'apps'],
      queryFn: ({ signal }): Promise<AppRow[]> =>
        whole((cursor) => api.listApps({ tenant, ...at(cursor) }, { signal })),
    }),
  grants: (api: Client, tenant: string) =>
    queryOptions({
      queryKey: [tenant, 'grants'],
      queryFn: ({ signal }): Promise<GrantRow[]> =>
        whole((cursor) => api.listGrants({ tenant, ...at(cursor) }, { signal })),
    }),
  presets: (api: Client) =>
    queryOptions({
      queryKey: ['presets'],
      queryFn: async ({ signal }) => (await api.listPresets({}, { signal })).items,
      staleTime: Number.POSITIVE_INFINITY,
    }),
  keys: (api: Client) =>
    queryOptions({
      queryKey: ['keys'],
      queryFn: ({ signal }) => whole((cursor) => api.listKeys(at(cursor), { signal })),
    }),
  nodes: (api: Client) =>
    queryOptions({
      queryKey: ['nodes'],
      queryFn: async ({ signal }) => (await api.listNodes({}, { signal })).items,
    }),
  sessions: (api: Client) =>
    queryOptions({
      queryKey: ['sessions'],
      queryFn: ({ signal }) => whole((cursor) => api.listSessions(at(cursor), { signal })),
    }),
};

/** The tenant's webhooks; kept for every page, because rows name them by their id. */
export function useEndpoints() {
  return useQuery(queries.endpoints(useApi(), useTenant()));
}

/** Their names by id; a deleted one is its id. */
export function useEndpointNames(): (id: string) => string {
  const { data } = useEndpoints();
  const names = new Map(data?.map((endpoint) => [endpoint.id as string, nameOf(endpoint)]));
  return (id) => names.get(id) ?? id;
}

/** People name webhooks; without a name its host and path tell it. */
export function nameOf({ name, url }: { name: string; url: string }): string {
  if (name !== '') return name;
  const { host, pathname } = new URL(url);
  return pathname === '/' ? host : host + pathname;
}
