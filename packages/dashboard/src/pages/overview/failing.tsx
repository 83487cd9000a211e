import { Link } from '@tanstack/react-router';
import { useTenant } from '../../app/context.tsx';
import { formatCount } from '../../app/format.ts';
import { nameOf, useEndpoints } from '../../data/queries.ts';
import { useAllEndpointStats } from '../../data/stats.ts';
import type { EndpointRow, EndpointStatsRow, StatsWindow } from '../../data/types.ts';
import { Section } from '../../parts/page.tsx';
import { Rate } from '../../parts/rate.tsx';
import { Spark } from '../../parts/spark.tsx';
import { Status } from '../../parts/status.tsx';
import { Ago } from '../../parts/time.tsx';
import { overview } from '../../strings/overview.ts';
import { webhooks } from '../../strings/webhooks.ts';
import { byGravity, markOf } from '../webhooks/state.ts';
import classes from './overview.module.css';

const text = overview.failing;

/** What needs somebody, before everything else. */
export function Failing({ window }: { window: StatsWindow }) {
  const { data: endpoints = [] } = useEndpoints();
  const { data: stats } = useAllEndpointStats(window);
  const failing = endpoints
    .map((endpoint) => ({ endpoint, stats: stats?.get(endpoint.id) }))
    .filter((row) => ['disabled', 'failing'].includes(markOf(row.endpoint, row.stats)))
    .sort(byGravity);
  return (
    <Section title={text.title}>
      {failing.length === 0 && <p className="secondary">{text.none}</p>}
      <ul className={classes.rows}>
        {failing.map((row) => (
          <Row key={row.endpoint.id} {...row} />
        ))}
      </ul>
    </Section>
  );
}

function Row({ endpoint, stats }: { endpoint: EndpointRow; stats: EndpointStatsRow | undefined }) {
  const tenant = useTenant();
  const name = nameOf(endpoint);
  return (
    <li>
      <Link
        to="/$tenant/webhooks/$endpoint"
        params={{ tenant, endpoint: endpoint.id }}
        className={classes.row}
      >
        <span className={classes.name}>{name}</span>
        <Status mark={markOf(endpoint, stats)} />
        <span className="secondary">{stats?.failingSince && <Ago at={stats.failingSince} />}</span>
        <span className={classes.wide}>
          {stats && (
            <Spark label={webhooks.spark(name)} succeeded={stats.succeeded} failed={stats.failed} />
          )}
        </span>
        <span className={classes.wide}>{stats && <Rate rate={stats.total.successRate} />}</span>
        <span className="secondary">
          {stats && stats.pending > 0 && text.waiting(formatCount(stats.pending))}
        </span>
      </Link>
    </li>
  );
}
