import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

/** The built program as a process of its own: exit codes, streams, signals. */

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

let cwd: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'posthorn-cli-'));
});
afterEach(async () => {
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  child = undefined;
  rmSync(cwd, { recursive: true, force: true });
});

function start(argv: readonly string[], env: Record<string, string> = {}) {
  const started = spawn(process.execPath, [MAIN, ...argv], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  return started;
}

async function run(argv: readonly string[], env?: Record<string, string>) {
  const started = start(argv, env);
  const [out, err] = await Promise.all([
    text(started.stdout),
    text(started.stderr),
    once(started, 'close'),
  ]);
  return { exitCode: started.exitCode, out, err };
}

/** Starts on a free port and resolves with the line that says where. */
async function startServer(mode: 'dev' | 'serve') {
  const started = start([mode], { POSTHORN_PORT: '0', POSTHORN_DATA: 'data' });
  for await (const line of createInterface({ input: started.stdout })) {
    const entry = JSON.parse(line) as Record<string, unknown>;
    if (entry['msg'] === 'ready') return { started, ready: entry };
  }
  throw new Error(`it ended before it was ready: ${await text(started.stderr)}`);
}

describe('commands', () => {
  test('--version prints the version', async () => {
    const { exitCode, out } = await run(['--version']);
    expect([exitCode, out]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  test('wrong configuration ends with 2, every problem on a line of stderr', async () => {
    const env = { POSTHORN_PROT: '1', POSTHORN_DRAIN: '5' };
    const { exitCode, out, err } = await run(['serve'], env);
    expect([exitCode, out]).toEqual([2, '']);
    expect(err.trimEnd().split('\n')).toEqual([
      expect.stringContaining('did you mean POSTHORN_PORT?'),
      expect.stringContaining('POSTHORN_DRAIN: "5" is not a number with a unit'),
    ]);
  });

  test('doctor names each check, as JSON if asked', async () => {
    const { out } = await run(['doctor', '--dev', '--json'], { POSTHORN_PORT: '0' });
    const { checks } = JSON.parse(out) as { checks: { name: string; state: string }[] };
    expect(checks.filter((check) => check.state === 'fail')).toEqual([]);
    expect(checks.map((check) => check.name)).toContain('sqlite');
  });

  test('doctor lists the crash sites', async () => {
    expect((await run(['doctor', '--crash-sites'])).out.split('\n')).toContain('store:committed');
  });
});

describe('a server', () => {
  test.each(['dev', 'serve'] as const)(
    'says where it is and ends with 0 on SIGTERM: %s',
    async (mode) => {
      const { started, ready } = await startServer(mode);
      expect((await fetch(`${ready['url']}/healthz`)).status).toBe(200);
      started.kill('SIGTERM');
      const [exitCode] = await once(started, 'exit');
      expect(exitCode).toBe(0);
    },
  );

  test('keeps its first admin key in a file for its owner only, and not in the log', async () => {
    const { ready } = await startServer('serve');
    expect(JSON.stringify(ready)).not.toContain('phk_');
    expect(statSync(String(ready['adminKeyFile'])).mode & 0o777).toBe(0o600);
  });

  test('needs no key on its own machine, and nobody else is given the one it keeps', async () => {
    const { started, ready } = await startServer('dev');
    const heard: (string | undefined)[] = [];
    const stranger = createServer((req, res) => {
      heard.push(req.headers.authorization);
      res.writeHead(401, { connection: 'close' }).end();
    }).listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const elsewhere = `http://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
    const env = { POSTHORN_DATA: 'data' };
    const types = async (url: string) => (await run(['types', '--url', url], env)).exitCode;
    expect(await types(String(ready['url']))).toBe(0);
    expect(await types(elsewhere)).toBe(1);
    expect(heard).toEqual([undefined]);
    const others = [['dashboard'], ['dump'], ['send', 'a.b'], ['listen', '3000']];
    const refused = await Promise.all(
      others.map(async (argv) => (await run([...argv, '--url', elsewhere], env)).exitCode),
    );
    expect(refused).toEqual([2, 2, 2, 2]);
    expect(heard).toHaveLength(1);
    started.kill('SIGKILL');
    await once(started, 'exit');
    stranger.close();
  });

  test('ends with 1 when the port is taken', async () => {
    const { started, ready } = await startServer('dev');
    const port = new URL(String(ready['url'])).port;
    const { exitCode, out } = await run(['dev', '--port', port, '--data', 'other']);
    started.kill('SIGKILL');
    await once(started, 'exit');
    expect(exitCode).toBe(1);
    expect(out).toContain('EADDRINUSE');
  });
});
