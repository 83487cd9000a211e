import pino from 'pino';

/**
 * Logs and metrics. A log line is one line whatever a stranger put into its fields, and never
 * holds a secret; a metric has a bounded number of series whatever happens.
 */

export type Logger = pino.Logger;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `auto`: pretty if the stream is a terminal, JSON otherwise. */
  readonly format: 'auto' | 'json' | 'pretty';
  readonly stream: { write(text: string): unknown; readonly isTTY?: boolean };
  /** Colours in pretty lines. */
  readonly colors?: boolean;
}

/** Writes JSON lines (`level`, `time` in RFC 3339, the fields, `msg`) or pretty ones for people. */
export function createLogger(options: LoggerOptions): Logger {
  const { stream, colors = false } = options;
  const pretty =
    options.format === 'pretty' || (options.format === 'auto' && stream.isTTY === true);
  const write = (line: string): void => {
    // Here rather than in pino's formatters, which do not see the bindings of child loggers.
    const fields = maskFields(JSON.parse(line) as object);
    const safe = maskText(JSON.stringify(fields));
    stream.write(pretty ? prettyLine(safe, colors) : `${escapeControls(safe)}\n`);
  };
  return pino(
    {
      level: options.level,
      base: null,
      // Errors are plain objects by then (maskFields), and pino's own serializer would rename them.
      serializers: { err: (error: unknown) => error },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        // Errors, bytes and cycles, which JSON cannot print.
        log: (fields) => maskFields(fields),
      },
    },
    { write },
  );
}

// ---- one line, no secrets ------------------------------------------------------------------------

const MASK = '***';
const DEPTH_MAX = 8;
const ITEMS_MAX = 100;
/** Values in one line altogether: an object of the runtime logged by mistake must not flood it. */
const VALUES_MAX = 1000;
const TEXT_MAX = 8192;
const SECRET_NAMES = /^(proxy-)?authorization$|cookie|secret|token|password|passphrase/i;
/** `adminKeyFile` says where a key is, which people need to read. */
const KEY_NAMES = /key(?!.*(file|path)$)/i;
/** Long and without a space: text that could be a key. Ids of keys (`key_…`) are public. */
const LOOKS_LIKE_KEY = /^(?!key_)[\x21-\x7e]{20,}$/;
/** Secrets that announce themselves, wherever they stand in a line. */
const SECRET_TEXT = /\b(wh(?:sec|sk)_|phk_|(?:Bearer|Basic) )[A-Za-z0-9+/=_.~-]{8,}/g;

function maskText(line: string): string {
  return line.replace(SECRET_TEXT, (_, prefix: string) => prefix + MASK);
}

function maskFields(fields: object): Record<string, unknown> {
  return maskObject(fields, { depth: 0, budget: { left: VALUES_MAX } });
}

interface Walk {
  readonly depth: number;
  readonly budget: { left: number };
}

function maskObject(fields: object, walk: Walk): Record<string, unknown> {
  const masked: Record<string, unknown> = {};
  const entries = Object.entries(fields);
  // A header as a pair: its name says whether its value may be seen.
  const header: unknown = 'name' in fields && 'value' in fields ? fields.name : undefined;
  for (const [name, value] of entries.slice(0, ITEMS_MAX)) {
    const asName = name === 'value' && typeof header === 'string' ? header : name;
    masked[name] = isSecret(asName, value) ? MASK : plain(value, deeper(walk));
  }
  if (entries.length > ITEMS_MAX) masked['…'] = `${entries.length - ITEMS_MAX} more`;
  return masked;
}

function deeper(walk: Walk): Walk {
  return { depth: walk.depth + 1, budget: walk.budget };
}

function isSecret(name: string, value: unknown): boolean {
  if (value === undefined || value === null || typeof value === 'boolean') return false;
  if (SECRET_NAMES.test(name)) return true;
  return KEY_NAMES.test(name) && typeof value === 'string' && LOOKS_LIKE_KEY.test(value);
}

