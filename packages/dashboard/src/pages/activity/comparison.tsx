import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useApi, useTenant } from '../../app/context.tsx';
import type { BodyText } from '../../data/bytes.ts';
import { parseHead } from '../../data/head.ts';
import { type Difference, diffEntries, diffJson } from '../../data/json-diff.ts';
import type { WholeAttempt } from '../../data/types.ts';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Section } from '../../parts/page.tsx';
import { Ago } from '../../parts/time.tsx';
import { activity } from '../../strings/activity.ts';
import classes from './attempt.module.css';

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
        <Differences before={data} after={attempt} />
      )}
    </Section>
  );
}

function Differences({ before, after }: { before: WholeAttempt; after: WholeAttempt }) {
  const parts = [
    [text.headers, diffEntries(headersOf(before), headersOf(after))],
    [text.body, bodyDifferences(before.request.body, after.request.body)],
    [text.response, bodyDifferences(before.response?.body, after.response?.body)],
  ] as const;
  const shown = parts.filter(([, differences]) => differences.length > 0);
  if (shown.length === 0) return <p className="secondary">{text.same}</p>;
  return shown.map(([name, differences]) => (
    <DifferenceTable key={name} name={name} differences={differences} />
  ));
}

/** Of JSON by its values; of anything else as a whole. */
function bodyDifferences(before: BodyText | undefined, after: BodyText | undefined): Difference[] {
  const [old, now] = [before?.text ?? '', after?.text ?? ''];
  if (old === now) return [];
  return diffJson(old, now) ?? [{ path: '', before: old, after: now }];
}

/** New for every attempt: they always differ, and tell nothing. */
const ALWAYS_NEW = new Set(['webhook-timestamp', 'webhook-signature', 'webhook-id', 'date']);

function headersOf({ request }: WholeAttempt): Map<string, string> {
  const { headers } = parseHead(request.head);
  const kept = headers.filter(({ name }) => !ALWAYS_NEW.has(name.toLowerCase()));
  return new Map(kept.map(({ name, value }) => [name, value]));
}

function DifferenceTable(props: { name: string; differences: readonly Difference[] }) {
  return (
    <table className={classes.differences}>
      <caption>{props.name}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">{text.before}</th>
          <th scope="col">{text.after}</th>
        </tr>
      </thead>
      <tbody>
        {props.differences.map(({ path, before, after }) => (
          <tr key={path}>
            <th scope="row">{path}</th>
            <td data-kind="before">{before ?? '–'}</td>
            <td data-kind="after">{after ?? '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
