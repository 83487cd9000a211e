/** Numbers, sizes and times as people read them, in their own locale. */

const number = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(undefined, {
  style: 'percent',
  minimumFractionDigits: 1,
  maximumFractionDigits: 2,
});
const moment = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
});
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'always', style: 'narrow' });

export function formatNumber(value: number): string {
  return number.format(value);
}

/** 12,345 in full, a million short. */
export function formatCount(value: number): string {
  return value < 100_000 ? number.format(value) : compact.format(value);
}

export function formatPercent(share: number): string {
  return percent.format(share);
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${round(bytes / 1024)} KiB`;
  return `${round(bytes / 1024 / 1024)} MiB`;
}

export function formatMs(ms: number): string {
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return formatSpan(ms);
}

/** A length of time from seconds up: `1.5 s`, `4 min`, `3 h`, `2 d`. */
export function formatSpan(ms: number): string {
  const s = ms / 1000;
  if (s < 60) return `${round(s)} s`;
  if (s < 3600) return `${round(s / 60)} min`;
  if (s < 86_400) return `${round(s / 3600)} h`;
  return `${round(s / 86_400)} d`;
}

function round(value: number): string {
  return number.format(value < 10 ? Math.round(value * 10) / 10 : Math.round(value));
}

/** With the date: for titles and details. */
export function formatMoment(at: string | number): string {
  return moment.format(new Date(at));
}

const hour = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', timeZone: 'UTC' });

/** The start of a bucket: an hour of our day, or a day in UTC, as the server cuts them. */
export function formatBucket(at: number, window: '24h' | '30d'): string {
  return (window === '24h' ? hour : day).format(new Date(at));
}

/** Time of day to the millisecond. */
export function formatClock(at: string | number): string {
  return clock.format(new Date(at));
}

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 1000],
  ['minute', 60_000],
  ['hour', 3_600_000],
  ['day', 86_400_000],
];

/** `3s ago`, `in 5m`; from thirty days on, the date. */
export function formatRelative(at: number, now: number): string {
  const ms = at - now;
  const size = Math.abs(ms);
  if (size >= 30 * 86_400_000) return moment.format(new Date(at));
  if (size < 1000) return relative.format(-0, 'second');
  let [unit, length] = STEPS[0] as (typeof STEPS)[number];
  for (const step of STEPS) if (size >= step[1]) [unit, length] = step;
  return relative.format(Math.trunc(ms / length), unit);
}
