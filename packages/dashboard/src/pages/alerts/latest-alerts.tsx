import { useQueries, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useApi, useLive, useTenant } from '../../app/context.tsx';
import { useEndpointNames } from '../../data/queries.ts';
import type { EventRow } from '../../data/types.ts';
import { Section } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { Ago } from '../../parts/time.tsx';
import { alerts } from '../../strings/alerts.ts';

const SHOWN = 20;
/** Of what was told to nobody that answers yet. */
const LOOK_MS = 15_000;

/** What was told lately; nothing is kept of what nobody listens to. */
export function LatestAlerts() {
  const api = useApi();
  const tenant = useTenant();
  const nameOf = useEndpointNames();
  const live = useLive();
  const client = useQueryClient();
  useEffect(
    () =>
      live.onAttempts((attempts) => {
        for (const [type] of alerts.types) {
          const told = attempts.some((attempt) => attempt.type === type);
          if (told) void client.invalidateQueries({ queryKey: [tenant, 'events', 'told', type] });
        }
      }),
    [live, client, tenant],
  );
  const rows = useQueries({
    queries: alerts.types.map(([type]) => ({
      queryKey: [tenant, 'events', 'told', type],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        api.listEvents({ tenant, type, limit: SHOWN }, { signal }),
      refetchInterval: LOOK_MS,
      // What was told while another page was open was not heard here.
      staleTime: 0,
    })),
    combine: (results) =>
      results
        .flatMap(({ data }) => data?.items ?? [])
        .sort((a, b) => b.createdAt.localeCompare(a.createdAt))
        .slice(0, SHOWN),
  });
  const columns: Column<EventRow>[] = [
    {
      head: alerts.type,
      cell: ({ id, type }) => (
        <Link to="/$tenant/events/$event" params={{ tenant, event: id }}>
          {type}
        </Link>
      ),
    },
    {
      head: alerts.webhook,
      // Its id stands in the subject, alone or within that of a delivery.
      cell: ({ subject }) => nameOf(/ep_[0-9a-z]{26}/.exec(subject ?? '')?.[0] ?? ''),
    },
    { head: alerts.at, align: 'end', cell: ({ createdAt }) => <Ago at={createdAt} /> },
  ];
  return (
    <Section title={alerts.latest}>
      {rows.length === 0 ? (
        <p className="secondary">{alerts.none}</p>
      ) : (
        <Table label={alerts.latest} columns={columns} rows={rows} keyOf={({ id }) => id} />
      )}
    </Section>
  );
}
