import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTenant } from '../../app/context.tsx';
import { formatCount, formatMs } from '../../app/format.ts';
import type { EndpointStats, TenantStats } from '../../data/types.ts';
import { Rate } from '../../parts/rate.tsx';
import { overview } from '../../strings/overview.ts';
import classes from './overview.module.css';

const text = overview.figures;

/** The five figures one looks at first. */
export function Figures({ stats }: { stats: TenantStats | EndpointStats }) {
  const tenant = useTenant();
  const { total, pending } = stats;
  const { succeeded, failed } = total.deliveries;
  const endpoint = 'endpoint' in stats ? { endpoint: stats.endpoint } : {};
  return (
    <dl className={classes.figures}>
      <Figure name={text.events}>{formatCount(total.events)}</Figure>
      <Figure name={text.deliveries} about={failed > 0 && text.failed(formatCount(failed))}>
        {formatCount(succeeded + failed)}
      </Figure>
      <Figure name={text.rate}>
        <Rate rate={total.successRate} />
      </Figure>
      <Figure
        name={text.latency}
        about={total.p99Ms !== null && text.latencyAbout(formatMs(total.p99Ms))}
      >
        {total.p50Ms === null ? '–' : formatMs(total.p50Ms)}
      </Figure>
      <Figure name={text.waiting} about={text.waitingAbout}>
        <Link
          to="/$tenant/activity"
          params={{ tenant }}
          search={{ view: 'waiting', ...endpoint }}
          className={classes.figureLink}
        >
          {formatCount(pending)}
        </Link>
      </Figure>
    </dl>
  );
}

function Figure(props: { name: string; about?: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd className={classes.figure}>{props.children}</dd>
      <dd className="small secondary">{props.about || '\u00a0'}</dd>
    </div>
  );
}
