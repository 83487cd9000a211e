import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useApi, useRights, useTenant } from '../../app/context.tsx';
import { listensByName } from '../../data/own-events.ts';
import { nameOf, queries, useEndpoints } from '../../data/queries.ts';
import type { EndpointRow } from '../../data/types.ts';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Page, Section } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { alerts } from '../../strings/alerts.ts';
import { LatestAlerts } from './latest-alerts.tsx';

type Told = (typeof alerts.types)[number];

/** Who hears of a webhook that changes or fails: webhooks that name those events. */
export function Alerts() {
  const tenant = useTenant();
  const { write } = useRights();
  const { data: endpoints, error, refetch } = useEndpoints();
  const { data: settings } = useQuery(queries.tenant(useApi(), tenant));
  return (
    <Page
      title={alerts.title}
      about={alerts.about}
      actions={
        write && (
          <Button
            variant="filled"
            leftSection={<Icon name="plus" size={14} />}
            renderRoot={(props) => (
              <Link
                to="/$tenant/webhooks/new"
                params={{ tenant }}
                search={{ types: alerts.urgent }}
                {...props}
              />
            )}
          >
            {alerts.create}
          </Button>
        )
      }
    >
      {settings?.defaults.operationalEvents === false && <p role="status">{alerts.off}</p>}
      {!endpoints && error && <Failed error={error} retry={() => void refetch()} />}
      {!endpoints && !error && <Loading />}
      {endpoints && (
        <Section title={alerts.who}>
          <Table
            label={alerts.who}
            columns={columns(endpoints)}
            rows={alerts.types}
            keyOf={([type]) => type}
          />
        </Section>
      )}
      <LatestAlerts />
    </Page>
  );
}

function columns(endpoints: readonly EndpointRow[]): Column<Told>[] {
  return [
    { head: alerts.type, cell: ([type]) => <code>{type}</code> },
    { head: alerts.when, wide: true, cell: ([, when]) => when },
    {
      head: alerts.hears,
      cell: ([type]) => (
        <Listeners endpoints={endpoints.filter((endpoint) => listensByName(endpoint, type))} />
      ),
    },
  ];
}

function Listeners({ endpoints }: { endpoints: readonly EndpointRow[] }) {
  const tenant = useTenant();
  if (endpoints.length === 0) return <span className="secondary">{alerts.nobody}</span>;
  return endpoints.map((endpoint, index) => (
    <span key={endpoint.id}>
      {index > 0 && ', '}
      <Link to="/$tenant/webhooks/$endpoint" params={{ tenant, endpoint: endpoint.id }}>
        {nameOf(endpoint)}
      </Link>
    </span>
  ));
}
