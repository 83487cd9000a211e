import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { parseDocument } from 'yaml';
import { problemsOfShards, SHARDS_OPTION } from './config-shards.ts';
import {
  ConfigError,
  DURATION_MS,
  firstLine,
  IN_A_TENANT,
  type Kind,
  type Mode,
  messageOf,
  type OptionSpec,
  parseOption,
  proxyUrl,
  quote,
  Refused,
  refuseBaseUrl,
  refuseDatabaseUrl,
  SIZE_BYTES,
  unknown,
  withUnit,
} from './config-values.ts';
import { isRole, ROLES, type Role } from './core/roles.ts';

export { ConfigError };

/**
 * The configuration: one table of options gives flags, environment variables, keys of
 * `posthorn.yaml`, defaults, help and docs/configuration.md. The only reader of the environment.
 * Flags win over the environment, that over `.env`, that over the file, that over the default.
 */

const DESCRIBING = ['apply', 'dump'] as const;
const ON_THE_DIRECTORY = ['backup', 'restore'] as const;
export type Command =
  | Mode
  | 'doctor'
  | (typeof IN_A_TENANT)[number]
  | (typeof DESCRIBING)[number]
  | (typeof ON_THE_DIRECTORY)[number];
export type Environment = Readonly<Record<string, string | undefined>>;
/** Options of the server: `dev`, `serve`, and `doctor` which examines them. */
const SERVER_OPTIONS = {
  port: {
    name: 'port',
    kind: 'integer',
    default: '4400',
    min: '0',
    max: '65535',
    help: 'Port to listen on; 0 takes any free one.',
  },
  host: {
    name: 'host',
    kind: 'text',
    default: { dev: '127.0.0.1', serve: '0.0.0.0' },
    help: 'Address to listen on.',
  },
  dataDirectory: {
    name: 'data',
    kind: 'path',
    default: { dev: '.posthorn', serve: '$XDG_DATA_HOME/posthorn' },
    help: 'Directory of the store and the generated keys. XDG_DATA_HOME is ~/.local/share if unset.',
  },
  databaseUrl: {
    name: 'databaseUrl',
    kind: 'text',
    env: 'DATABASE_URL',
    secret: true,
    help: 'PostgreSQL 15 or newer instead of SQLite, for as many nodes as you start: postgresql://user:password@host/database.',
    refuse: refuseDatabaseUrl,
  },
  shardUrls: SHARDS_OPTION,
  adminKey: {
    name: 'adminKey',
    kind: 'text',
    secret: true,
    help: 'API key with every right, 32-256 printable ASCII characters. Made at the first start if unset.',
    refuse: (value) =>
      /^[\x21-\x7e]{32,256}$/.test(value)
        ? undefined
        : 'must be 32 to 256 printable ASCII characters without spaces',
  },
  masterKey: {
    name: 'masterKey',
    kind: 'text',
    secret: true,
    help: 'Encrypts secrets at rest, at least 32 characters. Made at the first start if unset; with PostgreSQL it must be set, the same on every node.',
    refuse: (value) =>
      value.length >= 32 && value.length <= 1024 ? undefined : 'must be 32 to 1024 characters',
  },
  egressAllow: {
    name: 'egressAllow',
    kind: 'list',
    help: 'Networks that deliveries may reach although they are not global: CIDR[:port], comma-separated.',
  },
  egressHttp: {
    name: 'egressHttp',
    kind: 'boolean',
    default: { dev: 'true', serve: 'false' },
    help: 'Allow endpoints with plain http: URLs.',
  },
  egressCaFile: {
    name: 'egressCaFile',
    kind: 'path',
    help: 'PEM file of certificate authorities to trust beside the built-in ones.',
    refuse: (value) => (existsSync(value) ? undefined : `${quote(value)} does not exist`),
  },
  baseUrl: {
    name: 'baseUrl',
    kind: 'text',
    help: 'URL under which people reach this server, if it differs from host and port.',
    refuse: refuseBaseUrl,
  },
  loginUrl: {
    name: 'loginUrl',
    kind: 'text',
    help: "Your application's login page, for people whom apps send here to agree to something. Unset: they sign in at the dashboard.",
    refuse: refuseBaseUrl,
  },
  dashboard: {
    name: 'dashboard',
    kind: 'boolean',
    default: 'true',
    help: 'Serve the dashboard and the portal.',
  },
  logLevel: {
    name: 'logLevel',
    kind: 'choice',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    help: 'Least severe log line to write.',
  },
  logFormat: {
    name: 'logFormat',
    kind: 'choice',
    choices: ['auto', 'json', 'pretty'],
    default: 'auto',
    help: 'auto is pretty on a terminal and JSON lines elsewhere.',
  },
  queueEvents: {
    name: 'queueEvents',
    kind: 'integer',
    default: '5000',
    min: '1',
    max: '1000000',
    help: 'Events that may wait for their commit; more are answered with 429.',
  },
  queueBytes: {
    name: 'queueBytes',
    kind: 'size',
    default: '32MiB',
    min: '1MiB',
    max: '16GiB',
    help: 'Bytes of events that may wait for their commit; more are answered with 429.',
  },
  concurrency: {
    name: 'concurrency',
    kind: 'integer',
    default: '1000',
    min: '1',
    max: '100000',
    help: 'Deliveries in flight at once in this process.',
  },
  roles: {
    name: 'roles',
    kind: 'list',
    default: 'api,deliver,maintain,inbox',
    help: 'What this process does, comma-separated: api, deliver, maintain, inbox. With SQLite all of it.',
  },
  retentionMs: {
    name: 'retention',
    kind: 'duration',
    default: '30d',
    min: '1m',
    max: '3650d',
    help: 'How long events, attempts and idempotency records are kept.',
  },
  search: {
    name: 'search',
    kind: 'boolean',
    default: 'true',
    help: 'Keep an index of the words of events and failed attempts, for text search.',
  },
  passTrace: {
    name: 'passTrace',
    kind: 'boolean',
    default: 'false',
    help: 'Tell receivers to which trace a request belongs (`traceparent`, `tracestate`).',
  },
  payloadRetentionMs: {
    name: 'payloadRetention',
    kind: 'duration',
    min: '1m',
    max: '3650d',
    help: 'How long the data of events and the bytes of attempts are kept, if shorter than retention. Unset = as long.',
  },
  storeMaxBytes: {
    name: 'storeMax',
    kind: 'size',
    min: '16MiB',
    max: '1048576GiB',
    help: 'As large as the store may be: before it is, what has ended goes, oldest first. Unset = no cap.',
  },
  inboxDomain: {
    name: 'inboxDomain',
    kind: 'text',
    help: 'Domain whose every name leads here: inboxes are https://{name}.{domain} then.',
    refuse: (value) =>
      /^(?=.{1,190}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/.test(value)
        ? undefined
        : `${quote(value)} is not a domain in lower case such as hooks.example.com`,
  },
  inboxBodyBytes: {
    name: 'inboxBody',
    kind: 'size',
    default: '10MiB',
    min: '1KiB',
    max: '1GiB',
    help: 'Largest body that an inbox keeps; of a larger one only the beginning, and 413 is answered.',
  },
  inboxQueueBytes: {
    name: 'inboxQueue',
    kind: 'size',
    default: '64MiB',
    min: '1MiB',
    max: '16GiB',
    help: 'Bodies to inboxes that are read or wait for their commit at once; more get 429.',
  },
  inboxesMax: {
    name: 'inboxes',
    kind: 'integer',
    default: '100',
    min: '0',
    max: '100000',
    help: 'Inboxes that one tenant may have.',
  },
  drainMs: {
    name: 'drain',
    kind: 'duration',
    default: '30s',
    min: '0s',
    max: '10m',
    help: 'How long a stop waits for deliveries in flight.',
  },
} as const satisfies Record<string, OptionSpec>;

/** Options of the commands that talk HTTP to a running server. */
const CLIENT_OPTIONS = {
  url: {
    name: 'url',
    kind: 'text',
    default: 'http://127.0.0.1:4400',
    help: 'Where the server is.',
    refuse: refuseBaseUrl,
  },
  key: {
    name: 'key',
    kind: 'text',
    secret: true,
    help: 'API key to use.',
    refuse: (value) =>
      /^[\x21-\x7e]{1,256}$/.test(value) ? undefined : 'must be printable ASCII without spaces',
  },
  tenant: {
    name: 'tenant',
    kind: 'text',
    default: 'default',
    help: 'Tenant to act in.',
  },
} as const satisfies Record<string, OptionSpec>;

type ValueOf<Spec extends OptionSpec> = Spec extends { kind: 'integer' | 'duration' | 'size' }
  ? Spec extends { default: unknown }
    ? number
    : number | undefined
  : Spec extends { kind: 'boolean' }
    ? boolean
    : Spec extends { kind: 'list' }
      ? readonly string[]
      : Spec extends { choices: readonly (infer Choice)[] }
        ? Choice
        : Spec extends { default: unknown }
          ? string
          : string | undefined;
type ValuesOf<Table extends Record<string, OptionSpec>> = {
  readonly [Key in keyof Table]: ValueOf<Table[Key]>;
};
interface Origin {
  /** By option name: the flag, variable or file that set it; `default` otherwise. */
  readonly sources: Readonly<Record<string, string>>;
}

/** Options of the server; durations in ms, sizes in bytes, paths absolute. */
export type Config = Omit<ValuesOf<typeof SERVER_OPTIONS>, 'roles'> &
  Origin & {
    readonly roles: readonly Role[];
    readonly mode: Mode;
    /** `site:n` of core/crash-sites.ts, from CRASH_AT: where a test wants this process to die. */
    readonly crashAt: string | undefined;
  };
export type ClientConfig = ValuesOf<typeof CLIENT_OPTIONS> & Origin;

export interface ConfigInput {
  readonly command: Mode;
  /** By camel-case flag name (`adminKeyFile`); undefined members were not given. */
  readonly flags?: Readonly<Record<string, unknown>>;
  readonly env?: Environment;
  readonly cwd?: string;
}

/** Reads every source and returns the server's options. Throws `ConfigError` with all problems. */
export function loadConfig(input: ConfigInput): Config {
  const { values, sources } = load(SERVER_OPTIONS, input);
  const { env = process.env } = input;
  const problems = problemsTogether(values, sources);
  if (problems.length > 0) throw new ConfigError(problems);
  const roles = values.roles.filter(isRole);
  return { ...values, roles, sources, mode: input.command, crashAt: env['CRASH_AT'] || undefined };
}

/** What is wrong with values that are right one by one. */
function problemsTogether(
  { databaseUrl, shardUrls, masterKey, roles, storeMaxBytes }: ValuesOf<typeof SERVER_OPTIONS>,
  sources: Readonly<Record<string, string>>,
): string[] {
  const problems = roles
    .filter((role) => !isRole(role))
    .map((role) => `${sources['roles']}: ${quote(role)} is not one of ${ROLES.join(', ')}`);
  if (roles.length === 0) problems.push(`${sources['roles']}: name at least one role`);
  problems.push(...problemsOfShards(databaseUrl, shardUrls, `${sources['shards']}`));
  if (databaseUrl === undefined) {
    if (!ROLES.every((role) => roles.includes(role))) {
      problems.push(
        `${sources['roles']}: with SQLite one process does everything; set DATABASE_URL to part the work among several`,
      );
    }
    return problems;
  }
  if (masterKey === undefined) {
    problems.push(
      `POSTHORN_MASTER_KEY is not set: with PostgreSQL (${sources['databaseUrl']}) every node needs the same one. Make it once, for example with "openssl rand -base64 32", and keep it apart from the database's backups`,
    );
  }
  if (storeMaxBytes !== undefined) {
    problems.push(
      `${sources['storeMax']}: the size of a PostgreSQL database is limited where it runs; shorten retention or payloadRetention instead`,
    );
  }
  return problems;
}

/** The same for the options of commands that talk HTTP. */
export function loadClientConfig(input: Omit<ConfigInput, 'command'>): ClientConfig {
  const { values, sources } = load(CLIENT_OPTIONS, { ...input, command: 'serve' });
  return { ...values, sources };
}

/** What a file may refer to: the environment, and under it `.env`. Throws `ConfigError`. */
export function readVariables(env: Environment = process.env, cwd = process.cwd()): Environment {
  const problems: string[] = [];
  const variables = { ...readDotEnv(cwd, problems), ...env };
  if (problems.length > 0) throw new ConfigError(problems);
  return variables;
}

/** May `stream` get colours? See no-color.org; a terminal that calls itself `dumb` cannot. */
export function colorsFor(
  stream: { readonly isTTY?: boolean },
  env: Environment = process.env,
): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** May programs draw on the terminal, and with which command do people edit files? */
export function terminalFor({ TERM, VISUAL, EDITOR }: Environment = process.env) {
  return { draws: TERM !== 'dumb', editor: VISUAL || EDITOR || undefined };
}

/** The proxy that the usual variables name for a URL; undefined = go straight there. */
export function proxyFor(url: string, env: Environment = process.env): string | undefined {
  const { protocol, hostname } = new URL(url);
  const read = (name: string) => env[name.toLowerCase()] || env[name] || undefined;
  const except = (read('NO_PROXY') ?? '').split(',').map((part) => part.trim().toLowerCase());
  const host = hostname.toLowerCase();
  const named = (part: string) => {
    const bare = part.replace(/^\*?\./, '');
    return part === '*' || (bare !== '' && (host === bare || host.endsWith(`.${bare}`)));
  };
  if (host === 'localhost' || /^127\./.test(host) || host === '[::1]' || except.some(named)) {
    return undefined;
  }
  const proxy = read(protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY') ?? read('ALL_PROXY');
  return proxy === undefined ? undefined : proxyUrl(proxy);
}

/** Whether `proxyFor` ever names one. */
export function hasProxies(env: Environment = process.env): boolean {
  return Object.keys(env).some((name) => /^(?:https?|all)_proxy$/i.test(name));
}

/** Where commands keep what they remember between runs (XDG base directories 0.8). */
export function stateDirectory(env: Environment = process.env): string {
  const set = env['XDG_STATE_HOME'];
  const base = set !== undefined && isAbsolute(set) ? set : undefined;
  return join(base ?? join(env['HOME'] || homedir(), '.local', 'state'), 'posthorn');
}

// ---- the table, for help and docs ----------------------------------------------------------------

/** One option as flags, help and docs/configuration.md show it. */
export interface OptionRow {
  readonly name: string;
  readonly kind: Kind;
  /** `--queue-bytes`; a boolean also has `--no-…`, a secret also `…-file`. */
  readonly flag: string;
  readonly env: string;
  readonly defaults: Readonly<Record<Mode, string | undefined>>;
  readonly help: string;
  readonly secret: boolean;
  readonly choices: readonly string[] | undefined;
  readonly commands: readonly Command[];
}

export function configTable(): OptionRow[] {
  const { tenant, ...server } = CLIENT_OPTIONS;
  const rows = (table: Record<string, OptionSpec>, commands: readonly Command[]) =>
    Object.values(table).map((spec) => ({
      name: spec.name,
      kind: spec.kind,
      flag: `--${kebab(spec.name)}`,
      env: envName(spec),
      defaults: { dev: defaultText(spec, 'dev'), serve: defaultText(spec, 'serve') },
      help: spec.help,
      secret: spec.secret === true,
      choices: spec.choices,
      commands,
    }));
  const { dataDirectory, ...others } = SERVER_OPTIONS;
  return [
    ...rows({ dataDirectory }, ['dev', 'serve', 'doctor', ...ON_THE_DIRECTORY]),
    ...rows(others, ['dev', 'serve', 'doctor']),
    ...rows(server, [...IN_A_TENANT, ...DESCRIBING]),
    ...rows({ tenant }, IN_A_TENANT),
  ];
}

/** Every option with its value as text and where it came from; secrets only say that they are set. */
export function describeConfig(
  config: Config,
): { readonly name: string; readonly value: string; readonly source: string }[] {
  return Object.entries<OptionSpec>(SERVER_OPTIONS).map(([key, spec]) => {
    const value: unknown = config[key as keyof typeof SERVER_OPTIONS];
    const source = config.sources[spec.name] ?? 'default';
    return { name: spec.name, value: valueText(spec, value), source };
  });
}

function valueText(spec: OptionSpec, value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return '';
  if (spec.secret) return '(set, not shown)';
  if (spec.kind === 'duration') return withUnit(Number(value), DURATION_MS);
  if (spec.kind === 'size') return withUnit(Number(value), SIZE_BYTES);
  return String(value);
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function envName(spec: OptionSpec): string {
  return spec.env ?? `POSTHORN_${kebab(spec.name).replaceAll('-', '_').toUpperCase()}`;
}

function defaultText(spec: OptionSpec, mode: Mode): string | undefined {
  return typeof spec.default === 'object' ? spec.default[mode] : spec.default;
}

// ---- sources -------------------------------------------------------------------------------------

/** Where values may come from, strongest first. `base` is what relative paths are relative to. */
interface Source {
  readonly base: string;
  readonly get: (key: string, spec: OptionSpec) => unknown;
  readonly label: (key: string, spec: OptionSpec) => string;
}

const FILE_NAME = 'posthorn.yaml';
const CONFIG_FILE_BYTES_MAX = 1024 * 1024;
const SECRET_FILE_BYTES_MAX = 16 * 1024;

function load<Table extends Record<string, OptionSpec>>(
  table: Table,
  input: ConfigInput,
): { values: ValuesOf<Table>; sources: Record<string, string> } {
  const { flags = {}, env = process.env, cwd = process.cwd() } = input;
  const problems: string[] = [];
  const dotEnv = readDotEnv(cwd, problems);
  const configFile =
    flags['config'] ?? (env['POSTHORN_CONFIG'] || dotEnv['POSTHORN_CONFIG'] || undefined);
  const sources: Source[] = [
    {
      base: cwd,
      get: (key) => flags[key],
      label: (key) => `--${kebab(key)}`,
    },
    variables(env, { base: cwd, where: '' }),
    variables(dotEnv, { base: cwd, where: ' in .env' }),
    readConfigFile(cwd, typeof configFile === 'string' ? configFile : undefined, problems),
  ];
  problems.push(...unknownVariables(env, ''), ...unknownVariables(dotEnv, ' in .env'));

  const values: Record<string, unknown> = {};
  const labels: Record<string, string> = {};
  for (const [property, spec] of Object.entries(table)) {
    try {
      const found = find(spec, sources) ?? byDefault(spec, { env, cwd, mode: input.command });
      values[property] = found.value;
      labels[spec.name] = found.label;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { values: values as ValuesOf<Table>, sources: labels };
}

interface Found {
  readonly value: unknown;
  readonly label: string;
}

/** The strongest source's value of `spec`, parsed; undefined if none has one. */
function find(spec: OptionSpec, sources: readonly Source[]): Found | undefined {
  for (const source of sources) {
    const label = source.label(spec.name, spec);
    const fileKey = `${spec.name}File`;
    const direct = source.get(spec.name, spec);
    const file = spec.secret ? source.get(fileKey, spec) : undefined;
    if (direct !== undefined && file !== undefined) {
      throw new Refused(`${label} and ${source.label(fileKey, spec)} are both set: keep one`);
    }
    if (file !== undefined) {
      const fileLabel = source.label(fileKey, spec);
      const text = readSecret(resolve(source.base, String(file)), fileLabel);
      return {
        value: parseOption(spec, text, { label: fileLabel, base: source.base }),
        label: fileLabel,
      };
    }
    if (direct !== undefined) {
      return { value: parseOption(spec, direct, { label, base: source.base }), label };
    }
  }
  return undefined;
}

function byDefault(
  spec: OptionSpec,
  at: { readonly env: Environment; readonly cwd: string; readonly mode: Mode },
): Found {
  const label = 'default';
  const text = defaultText(spec, at.mode);
  if (text === undefined) return { value: spec.kind === 'list' ? [] : undefined, label };
  const expanded = text.replace('$XDG_DATA_HOME', () => xdgDataHome(at.env));
  return { value: parseOption(spec, expanded, { label, base: at.cwd }), label };
}

/** The XDG base directory specification 0.8: a relative value must be ignored. */
function xdgDataHome(env: Environment): string {
  const set = env['XDG_DATA_HOME'];
  if (set !== undefined && isAbsolute(set)) return set;
  return join(env['HOME'] || homedir(), '.local', 'share');
}

function variables(
  env: Environment,
  at: { readonly base: string; readonly where: string },
): Source {
  const variable = (key: string, spec: OptionSpec) =>
    key === spec.name ? envName(spec) : `${envName(spec)}_FILE`;
  return {
    base: at.base,
    // Compose files and CI write `X=` for "not set".
    get: (key, spec) => env[variable(key, spec)] || undefined,
    label: (key, spec) => variable(key, spec) + at.where,
  };
}

function readDotEnv(cwd: string, problems: string[]): Environment {
  const path = join(cwd, '.env');
  if (!existsSync(path)) return {};
  try {
    return parseEnv(readBounded(path, CONFIG_FILE_BYTES_MAX)) as Environment;
  } catch (error) {
    problems.push(`.env cannot be read: ${messageOf(error)}`);
    return {};
  }
}

function readConfigFile(cwd: string, given: string | undefined, problems: string[]): Source {
  const path = resolve(cwd, given ?? FILE_NAME);
  const content = given === undefined && !existsSync(path) ? {} : parseYaml(path, problems);
  const known = configTable().flatMap((row) => [
    row.name,
    ...(row.secret ? [`${row.name}File`] : []),
  ]);
  for (const key of Object.keys(content)) {
    if (!known.includes(key)) problems.push(`${path}: ${unknown(key, 'option', known)}`);
  }
  return {
    base: dirname(path),
    // YAML's null is "not set".
    get: (key) => (Object.hasOwn(content, key) ? (content[key] ?? undefined) : undefined),
    label: (key) => `${key} in ${path}`,
  };
}

function parseYaml(path: string, problems: string[]): Record<string, unknown> {
  try {
    const document = parseDocument(readBounded(path, CONFIG_FILE_BYTES_MAX));
    for (const error of document.errors) problems.push(`${path}: ${firstLine(error.message)}`);
    if (document.errors.length > 0) return {};
    // Options are flat, so an alias could only be an attempt to make the file expand.
    const content: unknown = document.toJS({ maxAliasCount: 0 });
    if (content === null) return {};
    if (typeof content === 'object' && !Array.isArray(content)) {
      return content as Record<string, unknown>;
    }
    problems.push(`${path}: must hold options as "name: value" lines`);
  } catch (error) {
    problems.push(`${path} cannot be read: ${messageOf(error)}`);
  }
  return {};
}

function readSecret(path: string, label: string): string {
  try {
    return readBounded(path, SECRET_FILE_BYTES_MAX).replace(/\r?\n$/, '');
  } catch (error) {
    throw new Refused(`${label}: ${messageOf(error)}`, { cause: error });
  }
}

function readBounded(path: string, bytesMax: number): string {
  const { size } = statSync(path);
  if (size > bytesMax) throw new Error(`${quote(path)} is larger than ${bytesMax} bytes`);
  return readFileSync(path, 'utf8');
}

/** `POSTHORN_TEST_…` belongs to the test suites, which hand their environment to the product. */
function unknownVariables(env: Environment, where: string): string[] {
  const names = ({ env: name, secret }: OptionRow) => (secret ? [name, `${name}_FILE`] : [name]);
  const known = ['POSTHORN_CONFIG', ...configTable().flatMap(names)];
  return Object.keys(env)
    .filter((name) => name.startsWith('POSTHORN_') && !name.startsWith('POSTHORN_TEST_'))
    .filter((name) => !known.includes(name))
    .map((name) =>
      /^POSTHORN_(SERVICE|PORT)_/.test(name)
        ? `${name}${where} looks like a variable that Kubernetes sets for a service called ` +
          '"posthorn": set enableServiceLinks: false in the pod'
        : unknown(name, 'environment variable', known) + where,
    );
}
