import { formatMs } from '../../app/format.ts';
import type { WholeAttempt } from '../../data/types.ts';
import { Bar } from '../../parts/bar.tsx';
import { exchange } from '../../strings/exchange.ts';
import classes from './attempt.module.css';

const PHASES = ['dnsMs', 'connectMs', 'tlsMs', 'firstByteMs'] as const;

/** Where the time went; a phase that a kept connection did not need is left out. */
export function Timings({ timings }: { timings: WholeAttempt['timings'] }) {
  const phases = PHASES.flatMap((phase) => {
    const ms = timings[phase];
    return ms === null ? [] : [{ phase, ms }];
  });
  if (phases.length === 0) return null;
  const total = Math.max(timings.totalMs, ...phases.map(({ ms }) => ms), 0.1);
  return (
    <section aria-label={exchange.timing}>
      <h2>{exchange.timing}</h2>
      <div className={classes.bars}>
        {[...phases, { phase: 'totalMs' as const, ms: timings.totalMs }].map(({ phase, ms }) => (
          <Phase key={phase} label={exchange.timings[phase]} ms={ms} share={ms / total} />
        ))}
      </div>
    </section>
  );
}

function Phase({ label, ms, share }: { label: string; ms: number; share: number }) {
  return (
    <>
      <span className="secondary">{label}</span>
      <Bar share={share} />
      <span>{formatMs(ms)}</span>
    </>
  );
}
