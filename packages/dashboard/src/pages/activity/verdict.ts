import { formatMs } from '../../app/format.ts';
import type { AttemptRow } from '../../data/types.ts';
import { activity } from '../../strings/activity.ts';

const text = activity.verdict;

/** What happened and what follows, in words. */
export function verdictOf(attempt: AttemptRow): string {
  return [whatHappened(attempt), whatFollows(attempt)].filter((one) => one !== '').join(' ');
}

function whatHappened({ status, state, detail, durationMs }: AttemptRow): string {
  const took = formatMs(durationMs);
  if (status === null) return detail;
  if (state === 'succeeded') return text.succeeded(status, took);
  return text.answered(status, took);
}

function whatFollows({ state }: AttemptRow): string {
  if (state === 'pending') return text.retry;
  if (state === 'failed') return text.gaveUp;
  return state === 'cancelled' ? text.cancelled : '';
}
