import { useQuery } from '@tanstack/react-query';
import { useApi } from '../../app/context.tsx';
import { formatCount, formatMs, formatNumber } from '../../app/format.ts';
import { queries } from '../../data/queries.ts';
import type { NodeRow } from '../../data/types.ts';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Page } from '../../parts/page.tsx';
import { Status } from '../../parts/status.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Ago } from '../../parts/time.tsx';
import { operator } from '../../strings/operator.ts';

const text = operator.nodes;
const LOOK_MS = 5000;
/** Counting stops there. */
const BACKLOG_MAX = 10_000;

/** The processes that share the store. */
export function Nodes() {
  const { data, error, refetch } = useQuery({
    ...queries.nodes(useApi()),
    refetchInterval: LOOK_MS,
  });
  return (
    <Page title={text.title} about={text.about}>
      {!data && !error && <Loading />}
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {data && (
        <Table label={text.title} columns={COLUMNS} rows={data} keyOf={({ id }) => String(id)} />
      )}
    </Page>
  );
}

const COLUMNS: Column<NodeRow>[] = [
  {
    head: text.name,
    cell: ({ name, id }) => (
      <>
        {name} <span className="secondary">{id}</span>
      </>
    ),
  },
  {
    head: text.state,
    cell: ({ healthy }) => <Status mark={healthy ? 'healthy' : 'failing'} />,
  },
  {
    head: text.backlog,
    align: 'end',
    cell: ({ backlog }) =>
      backlog >= BACKLOG_MAX ? text.atLeast(formatCount(BACKLOG_MAX)) : formatCount(backlog),
  },
  { head: text.lanes, align: 'end', wide: true, cell: ({ lanes }) => formatNumber(lanes) },
  {
    head: text.clock,
    align: 'end',
    wide: true,
    cell: ({ clockOffsetMs }) => formatMs(clockOffsetMs),
  },
  { head: text.roles, wide: true, cell: ({ roles }) => roles.join(', ') },
  { head: text.version, wide: true, cell: ({ version }) => version },
  { head: text.beat, wide: true, cell: ({ lastHeartbeatAt }) => <Ago at={lastHeartbeatAt} /> },
  { head: text.joined, wide: true, cell: ({ joinedAt }) => <Ago at={joinedAt} /> },
];
