// @ts-check
/** Throw-away PostgreSQL servers: started, restarted, killed, followed by a standby that is promoted. */
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Skip } from './check.js';
import { freePort, removeDir, tempDir } from './server.js';

const run = promisify(execFile);
const ROOT = '/usr/lib/postgresql';
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  max_connections: '200',
  wal_level: 'replica',
  max_wal_senders: '5',
};

/** @type {Set<Postgres>} */
const running = new Set();
process.on('exit', () => {
  for (const server of running) server.abandon();
});

/** Debian keeps the programs out of PATH. */
function binaries() {
  const versions = fs.existsSync(ROOT) ? fs.readdirSync(ROOT).sort() : [];
  const newest = versions.at(-1);
  if (newest === undefined) throw new Skip('needs PostgreSQL (apt-get install postgresql)');
  return path.join(ROOT, newest, 'bin');
}

/** It refuses to run as root. @param {string} flag */
const idOf = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));

export class Postgres {
  #bin = binaries();
  #dir = tempDir('posthorn-pg');
  #owner = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {};

  /** @param {number} port */
  constructor(port) {
    this.port = port;
    this.data = path.join(this.#dir, 'data');
    if (this.#owner.uid !== undefined) fs.chownSync(this.#dir, this.#owner.uid, this.#owner.gid);
  }

  /** @param {Record<string, string>} [settings] */
  static async start(settings = {}) {
    const server = new Postgres(await freePort());
    await server.#run('initdb', '-D', server.data, '-U', 'postgres', '-A', 'trust', '--no-sync');
    server.#configure(settings);
    await server.up();
    return server;
  }

  /** @param {number} [port] of a proxy in between */
  url(port = this.port) {
    return `postgresql://postgres@127.0.0.1:${port}/postgres`;
  }

  async up() {
    running.add(this);
    await this.#run('pg_ctl', '-D', this.data, '-l', path.join(this.#dir, 'log'), '-w', 'start');
  }

  /** As after a power cut: nothing is written, the next start recovers. */
  async down() {
    await this.#run('pg_ctl', '-D', this.data, '-m', 'immediate', '-w', 'stop');
    running.delete(this);
  }

  /** Resolves with when it went down. */
  async crash() {
    const at = Date.now();
    await this.down();
    await this.up();
    return at;
  }

  /** A copy that follows; commits wait for it from now on. */
  async standby() {
    const copy = new Postgres(await freePort());
    const source = ['-h', '127.0.0.1', '-p', String(this.port), '-U', 'postgres'];
    await this.#run(
      'pg_basebackup',
      ...source,
      '-D',
      copy.data,
      '-X',
      'stream',
      '-R',
      '-c',
      'fast',
    );
    const primary = `host=127.0.0.1 port=${this.port} user=postgres application_name=standby`;
    copy.#configure({ primary_conninfo: primary });
    await copy.up();
    this.#configure({ synchronous_standby_names: 'standby' });
    await this.#run('pg_ctl', '-D', this.data, 'reload');
    return copy;
  }

  async promote() {
    // It waits for no standby of its own.
    this.#configure({ synchronous_standby_names: '' });
    await this.#run('pg_ctl', '-D', this.data, 'reload');
    await this.#run('pg_ctl', '-D', this.data, '-w', 'promote');
  }

  /** @param {string} sql */
  async query(sql) {
    const { stdout } = await run(path.join(this.#bin, 'psql'), [this.url(), '-Atqc', sql]);
    return stdout.trim();
  }

  /** Process ids of all its backends and helpers. */
  pids() {
    const [postmaster] = fs
      .readFileSync(path.join(this.data, 'postmaster.pid'), 'utf8')
      .split('\n');
    const children = `/proc/${postmaster}/task/${postmaster}/children`;
    return [
      Number(postmaster),
      ...fs.readFileSync(children, 'utf8').split(' ').filter(Boolean).map(Number),
    ];
  }

  async stop() {
    await this.down().catch(() => {});
    removeDir(this.#dir);
  }

  /** The programme ends now. */
  abandon() {
    try {
      const args = ['-D', this.data, '-m', 'immediate', 'stop'];
      execFileSync(path.join(this.#bin, 'pg_ctl'), args, { stdio: 'ignore', ...this.#owner });
    } catch {
      // It was not running.
    }
  }

  /** Later lines win. @param {Record<string, string>} settings */
  #configure(settings) {
    const all = {
      ...SETTINGS,
      port: String(this.port),
      unix_socket_directories: this.#dir,
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = '${value}'\n`);
    fs.appendFileSync(path.join(this.data, 'postgresql.auto.conf'), lines.join(''));
  }

  /** @param {string} program @param {string[]} args */
  #run(program, ...args) {
    return run(path.join(this.#bin, program), args, { cwd: this.#dir, ...this.#owner });
  }
}
