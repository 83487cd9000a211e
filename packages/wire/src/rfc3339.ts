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

export interface Rfc3339Options {
  /** Digits of the fraction: none, three, or three unless they are zeros. */
  readonly fraction: 'none' | 'ms' | 'auto';
  /** How UTC is written. */
  readonly utc: 'Z' | '+00:00';
  /** Minutes that local time is ahead of UTC; 0 unless told. */
  readonly offsetMinutes?: number | undefined;
}

/** @example formatRfc3339(0, { fraction: 'none', utc: 'Z', offsetMinutes: 480 }) // '1970-01-01T08:00:00+08:00' */
export function formatRfc3339(ms: number, options: Rfc3339Options): string {
  const given = options.offsetMinutes ?? 0;
  // Four digits of a year: at the ends of the calendar local time may need another one.
  const local = ms + given * MINUTE_MS;
  const offset = local >= FIRST_MS && local < BEYOND_MS ? given : 0;
  const text = new Date(ms + offset * MINUTE_MS).toISOString();
  const digits = options.fraction === 'auto' ? ms % 1000 !== 0 : options.fraction === 'ms';
  return text.slice(0, digits ? 23 : 19) + (offset === 0 ? options.utc : formatOffset(offset));
}

/** @example formatOffset(-210) // '-03:30' */
export function formatOffset(minutes: number): string {
  const [hour, minute] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const two = (number: number) => String(number).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(hour)}:${two(minute)}`;
}

const OFFSET = /^(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})(?::\d{2})?$/;

/**
 * Minutes that a time zone is ahead of UTC at a moment: `+08:00`, or a name such as `Asia/Shanghai`;
 * undefined = no such zone.
 */
export function offsetMinutesOf(zone: string, ms: number): number | undefined {
  const match = OFFSET.exec(zone);
  if (match) {
    const minutes = Number(match[2]) * 60 + Number(match[3]);
    return Number(match[2]) > 23 || Number(match[3]) > 59 ? undefined : sign(match[1]) * minutes;
  }
  if (/^(?:Z|UTC|GMT)$/.test(zone)) return 0;
  try {
    const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' });
    const name = format.formatToParts(ms).find((part) => part.type === 'timeZoneName')?.value;
    return name === undefined || name === zone ? undefined : offsetMinutesOf(name, ms);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function sign(text: string | undefined): number {
  return text === '-' ? -1 : 1;
}
