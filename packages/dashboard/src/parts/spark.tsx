import classes from './spark.module.css';

const BAR = 4;
const GAP = 1;
const HEIGHT = 18;

export interface SparkProps {
  /** What it shows, in words. */
  readonly label: string;
  readonly succeeded: readonly number[];
  readonly failed: readonly number[];
}

/** A day or a month at a glance: each bar is what ended, the part on top failed. */
export function Spark({ label, succeeded, failed }: SparkProps) {
  const totals = succeeded.map((count, i) => count + (failed[i] ?? 0));
  const most = Math.max(1, ...totals);
  // What happened at all is seen, however little it is beside the rest.
  const scale = (count: number) => (count === 0 ? 0 : Math.max(2, (count / most) * HEIGHT));
  return (
    <svg
      className={classes.spark}
      width={totals.length * (BAR + GAP)}
      height={HEIGHT}
      role="img"
      aria-label={label}
    >
      {totals.map((total, i) => {
        const height = scale(total);
        const bad = Math.min(height, scale(failed[i] ?? 0));
        const x = i * (BAR + GAP);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place.
          <g key={i}>
            <rect className={classes.ground} x={x} y={HEIGHT - 1} width={BAR} height={1} />
            <rect className={classes.ok} x={x} y={HEIGHT - height} width={BAR} height={height} />
            <rect className={classes.bad} x={x} y={HEIGHT - height} width={BAR} height={bad} />
          </g>
        );
      })}
    </svg>
  );
}
