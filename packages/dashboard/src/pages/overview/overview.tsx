import { useQuery } from '@tanstack/react-query';
import { useApi, useTenant } from '../../app/context.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Page } from '../../parts/page.tsx';
import { overview } from '../../strings/overview.ts';
import { FirstMinute } from './first-minute.tsx';

const LOOK_MS = 2000;

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
  return (
    <Page title={overview.title} live>
      {!data && <FirstMinute />}
    </Page>
  );
}
