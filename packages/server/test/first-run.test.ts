import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { banner } from '../src/cli/banner.ts';
import { launch } from './launch.ts';

/** What a newcomer does: start it, run the printed commands, see a verified webhook arrive. */

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const RECEIVER = fileURLToPath(new URL('../../../examples/receiver/receiver.js', import.meta.url));
const KEY = 'first-run-admin-key-0123456789abcdef';

test('the built product, the printed curls and the example receiver, each a process', async () => {
  const data = mkdtempSync(join(tmpdir(), 'posthorn-first-run-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  const env = { POSTHORN_PORT: '0', POSTHORN_DATA: data, POSTHORN_ADMIN_KEY: KEY };
  const product = launch([MAIN, 'dev'], env);
  const ready = await product.line((line) => line.includes('"ready"'));
  const { url } = JSON.parse(ready) as { url: string };

  const port = await freePort();
  const [addEndpoint = '', postEvent = ''] = printedCommands(url);
  const endpoint = run(addEndpoint.replace(':4500/', `:${port}/`)) as { secret: string };
  const receiver = launch([RECEIVER, endpoint.secret], { PORT: String(port) });
  await receiver.line((line) => line.startsWith('listening'));
  const event = run(postEvent) as { id: string; deliveries: number };

  expect(event.deliveries).toBe(1);
  const arrived = await receiver.line((line) => line.includes(event.id));
  expect(arrived).toContain('"user.created"');
  product.child.kill('SIGTERM');
  const [code] = await once(product.child, 'exit');
  expect(code).toBe(0);
});

/** The commands as the terminal shows them, one line each. */
function printedCommands(url: string): string[] {
  const adminKey = { text: KEY, file: undefined };
  const shown = banner({
    url,
    data: '.posthorn',
    adminKey,
    dashboard: undefined,
    mode: 'dev',
    colors: false,
  });
  return shown
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('curl '));
}

function run(command: string): unknown {
  return JSON.parse(
    execFileSync('bash', ['-c', `${command} --silent --fail-with-body`]).toString(),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}
