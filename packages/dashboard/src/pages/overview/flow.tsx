import { formatClock, formatCount, formatMs } from '../../app/format.ts';
import { useFlow } from '../../data/flow.ts';
import { Chart } from '../../parts/chart/chart.tsx';
import { Section } from '../../parts/page.tsx';
import { overview } from '../../strings/overview.ts';
import classes from './overview.module.css';

const text = overview.flow;
const formatTime = (at: number) => formatClock(at * 1000).slice(0, 8);

/** Backlog and lag as they are; the server keeps no history of them, so it begins when one looks. */
export function Flow() {
  const samples = useFlow();
  if (samples.length === 0) return null;
  const times = samples.map(({ at }) => at / 1000);
  return (
    <Section title={text.title} actions={<span className="small secondary">{text.about}</span>}>
      <div className={classes.charts}>
        <Chart
          title={text.backlog}
          kind="lines"
          times={times}
          series={[
            {
              label: text.waiting,
              color: 'accent',
              values: samples.map(({ pending }) => pending),
            },
          ]}
          formatTime={formatTime}
          formatValue={formatCount}
        />
        <Chart
          title={text.lag}
          kind="lines"
          times={times}
          series={[{ label: text.most, color: 'warn', values: samples.map(({ lagMs }) => lagMs) }]}
          formatTime={formatTime}
          formatValue={formatMs}
        />
      </div>
    </Section>
  );
}