/** A copy that JSON can print: no cycles, no endless texts, errors with their causes. */
function plain(value: unknown, walk: Walk): unknown {
  if (typeof value === 'string') {
    return value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}…` : value;
  }
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (walk.depth > DEPTH_MAX || walk.budget.left <= 0) return '…';
  walk.budget.left -= Array.isArray(value) ? value.length : 1;
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (value instanceof Error) return plainError(value, walk);
  if (value instanceof Date || value instanceof URL) return String(value);
  if (Array.isArray(value)) {
    return value.slice(0, ITEMS_MAX).map((item) => plain(item, deeper(walk)));
  }
  return maskObject(value, walk);
}

function plainError(error: Error, walk: Walk): Record<string, unknown> {
  const { cause } = error;
  return {
    type: error.name,
    message: plain(error.message, walk),
    ...maskObject(error, walk),
    stack: plain(error.stack, walk),
    ...(cause === undefined ? {} : { cause: plain(cause, deeper(walk)) }),
  };
}

/**
 * JSON escapes only U+0000–U+001F. Escaped here as well: DEL and C1 (terminals obey them), the
 * line separators, and the characters that reorder text. They stand inside JSON strings only, so
 * the escape is JSON too and reads back as the same text.
 */
const CONTROLS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function escapeControls(line: string): string {
  return line.replace(CONTROLS, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

const COLORS: Readonly<Record<string, number>> = { debug: 90, info: 32, warn: 33, error: 31 };

/** `12:30:00.123 INFO  message key=value`, in local time. */
function prettyLine(json: string, colors: boolean): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const paint = (code: number, text: string) => (colors ? `\u001b[${code}m${text}\u001b[0m` : text);
  const date = new Date(String(time));
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  const millis = String(date.getMilliseconds()).padStart(3, '0');
  const name = String(level);
  const pairs = Object.entries(fields).map(
    ([key, value]) => `${paint(90, `${printable(key, BARE)}=`)}${printable(value, BARE)}`,
  );
  const head = [
    paint(90, `${clock}.${millis}`),
    paint(COLORS[name] ?? 0, name.toUpperCase().padEnd(5)),
    printable(msg ?? '', SENTENCE),
  ];
  return `${[...head, ...pairs].join(' ')}\n`;
}

/** What may be printed as it stands; the rest is printed as JSON, so a field cannot forge another. */
const BARE = /^[^\p{Cc}\s="]+$/u;
const SENTENCE = /^[^\p{Cc}]*$/u;

function printable(value: unknown, harmless: RegExp): string {
  const bare = typeof value === 'string' && harmless.test(value);
  return escapeControls(bare ? value : JSON.stringify(value));
}

// ---- metrics -------------------------------------------------------------------------------------

/** A label's name and every value it may have; others count as `other`, so series are bounded. */
export type LabelSets = Readonly<Record<string, readonly string[]>>;
export type Labels<Sets extends LabelSets> = { readonly [Name in keyof Sets]: string };

export interface MetricOptions<Sets extends LabelSets> {
  /** `posthorn_deliveries_total`: the base unit and, for counters, `_total` at the end. */
  readonly name: string;
  readonly help: string;
  readonly labels?: Sets;
}
export interface HistogramOptions<Sets extends LabelSets> extends MetricOptions<Sets> {
  /** Upper bounds, ascending, without +Inf. */
  readonly buckets: readonly number[];
}
export interface Counter<Sets extends LabelSets> {
  add(by?: number, labels?: Labels<Sets>): void;
}
export interface Gauge<Sets extends LabelSets> {
  set(value: number, labels?: Labels<Sets>): void;
}
export interface Histogram<Sets extends LabelSets> {
  observe(value: number, labels?: Labels<Sets>): void;
}

/** Metrics of one process. Labels are closed sets: none may be an endpoint, a tenant or a URL. */
export interface Metrics {
  counter<Sets extends LabelSets = never>(options: MetricOptions<Sets>): Counter<Sets>;
  gauge<Sets extends LabelSets = never>(options: MetricOptions<Sets>): Gauge<Sets>;
  /** A gauge that is asked for its value when somebody looks. */
  observed(options: MetricOptions<never>, read: () => number): void;
  histogram<Sets extends LabelSets = never>(options: HistogramOptions<Sets>): Histogram<Sets>;
  /** Everything in Prometheus' text format 0.0.4. */
  text(): string;
}
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Seconds, from a warm local receiver to the longest attempt. */
export const DURATION_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
const SERIES_MAX = 500;

export function createMetrics(): Metrics {
  const families = new Map<string, () => string[]>();
  const add = (type: string, { name, help, labels }: MetricOptions<LabelSets>, lines: Lines) => {
    if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`metric name ${name} is not valid`);
    if (families.has(name)) throw new Error(`metric ${name} is made twice`);
    const sets = Object.values(labels ?? {});
    const series = sets.reduce((product, values) => product * (values.length + 1), 1);
    if (series > SERIES_MAX) throw new Error(`metric ${name} could have ${series} series`);
    families.set(name, () => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines()]);
  };
  return {
    counter(options) {
      const { values, lines } = scalars(options);
      add('counter', options, lines);
      return {
        add: (by = 1, labels) => {
          const series = seriesOf(options, labels);
          values.set(series, (values.get(series) ?? 0) + by);
        },
      };
    },
    gauge(options) {
      const { values, lines } = scalars(options);
      add('gauge', options, lines);
      return { set: (value, labels) => void values.set(seriesOf(options, labels), value) };
    },
    observed(options, read) {
      add('gauge', options, () => [`${options.name} ${read()}`]);
    },
    histogram(options) {
      const { observe, lines } = buckets(options);
      add('histogram', options, lines);
      return { observe };
    },
    text: () => `${[...families.values()].flatMap((lines) => lines()).join('\n')}\n`,
  };
}

type Lines = () => string[];

/** Series are keyed by their labels as text: `outcome="succeeded"`, or nothing. */
function scalars(options: MetricOptions<LabelSets>): { values: Map<string, number>; lines: Lines } {
  const values = new Map<string, number>();
  // A series that is there from the start lets an alert see its first increase.
  if (options.labels === undefined) values.set('', 0);
  const lines = () =>
    [...values].map(([series, value]) => `${options.name}${braced(series)} ${value}`);
  return { values, lines };
}

function buckets<Sets extends LabelSets>(options: HistogramOptions<Sets>) {
  const { name, buckets: bounds } = options;
  const all = new Map<string, { counts: number[]; sum: number; count: number }>();
  const observe = (value: number, labels?: Labels<Sets>) => {
    const series = seriesOf(options, labels);
    let data = all.get(series);
    if (data === undefined) {
      data = { counts: bounds.map(() => 0), sum: 0, count: 0 };
      all.set(series, data);
    }
    const index = bounds.findIndex((bound) => value <= bound);
    if (index >= 0) data.counts[index] = (data.counts[index] ?? 0) + 1;
    data.sum += value;
    data.count += 1;
  };
  const lines = () =>
    [...all].flatMap(([series, { counts, sum, count }]) => {
      const comma = series === '' ? '' : ',';
      let below = 0;
      const cumulative = bounds.map((bound, index) => {
        below += counts[index] ?? 0;
        return `${name}_bucket{${series}${comma}le="${bound}"} ${below}`;
      });
      return [
        ...cumulative,
        `${name}_bucket{${series}${comma}le="+Inf"} ${count}`,
        `${name}_sum${braced(series)} ${sum}`,
        `${name}_count${braced(series)} ${count}`,
      ];
    });
  return { observe, lines };
}

function seriesOf(options: MetricOptions<LabelSets>, labels: Record<string, string> = {}): string {
  if (options.labels === undefined) return '';
  return Object.entries(options.labels)
    .map(([name, allowed]) => {
      const value = labels[name];
      return `${name}="${value !== undefined && allowed.includes(value) ? value : 'other'}"`;
    })
    .join(',');
}

function braced(series: string): string {
  return series === '' ? '' : `{${series}}`;
}
