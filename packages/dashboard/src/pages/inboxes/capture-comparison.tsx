import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useApi } from '../../app/context.tsx';
import type { WholeCapture } from '../../data/types.ts';
import {
  bodyDifferences,
  Differences,
  type Differing,
  headerDifferences,
} from '../../parts/exchange/differences.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Section } from '../../parts/page.tsx';
import { Ago } from '../../parts/time.tsx';
import { exchange } from '../../strings/exchange.ts';
import { inboxes } from '../../strings/inboxes.ts';
import { type CaptureAddress, captureHead } from './capture-parts.ts';

const text = inboxes.capture;
const route = getRouteApi('/$tenant/inboxes/$inbox');

interface Props {
  readonly address: CaptureAddress;
  readonly capture: WholeCapture;
}

/** What this request has and the one before of its kind had not, and the other way round. */
export function CaptureComparison({ address, capture }: Props) {
  const api = useApi();
  const search = route.useSearch();
  const { tenant, inbox } = address;
  const { data, error, refetch } = useQuery({
    queryKey: [tenant, 'captures', address.capture, 'before'],
    queryFn: async ({ signal }) => {
      const query = { tenant, inbox, q: kindOf(capture), limit: 1 };
      const [last] = (await api.listCaptures(query, { signal })).items;
      return last ? api.getCapture({ tenant, inbox, capture: last.id }, { signal }) : null;
    },
  });
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Loading rows={3} />;
  return (
    <Section
      title={text.compareTitle}
      actions={
        data && (
          <Link
            to="/$tenant/inboxes/$inbox/$capture"
            params={{ tenant, inbox, capture: data.id }}
            search={search}
          >
            <Ago at={data.receivedAt} />
          </Link>
        )
      }
    >
      {data === null ? (
        <p className="secondary">{text.noBefore}</p>
      ) : (
        <Differences parts={partsOf(data, capture)} />
      )}
    </Section>
  );
}

/** The same event where that is known, else the same method and path. */
function kindOf({ seq, type, method, path }: WholeCapture): string {
  const bare = path.split('?', 1)[0] || '/';
  const kind = type === null ? `path==${JSON.stringify(bare)}` : `type==${JSON.stringify(type)}`;
  return `seq<${seq} method:${method} ${kind}`;
}

function partsOf(before: WholeCapture, after: WholeCapture): Differing[] {
  const { differences } = exchange;
  const [old, now] = [before, after].map((one) => ({ head: captureHead(one), body: one.body }));
  if (!old || !now) return [];
  return [
    [differences.headers, headerDifferences(old, now)],
    [differences.body, bodyDifferences(old.body, now.body)],
  ];
}
