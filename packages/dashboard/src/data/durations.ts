/** Lengths of time as people type them: `30s`, `5m`, `2h`, `1d`; a bare number is seconds. */
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** In seconds; undefined = not understood. */
export function parseSeconds(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([smhd]?)$/.exec(text.trim());
  if (!match) return undefined;
  return Number(match[1]) * (UNITS[match[2] || 's'] as number);
}

/** Several, with spaces or commas between them. */
export function parseSecondsList(text: string): number[] | undefined {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  const seconds = parts.map(parseSeconds);
  return seconds.includes(undefined) ? undefined : (seconds as number[]);
}

/** `90` → `90s`, `7200` → `2h`: the largest unit that says it without a fraction. */
export function printSeconds(seconds: number): string {
  const unit = Object.entries(UNITS)
    .reverse()
    .find(([, size]) => seconds >= size && seconds % size === 0);
  return unit ? `${seconds / unit[1]}${unit[0]}` : `${seconds}s`;
}
