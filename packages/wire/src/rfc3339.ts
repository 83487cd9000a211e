const PATTERN =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** 0000-01-01T00:00:00Z and 10000-01-01T00:00:00Z: what four digits of a year can print again. */
const FIRST_MS = -62_167_219_200_000;
const BEYOND_MS = 253_402_300_800_000;

/**
 * Milliseconds since the Unix epoch of an RFC 3339 date-time with any offset and up to nine digits
 * of fraction (digits beyond milliseconds are cut off); undefined = not one. A leap second,
 * allowed only at 23:59:60 UTC, is the last millisecond of its minute, so it stays inside its day.
 *
 * @example parseRfc3339('2026-03-17T14:30:00.123456789+01:00') // 1773754200123
 */
export function parseRfc3339(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number);
  if (hour > 23 || minute > 59 || second > 60) return undefined;

  // Date.UTC reads the years 0–99 as 1900–1999; setUTCFullYear does not.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;

  const offsetHour = Number(match[9] ?? 0);
  const offsetMinute = Number(match[10] ?? 0);
  if (offsetHour > 23 || offsetMinute > 59) return undefined;
  const offset = (offsetHour * 60 + offsetMinute) * (match[8] === '-' ? -1 : 1);

  const minuteMs = date.getTime() + (hour * 60 + minute - offset) * MINUTE_MS;
  const leap = second === 60;
  if (leap && (minuteMs + MINUTE_MS) % DAY_MS !== 0) return undefined;
  const fractionMs = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  const ms = leap ? minuteMs + MINUTE_MS - 1 : minuteMs + second * 1000 + fractionMs;
  return ms >= FIRST_MS && ms < BEYOND_MS ? ms : undefined;
}
