import classes from './bar.module.css';

export interface BarProps {
  /** 0 to 1. */
  readonly share: number;
  /** What goes on; without it the bar only draws a figure that stands beside it. */
  readonly progress?: string;
}

export function Bar({ share, progress }: BarProps) {
  const width = `${Math.min(share, 1) * 100}%`;
  const role =
    progress === undefined
      ? { 'aria-hidden': true }
      : {
          role: 'progressbar',
          'aria-label': progress,
          'aria-valuenow': Math.round(share * 100),
          'aria-valuemin': 0,
          'aria-valuemax': 100,
        };
  return (
    <span className={classes.bar} {...role}>
      <span style={{ width }} />
    </span>
  );
}
