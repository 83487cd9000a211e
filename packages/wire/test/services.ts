import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import type { Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/** Throw-away servers in temporary directories, reached by a socket there: no port, no clash. */

const run = promisify(execFile);

export interface Service {
  /** The directory of PostgreSQL's socket; Redis's socket itself. */
  readonly socket: string;
  stop(): Promise<void>;
}

const POSTGRES_ROOT = '/usr/lib/postgresql';

/** Where the program is; undefined = it is not installed. Debian keeps PostgreSQL's out of PATH. */
function find(program: string): string | undefined {
  const debian = list(POSTGRES_ROOT).map((version) => join(POSTGRES_ROOT, version, 'bin'));
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...debian];
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

export function hasProgram(name: string): boolean {
  return find(name) !== undefined;
}

export const hasPostgres = find('initdb') !== undefined && find('postgres') !== undefined;
export const hasRedis = find('redis-server') !== undefined;

let shared: Promise<Service> | undefined;

/** One for all who ask in this process. It ends with the process, however that ends. */
export function sharedPostgres(): Promise<Service> {
  shared ??= startPostgres();
  return shared;
}

/** Runs a program until its own input ends, and then removes the directory that it worked in. */
const WATCH = '"$@" & read -r _; kill -QUIT $!; wait $!; rm -rf "$PWD"';

export async function startPostgres(): Promise<Service> {
  const directory = mkdtempSync('/tmp/posthorn-pg-');
  const data = join(directory, 'data');
  // It refuses to run as root.
  const owner = process.getuid?.() === 0 ? await idsOf('postgres') : {};
  if (owner.uid !== undefined) chownSync(directory, owner.uid, owner.gid ?? 0);
  const init = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync'];
  await run(find('initdb') ?? 'initdb', init, { cwd: directory, ...owner });
  const place = ['-c', 'listen_addresses=', '-c', `unix_socket_directories=${directory}`];
  // Nothing runs but what a test runs; and nothing is kept.
  const quick = ['autovacuum=off', 'fsync=off', 'full_page_writes=off'];
  const settings = [...place, ...quick.flatMap((setting) => ['-c', setting])];
  const program = [find('postgres') ?? 'postgres', '-D', data, ...settings];
  const server = spawn('sh', ['-c', WATCH, 'sh', ...program], {
    cwd: directory,
    stdio: ['pipe', 'ignore', 'pipe'],
    ...owner,
  });
  await said(server, /ready to accept connections/);
  // Nobody stays for it.
  server.unref();
  for (const stream of [server.stdin, server.stderr]) (stream as Socket).unref();
  return {
    socket: directory,
    stop: async () => {
      server.stdin.end();
      server.ref();
      await once(server, 'exit');
    },
  };
}

export async function startRedis(): Promise<Service> {
  const directory = mkdtempSync('/tmp/posthorn-redis-');
  chmodSync(directory, 0o700);
  const socket = join(directory, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socket, '--save', '', '--dir', directory];
  const server = spawn(find('redis-server') ?? 'redis-server', args, {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await said(server, /ready to accept connections/i);
  return {
    socket,
    stop: async () => {
      await ended(server, 'SIGTERM');
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function idsOf(user: string): Promise<{ uid?: number; gid?: number }> {
  const [uid, gid] = await Promise.all([run('id', ['-u', user]), run('id', ['-g', user])]);
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
}

type Server = ReturnType<typeof spawn>;

function said(server: Server, text: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const stream = server.stderr ?? server.stdout;
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (text.test(output)) resolve();
    });
    server.once('exit', (code) => reject(new Error(`ended with ${code}: ${output}`)));
    server.once('error', reject);
  });
}

function ended(server: Server, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null) return resolve();
    server.once('exit', () => resolve());
    server.kill(signal);
  });
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
