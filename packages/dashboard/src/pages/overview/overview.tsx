import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { useTenantStats } from '../../data/stats.ts';
import type { StatsWindow } from '../../data/types.ts';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Page } from '../../parts/page.tsx';
import { WindowSwitch } from '../../parts/window-switch.tsx';
import { overview } from '../../strings/overview.ts';
import { Charts } from './charts.tsx';
import { Failing } from './failing.tsx';
import { Figures } from './figures.tsx';
import { FirstMinute } from './first-minute.tsx';
import { Flow } from './flow.tsx';
import { LatestFailures } from './latest-failures.tsx';

const LOOK_MS = 1000;

export function Overview() {
  const api = useApi();
  const tenant = useTenant();
  const { data, error, refetch } = useQuery({
    queryKey: [tenant, 'events', 'any'],
    queryFn: async ({ signal }) =>
      (await api.listEvents({ tenant, limit: 1 }, { signal })).items.length > 0,
    refetchInterval: (query) => (query.state.data === true ? false : LOOK_MS),
  });
  if (data === undefined) {
    return error ? <Failed error={error} retry={() => void refetch()} /> : <Loading />;
  }
  if (data) return <Running />;
  return (
    <Page title={overview.title} live>
      <FirstMinute />
    </Page>
  );
}

function Running() {
  const [window, setWindow] = useState<StatsWindow>('24h');
  const { data, error, refetch } = useTenantStats(window);
  return (
    <Page
      title={overview.title}
      live
      actions={<WindowSwitch value={window} onChange={setWindow} />}
    >
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data && (
        <>
          <Figures stats={data} />
          <Failing window={window} />
          <Charts stats={data} />
          <Flow />
          <LatestFailures />
        </>
      )}
    </Page>
  );
}
