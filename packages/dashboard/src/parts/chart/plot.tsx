import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import classes from './chart.module.css';
import type { ChartProps } from './chart.tsx';

const HEIGHT = 160;
/** 1, 2, 5, 10, 20, … */
const WHOLE_STEPS = Array.from({ length: 9 }, (_, i) => [1, 2, 5].map((n) => n * 10 ** i)).flat();

export interface PlotProps extends ChartProps {
  /** Which bucket the pointer is at; undefined = none. */
  readonly onPoint: (index: number | undefined) => void;
}

export function Plot(props: PlotProps) {
  const { ref, width } = useElementSize();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const ready = width > 0;
  const data = dataOf(props);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; size and data are set below.
  useEffect(() => {
    if (!ready || !place.current) return undefined;
    const made = new uPlot(optionsOf(latest, width), data, place.current);
    plot.current = made;
    return () => made.destroy();
  }, [ready]);
  useEffect(() => plot.current?.setSize({ width, height: HEIGHT }), [width]);
  useEffect(() => plot.current?.setData(data));
  return (
    <div ref={ref} className={classes.frame}>
      <div ref={place} />
    </div>
  );
}

/** Bars stand on each other: each is drawn from the ground up to its sum, the tallest first. */
function dataOf({ times, series, kind }: ChartProps): uPlot.AlignedData {
  const values = series.map((one) => [...one.values]);
  if (kind === 'bars') {
    for (let i = 1; i < values.length; i++) {
      values[i] = (values[i] ?? []).map((value, at) => (value ?? 0) + (values[i - 1]?.[at] ?? 0));
    }
    values.reverse();
  }
  return [[...times], ...values] as uPlot.AlignedData;
}

function optionsOf(latest: { current: PlotProps }, width: number): uPlot.Options {
  const { kind, series, formatTime, formatValue } = latest.current;
  const color = (name: string) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
  const drawn = kind === 'bars' ? [...series].reverse() : series;
  const axis = {
    stroke: color('text-2'),
    font: '11px sans-serif',
    ticks: { show: false },
    grid: { stroke: color('line'), width: 1 },
  };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, points: { show: kind === 'lines' } },
    scales: {
      x: { time: true, ...(kind === 'bars' ? { range: halfBarAround } : {}) },
      y: { range: fromZero },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 24,
        space: 72,
        values: (_, at) => at.map(formatTime),
      },
      {
        ...axis,
        ...(kind === 'bars' ? { incrs: WHOLE_STEPS } : {}),
        size: 52,
        space: 36,
        values: (_, values) => values.map(formatValue),
      },
    ],
    series: [
      {},
      ...drawn.map((one) => ({
        label: one.label,
        stroke: color(one.color),
        width: kind === 'bars' ? 0 : 1.5,
        points: { show: kind === 'lines', size: 5, fill: color(one.color) },
        ...(kind === 'bars'
          ? {
              fill: color(one.color),
              paths: uPlot.paths.bars?.({ size: [0.72, 40] }) as uPlot.Series.PathBuilder,
            }
          : {}),
      })),
    ],
    hooks: { setCursor: [({ cursor }) => latest.current.onPoint(cursor.idx ?? undefined)] },
  };
}

/** The first and the last bar whole. */
function halfBarAround(self: uPlot, min: number, max: number): uPlot.Range.MinMax {
  const [x = []] = self.data;
  const half = ((x[1] ?? 0) - (x[0] ?? 0)) / 2;
  return [min - half, max + half];
}

function fromZero(_: uPlot, _min: number, max: number): uPlot.Range.MinMax {
  return [0, max > 0 ? max * 1.1 : 1];
}
