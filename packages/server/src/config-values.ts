import { resolve } from 'node:path';

/** Texts of flags, variables and YAML become the values of options, or a refusal that says why. */

/** Commands of a running Posthorn that act in one tenant; the second row is about what inboxes have. */
export const IN_A_TENANT = [
  ...(['send', 'dashboard', 'types', 'listen', 'tail', 'replay'] as const),
  ...(['wait', 'forward', 'diff', 'fixture', 'export', 'show'] as const),
] as const;

/** How the server runs: `doctor` examines one of the two. */
export type Mode = 'dev' | 'serve';
export type Kind =
  | 'text'
  | 'path'
  | 'choice'
  | 'list'
  | 'integer'
  | 'boolean'
  | 'duration'
  | 'size';

export interface OptionSpec {
  /** In `posthorn.yaml`; the flag and the variable follow from it. */
  readonly name: string;
  readonly kind: Kind;
  readonly help: string;
  readonly default?: string | Readonly<Record<Mode, string>>;
  readonly env?: string;
  /** Never printed; may also be given as a file that holds it. */
  readonly secret?: true;
  readonly choices?: readonly string[];
  /** Bounds of integers, and of sizes and durations with their units. */
  readonly min?: string;
  readonly max?: string;
  /** What is wrong with a value that parsed; undefined = nothing. Must not repeat a secret. */
  readonly refuse?: (value: string) => string | undefined;
}

/** A value that cannot be used; the message names the value's source. */
export class Refused extends Error {}

/** Where a value stands, for messages, and what a relative path in it is relative to. */
export interface At {
  readonly label: string;
  readonly base: string;
}

export function parseOption(spec: OptionSpec, raw: unknown, at: At): unknown {
  if (spec.kind === 'list') return parseList(raw, at);
  const text = typeof raw === 'string' ? raw : scalarText(spec, raw, at);
  if (spec.kind === 'boolean') return parseBoolean(text, at);
  if (spec.kind === 'choice' && !spec.choices?.includes(text)) {
    throw new Refused(`${at.label}: ${quote(text)} is not one of ${spec.choices?.join(', ')}`);
  }
  if (spec.kind === 'integer' || spec.kind === 'duration' || spec.kind === 'size') {
    return parseNumber(spec, text, at);
  }
  const value = spec.kind === 'path' ? resolve(at.base, text) : text;
  if (text === '') throw new Refused(`${at.label}: must not be empty`);
  const problem = spec.refuse?.(value);
  if (problem !== undefined) throw new Refused(`${at.label}: ${problem}`);
  return value;
}

/** YAML reads `123` as a number: right for a port, wrong for a key, whose leading zeros it drops. */
function scalarText(spec: OptionSpec, raw: unknown, at: At): string {
  const plain = typeof raw === 'number' || typeof raw === 'boolean';
  if (plain && spec.kind !== 'text' && spec.kind !== 'path') return String(raw);
  throw new Refused(`${at.label}: must be text; write it in quotes`);
}

function parseList(raw: unknown, at: At): readonly string[] {
  const items: unknown[] =
    typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : [raw];
  const texts = items.map((item) => {
    if (typeof item !== 'string') throw new Refused(`${at.label}: must be a list of texts`);
    return item.trim();
  });
  return texts.filter((text) => text !== '');
}

function parseBoolean(text: string, at: At): boolean {
  if (text === 'true' || text === '1' || text === 'on') return true;
  if (text === 'false' || text === '0' || text === 'off') return false;
  throw new Refused(`${at.label}: ${quote(text)} is not true or false, on or off`);
}

export const DURATION_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
export const SIZE_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
type Units = Readonly<Record<string, number>>;

function parseNumber(spec: OptionSpec, text: string, at: At): number {
  const units: Units | undefined =
    spec.kind === 'duration' ? DURATION_MS : spec.kind === 'size' ? SIZE_BYTES : undefined;
  const value = units === undefined ? wholeNumber(text) : quantity(text, units);
  if (value === undefined) {
    const wanted =
      units === undefined
        ? 'a whole number'
        : `a number with a unit (${Object.keys(units).join(', ')}), such as ${spec.max}`;
    throw new Refused(`${at.label}: ${quote(text)} is not ${wanted}`);
  }
  const [min = '0', max = '0'] = [spec.min, spec.max];
  const bound = (limit: string) => (units === undefined ? Number(limit) : quantity(limit, units));
  if (value < (bound(min) ?? 0) || value > (bound(max) ?? 0)) {
    throw new Refused(`${at.label}: ${quote(text)} is not between ${min} and ${max}`);
  }
  return value;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** `1.5h` in the smallest unit; undefined = it is none. */
export function quantity(text: string, units: Units): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,3})?) ?([A-Za-z]+)$/.exec(text);
  const unit =
    match?.[2] !== undefined && Object.hasOwn(units, match[2]) ? units[match[2]] : undefined;
  return unit === undefined ? undefined : Math.round(Number(match?.[1]) * unit);
}

/** The largest unit that needs no fraction: 2,592,000,000 ms is `30d`. */
export function withUnit(value: number, units: Units): string {
  let text = String(value);
  for (const [unit, size] of Object.entries(units)) {
    if (value % size === 0) text = `${value / size}${unit}`;
  }
  return text;
}

/** The candidate fewest edits away, if it is near enough to be meant. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance; names are cut at 64 characters so that the work is bounded. */
function editDistance(a: string, b: string): number {
  const [from, to] = [a.slice(0, 64), b.slice(0, 64)];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const swap = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

export function unknown(name: string, what: string, candidates: readonly string[]): string {
  const near = nearest(name, candidates);
  return `unknown ${what} ${quote(name)}${near === undefined ? '' : `: did you mean ${near}?`}`;
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Also of a page that queries are added to. */
export function refuseBaseUrl(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const plain =
    (url?.protocol === 'http:' || url?.protocol === 'https:') &&
    url.search === '' &&
    url.hash === '' &&
    url.username === '' &&
    url.password === '';
  return plain ? undefined : 'must be an http or https URL without credentials, query or fragment';
}

/** Says nothing of the value: it holds a password. */
export function refuseDatabaseUrl(value: string): string | undefined {
  const scheme = /^postgres(ql)?:\/\/./.test(value);
  return scheme && URL.canParse(value)
    ? undefined
    : 'must be the URL of a PostgreSQL database: postgresql://user:password@host/database';
}

/** The user's configuration is wrong. `problems` are sentences that name their source. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Written as the variables usually are: what has no scheme is an HTTP proxy. */
export function proxyUrl(given: string): string {
  const url = given.includes('://') ? given : `http://${given}`;
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  const names = 'HTTPS_PROXY, HTTP_PROXY, ALL_PROXY';
  throw new ConfigError([`${names}: what is set must be an HTTP proxy: http://host:port`]);
}
