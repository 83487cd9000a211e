import { formatBucket, formatCount, formatMs } from '../../app/format.ts';
import type { EndpointStats, TenantStats } from '../../data/types.ts';
import { Chart } from '../../parts/chart/chart.tsx';
import { overview } from '../../strings/overview.ts';
import classes from './overview.module.css';

const text = overview.charts;

export function Charts({ stats }: { stats: TenantStats | EndpointStats }) {
  const { buckets, window } = stats;
  const times = buckets.map(({ at }) => Date.parse(at) / 1000);
  const formatTime = (at: number) => formatBucket(at * 1000, window);
  return (
    <div className={classes.charts}>
      <Chart
        title={text.deliveries}
        kind="bars"
        times={times}
        series={[
          {
            label: text.succeeded,
            color: 'ok-bar',
            values: buckets.map(({ deliveries }) => deliveries.succeeded),
          },
          {
            label: text.failed,
            color: 'bad',
            values: buckets.map(({ deliveries }) => deliveries.failed),
          },
        ]}
        formatTime={formatTime}
        formatValue={formatCount}
      />
      <Chart
        title={text.latency}
        kind="lines"
        times={times}
        series={[
          { label: text.p50, color: 'accent', values: buckets.map(({ p50Ms }) => p50Ms) },
          { label: text.p99, color: 'warn', values: buckets.map(({ p99Ms }) => p99Ms) },
        ]}
        formatTime={formatTime}
        formatValue={formatMs}
      />
    </div>
  );
}
