import { useComputedColorScheme } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import classes from './chart.module.css';

const Plot = lazy(() => import('./plot.tsx').then((module) => ({ default: module.Plot })));

export interface Series {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** Name of one of our colours. */
  readonly color: string;
}

export interface ChartProps {
  readonly title: string;
  /** Starts of the buckets, in seconds. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  /** `bars` stand on top of each other, the first at the bottom. */
  readonly kind: 'bars' | 'lines';
  readonly formatTime: (at: number) => string;
  readonly formatValue: (value: number) => string;
}

/** A picture for the eye, what is under the pointer in words, and the same figures as a table. */
export function Chart(props: ChartProps) {
  const { title, times, series, formatTime, formatValue } = props;
  const [at, setAt] = useState<number>();
  // Canvas has no style sheets: it is drawn anew with the colours of the theme.
  const scheme = useComputedColorScheme();
  const shown = at ?? times.length - 1;
  return (
    <figure className={classes.chart} aria-label={title}>
      <figcaption className={classes.head}>
        <h2>{title}</h2>
        <span className={classes.legend}>
          <span className="secondary">
            {times[shown] !== undefined && formatTime(times[shown])}
          </span>
          {series.map(({ label, color, values }) => (
            <span key={label} className={classes.value}>
              <span className={classes.swatch} style={{ background: `var(--${color})` }} />
              {label} {formatOr(values[shown], formatValue)}
            </span>
          ))}
        </span>
      </figcaption>
      <div className={classes.plot} aria-hidden="true">
        <Suspense>
          <Plot key={scheme} {...props} onPoint={setAt} />
        </Suspense>
      </div>
      <Figures {...props} />
    </figure>
  );
}

function formatOr(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value);
}

function Figures({ title, times, series, formatTime, formatValue }: ChartProps) {
  return (
    <table className="visually-hidden">
      <caption>{title}</caption>
      <thead>
        <tr>
          <td />
          {series.map(({ label }) => (
            <th key={label} scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {times.map((time, i) => (
          <tr key={time}>
            <th scope="row">{formatTime(time)}</th>
            {series.map(({ label, values }) => (
              <td key={label}>{formatOr(values[i], formatValue)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
