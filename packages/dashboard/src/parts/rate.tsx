import { formatCount, formatPercent } from '../app/format.ts';
import { common } from '../strings/common.ts';
import classes from './status.module.css';

/** As people judge it: below 90 % is bad, below 99 % is a warning. */
export function Rate({ rate }: { rate: number | null }) {
  if (rate === null) return <span className="secondary">{common.noRate}</span>;
  const tone = rate < 0.9 ? 'bad' : rate < 0.99 ? 'warn' : 'ok';
  return (
    <span className={classes.status} data-tone={tone}>
      {formatPercent(rate)}
    </span>
  );
}

export function Ended({ succeeded, failed }: { succeeded: number; failed: number }) {
  const ended = succeeded + failed;
  if (ended === 0) return null;
  return <span className="secondary">{common.ofDeliveries(formatCount(ended))}</span>;
}
