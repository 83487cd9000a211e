import { existsSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Config, ConfigError, describeConfig } from '../config.ts';
import { CRASH_SITES } from '../core/crash-sites.ts';
import type { Ms } from '../core/model.ts';
import { Database, loadDriver } from '../store/sqlite/database.ts';

/** One thing the product needs, and how it stands. `warn` works today. */
export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  /** What was found and, unless `ok`, what to do. */
  readonly detail: string;
}

export interface DoctorInput {
  /** What `loadConfig` returned or threw. */
  readonly config: Config | ConfigError;
  readonly nodeVersion: string;
  readonly now: Ms;
  /** Tries to listen; undefined = free, else the reason. Sockets are not this room's. */
  readonly listenError: (host: string, port: number) => Promise<string | undefined>;
}

/** Runs every check; never rejects because of what it finds. */
export async function examine(input: DoctorInput): Promise<Check[]> {
  const { config } = input;
  const node = checkNode(input.nodeVersion, input.now);
  if (config instanceof ConfigError) {
    return [node, { name: 'configuration', state: 'fail', detail: config.problems.join('; ') }];
  }
  const home = existingParent(config.dataDirectory);
  return [
    node,
    checkConfig(config),
    checkDirectory(config.dataDirectory, home),
    checkSpace(home),
    await checkSqlite(home),
    await checkPort(config, input.listenError),
    checkClock(home, input.now),
  ];
}

/** Labels of the places where the crash tests kill the process, in the order of the code. */
export function crashSites(): readonly string[] {
  return CRASH_SITES;
}

/** End of life by major, from the Node.js release schedule. */
const NODE_END: Readonly<Record<number, string>> = {
  20: '2026-04-30',
  21: '2024-06-01',
  22: '2027-04-30',
  23: '2025-06-01',
  24: '2028-04-30',
  25: '2026-06-01',
};

/** The runtime: 20.19 at least, and preferably one that still gets security fixes. */
export function checkNode(version: string, now: Ms): Check {
  const name = 'node';
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    return { name, state: 'fail', detail: `${version} is too old: use Node 24 (20.19 at least)` };
  }
  const end = NODE_END[major];
  if (end !== undefined && now > Date.parse(end)) {
    const detail = `${version} gets no security fixes since ${end}: use Node 24`;
    return { name, state: 'warn', detail };
  }
  return { name, state: 'ok', detail: version };
}

function checkConfig(config: Config): Check {
  const set = describeConfig(config).filter((row) => row.source !== 'default');
  const detail = set.map((row) => `${row.name}=${row.value} (${row.source})`).join(', ');
  return { name: 'configuration', state: 'ok', detail: detail || 'defaults' };
}

/** The directory itself, or the nearest one above it that exists: the doctor makes nothing new. */
function existingParent(path: string): string {
  let current = path;
  while (!existsSync(current)) {
    const parent = dirname(current);
    if (parent === current) return current;
    current = parent;
  }
  return current;
}

function checkDirectory(directory: string, home: string): Check {
  const name = 'data directory';
  try {
    withScratch(home, () => undefined);
    const detail = home === directory ? directory : `${directory} (will be made)`;
    return { name, state: 'ok', detail };
  } catch (error) {
    const detail = `cannot write in ${home}: ${messageOf(error)}; set POSTHORN_DATA or its owner`;
    return { name, state: 'fail', detail };
  }
}

const MIB = 1024 * 1024;

function checkSpace(home: string): Check {
  const name = 'disk space';
  try {
    const { bavail, bsize } = statfsSync(home);
    const freeMib = Math.floor((bavail * bsize) / MIB);
    const detail = `${freeMib} MiB free`;
    if (freeMib < 64) return { name, state: 'fail', detail: `${detail}: free at least 64 MiB` };
    if (freeMib < 1024)
      return { name, state: 'warn', detail: `${detail}: a gigabyte is advisable` };
    return { name, state: 'ok', detail };
  } catch (error) {
    return { name, state: 'fail', detail: messageOf(error) };
  }
}

/** Opens a database beside the real one, which asserts the version, WAL and synchronous=FULL. */
async function checkSqlite(home: string): Promise<Check> {
  const name = 'sqlite';
  try {
    const driver = await loadDriver();
    const version = withScratch(home, (scratch) => {
      const database = new Database(driver, { path: join(scratch, 'check.db'), readOnly: false });
      try {
        return database.get<{ version: string }>('select sqlite_version() as version')?.version;
      } finally {
        database.close();
      }
    });
    return { name, state: 'ok', detail: `${version}, WAL, synchronous=FULL` };
  } catch (error) {
    return { name, state: 'fail', detail: messageOf(error) };
  }
}

async function checkPort(config: Config, listenError: DoctorInput['listenError']): Promise<Check> {
  const name = 'port';
  const where = `${config.host}:${config.port}`;
  const error = await listenError(config.host, config.port);
  if (error === undefined) return { name, state: 'ok', detail: `${where} is free` };
  const detail = `cannot listen on ${where}: ${error}; choose another with --port`;
  return { name, state: 'fail', detail };
}

/** A wrong clock spoils signatures and schedules; the file system is the second opinion at hand. */
function checkClock(home: string, now: Ms): Check {
  const name = 'clock';
  const text = new Date(now).toISOString();
  if (now < Date.parse('2026-01-01') || now > Date.parse('2100-01-01')) {
    return { name, state: 'fail', detail: `${text} cannot be right: set the clock (NTP)` };
  }
  try {
    const skewMs = withScratch(home, (scratch) => {
      const path = join(scratch, 'clock');
      writeFileSync(path, '');
      return Math.abs(statSync(path).mtimeMs - Date.now());
    });
    if (skewMs > 5000) {
      const detail = `the file system's clock differs by ${Math.round(skewMs / 1000)} s`;
      return { name, state: 'warn', detail };
    }
  } catch {
    // That nothing can be written is what the directory's check says.
  }
  return { name, state: 'ok', detail: text };
}

/** Hands `body` a directory inside `home` and removes it. */
function withScratch<T>(home: string, body: (scratch: string) => T): T {
  const scratch = mkdtempSync(join(home, '.posthorn-doctor-'));
  try {
    return body(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
