import { ApiError } from '@posthorn/api/browser';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Outlet, useParams } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { LiveFeed } from '../data/live.ts';
import { queries } from '../data/queries.ts';
import { Failed, Loading } from '../parts/faces.tsx';
import { TenantContext, useApi } from './context.tsx';
import { rememberTenant } from './last-tenant.ts';
import { NotFound } from './not-found.tsx';

/** The pages of one tenant share its live feed. */
export function TenantPages() {
  const { tenant } = useParams({ from: '/$tenant' });
  const api = useApi();
  const { data, error, refetch } = useQuery(queries.tenant(api, tenant));
  const live = useMemo(() => new LiveFeed({ api, tenant }), [api, tenant]);
  const found = data !== undefined;
  useEffect(() => {
    if (!found) return undefined;
    rememberTenant(tenant);
    void live.open();
    return () => live.close();
  }, [live, tenant, found]);
  useNews(live, tenant);
  const scope = useMemo(() => ({ tenant, live }), [tenant, live]);
  if (data === undefined) {
    if (error instanceof ApiError && error.status === 404) return <NotFound />;
    return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  }
  return (
    <TenantContext value={scope}>
      <Outlet />
    </TenantContext>
  );
}

/** News of the configuration mark what was read of it as old; a gap, everything. */
function useNews(live: LiveFeed, tenant: string): void {
  const client = useQueryClient();
  useEffect(() => {
    const keys = {
      tenant: ['tenants'],
      endpoint: [tenant, 'endpoints'],
      'event-type': [tenant, 'event-types'],
    };
    const stops = [
      live.onChange(({ of, deleted }) => {
        // What was deleted must not be asked for again; the list no longer has it.
        const queryKey = deleted && of === 'endpoint' ? [...keys[of], 'list'] : keys[of];
        void client.invalidateQueries({ queryKey });
      }),
      live.onGap(() => void client.invalidateQueries()),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [live, client, tenant]);
}
