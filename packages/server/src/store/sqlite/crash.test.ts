import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { EventId } from '../../core/model.ts';
import { World } from '../suite/world.suite.ts';
import { Database, loadDriver } from './database.ts';
import { masterKey, openForSuite } from './open-for-suite.suite.ts';

const KILLS = 12;
const ROOT = fileURLToPath(new URL('../../../../../', import.meta.url));
const SOURCE = fileURLToPath(new URL('../../', import.meta.url));

test(`killed ${KILLS} times at random moments, it has every acknowledged event and delivery`, async () => {
  await using w = new World(openForSuite);
  await w.open();
  for (let i = 0; i < 3; i++) await w.endpoint();
  await w.close();
  const script = compileChild();
  const acknowledged: EventId[] = [];
  for (let i = 0; i < KILLS; i++) acknowledged.push(...(await runUntilKilled(script, w.directory)));

  expect(acknowledged.length).toBeGreaterThan(KILLS);
  await checkIntegrity(w.directory);
  w.now = Date.now() + 1000;
  await w.open();
  for (const id of acknowledged) {
    const rows = await w.log.deliveries({ tenant: 'default', event: id, limit: 10 });
    expect([id, rows.items.length]).toEqual([id, 3]);
  }
  const { lanes } = await w.lanes.acquire(await w.join(), 10, w.now);
  expect(lanes.length).toBeGreaterThan(0);
  for (const lane of lanes) expect(lane).toMatchObject({ crashedAt: w.now, strikes: KILLS });
}, 60_000);

/** As JavaScript, which every supported Node runs; beside node_modules, so that the driver is found. */
function compileChild(): string {
  const cache = join(ROOT, 'node_modules', '.cache');
  mkdirSync(cache, { recursive: true });
  const out = mkdtempSync(join(cache, 'store-child-'));
  onTestFinished(() => rmSync(out, { recursive: true, force: true }));
  const child = join('store', 'suite', 'crash-child.suite');
  const flags =
    '--ignoreConfig --noCheck --target es2023 --module nodenext --rewriteRelativeImportExtensions';
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const to = ['--rootDir', SOURCE, '--outDir', out, `${join(SOURCE, child)}.ts`];
  writeFileSync(join(out, 'package.json'), '{"type":"module"}');
  execFileSync(process.execPath, [tsc, ...flags.split(' '), ...to], { cwd: out });
  return join(out, `${child}.js`);
}

/** Resolves with what was acknowledged on whole lines. */
async function runUntilKilled(script: string, directory: string): Promise<EventId[]> {
  const child = spawn(process.execPath, [script, directory, masterKey], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  const first = new Promise<void>((resolve) => {
    reader.on('line', (line) => {
      lines.push(line);
      resolve();
    });
  });
  const closed = Promise.all([once(child, 'close'), once(reader, 'close')]);
  await Promise.race([first, closed]);
  await Promise.race([sleep(Math.random() * 60), closed]);
  child.kill('SIGKILL');
  const [[, signal]] = await closed;
  expect({ signal, errors }).toMatchObject({ signal: 'SIGKILL' });
  // The last line may have been cut by the kill.
  return lines.filter((line) => line.length === 30) as EventId[];
}

async function checkIntegrity(directory: string): Promise<void> {
  const path = join(directory, 'posthorn.db');
  const db = new Database(await loadDriver(), { path, readOnly: false });
  expect(db.all('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  db.close();
}
