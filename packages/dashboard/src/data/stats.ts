import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useApi, useLive, useTenant } from '../app/context.tsx';
import { whole } from './queries.ts';
import type { EndpointRow, EndpointStatsRow, StatsWindow } from './types.ts';

/** Counts change with every attempt; they are read again at most this often. */
const AGAIN_MS = 3000;
const PAGE = 200;

export function useTenantStats(window: StatsWindow) {
  const api = useApi();
  const tenant = useTenant();
  useFresh([tenant, 'stats']);
  return useQuery({
    queryKey: [tenant, 'stats', window],
    queryFn: ({ signal }) => api.getTenantStats({ tenant, window }, { signal }),
    placeholderData: keepPreviousData,
  });
}

export function useEndpointStats(endpoint: EndpointRow['id'], window: StatsWindow) {
  const api = useApi();
  const tenant = useTenant();
  useFresh([tenant, 'stats']);
  return useQuery({
    queryKey: [tenant, 'stats', window, endpoint],
    queryFn: ({ signal }) => api.getEndpointStats({ tenant, endpoint, window }, { signal }),
    placeholderData: keepPreviousData,
  });
}

/** Of all webhooks, by their id. */
export function useAllEndpointStats(window: StatsWindow) {
  const api = useApi();
  const tenant = useTenant();
  useFresh([tenant, 'stats']);
  return useQuery({
    queryKey: [tenant, 'stats', window, 'all'],
    queryFn: async ({ signal }): Promise<ReadonlyMap<string, EndpointStatsRow>> => {
      const rows = await whole((cursor) =>
        api.listEndpointStats({ tenant, window, limit: PAGE, cursor }, { signal }),
      );
      return new Map(rows.map((row) => [row.endpoint, row]));
    },
    placeholderData: keepPreviousData,
  });
}

/** Marks what was read as old while attempts come in, not once for each of them. */
function useFresh(queryKey: readonly unknown[]): void {
  const live = useLive();
  const client = useQueryClient();
  const key = JSON.stringify(queryKey);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = live.onAttempts(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void client.invalidateQueries({ queryKey: JSON.parse(key) as unknown[] });
      }, AGAIN_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [live, client, key]);
}
