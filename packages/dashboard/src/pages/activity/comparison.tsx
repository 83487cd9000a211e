import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useApi, useTenant } from '../../app/context.tsx';
import type { WholeAttempt } from '../../data/types.ts';
import {
  bodyDifferences,
  Differences,
  type Differing,
  headerDifferences,
} from '../../parts/exchange/differences.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Section } from '../../parts/page.tsx';
import { Ago } from '../../parts/time.tsx';
import { activity } from '../../strings/activity.ts';
import { exchange } from '../../strings/exchange.ts';

const text = activity.comparison;

/** What was sent this time and not the last time it worked, and the other way round. */
export function Comparison({ attempt }: { attempt: WholeAttempt }) {
  const api = useApi();
  const tenant = useTenant();
  const search = useSearch({ from: '/$tenant/activity' });
  const { endpoint, type, id } = attempt;
  const { data, error, refetch } = useQuery({
    queryKey: [tenant, 'attempts', id, 'last-success'],
    queryFn: async ({ signal }) => {
      const query = { tenant, endpoint, type, state: 'succeeded', limit: 2 } as const;
      const { items } = await api.listAttempts(query, { signal });
      const last = items.find((one) => one.id !== id);
      return last ? api.getAttempt({ tenant, attempt: last.id }, { signal }) : null;
    },
  });
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Loading rows={3} />;
  return (
    <Section
      title={text.title}
      actions={
        data && (
          <Link
            to="/$tenant/activity/$attempt"
            params={{ tenant, attempt: data.id }}
            search={search}
          >
            <Ago at={data.startedAt} />
          </Link>
        )
      }
    >
      {data === null ? (
        <p className="secondary">{text.none}</p>
      ) : (
        <Differences parts={partsOf(data, attempt)} />
      )}
    </Section>
  );
}

function partsOf(before: WholeAttempt, after: WholeAttempt): Differing[] {
  const { differences } = exchange;
  return [
    [differences.headers, headerDifferences(before.request, after.request)],
    [differences.body, bodyDifferences(before.request.body, after.request.body)],
    [differences.answer, bodyDifferences(before.response?.body, after.response?.body)],
  ];
}
