import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError, loadConfig } from '../config.ts';
import { checkNode, type DoctorInput, examine } from './doctor.ts';

const NOW = Date.parse('2026-11-22T00:00:00Z');

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'posthorn-doctor-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

async function states(input: Partial<DoctorInput> = {}) {
  const checks = await examine({
    config: loadConfig({ command: 'dev', env: {}, cwd }),
    nodeVersion: 'v24.1.0',
    now: NOW,
    listenError: async () => undefined,
    ...input,
  });
  return Object.fromEntries(checks.map((check) => [check.name, check.state]));
}

test('a machine as it should be passes every check, and nothing is left behind', async () => {
  const all = await states();
  expect(Object.keys(all)).toEqual([
    'node',
    'configuration',
    'data directory',
    'disk space',
    'sqlite',
    'port',
    'clock',
  ]);
  expect(Object.values(all)).not.toContain('fail');
  expect(existsSync(join(cwd, '.posthorn'))).toBe(false);
  expect(readdirSync(cwd)).toEqual([]);
});

test('a wrong configuration fails, and what depends on it is not examined', async () => {
  expect(await states({ config: new ConfigError(['port: no']) })).toEqual({
    node: 'ok',
    configuration: 'fail',
  });
});

test('a port in use fails', async () => {
  expect(await states({ listenError: async () => 'EADDRINUSE' })).toMatchObject({ port: 'fail' });
});

// Root may write everywhere.
// Root may write everywhere, so there is nothing to see.
if (process.getuid?.() !== 0) {
  test('a directory without write permission fails', async () => {
    mkdirSync(join(cwd, '.posthorn'));
    chmodSync(join(cwd, '.posthorn'), 0o500);
    expect(await states()).toMatchObject({ 'data directory': 'fail', sqlite: 'fail' });
  });
}

test('a file where the directory should be fails', async () => {
  const config = loadConfig({ command: 'dev', env: {}, flags: { data: '/dev/null/x' }, cwd });
  expect(await states({ config })).toMatchObject({ 'data directory': 'fail' });
});

test('a clock before the release fails', async () => {
  expect(await states({ now: 0 })).toMatchObject({ clock: 'fail' });
});

test.each([
  ['v18.20.0', 'fail'],
  ['v20.18.0', 'fail'],
  ['v20.20.2', 'warn'],
  ['v22.23.3', 'ok'],
  ['v25.0.0', 'warn'],
  ['v26.10.0', 'ok'],
])('node %s is %s', (version, state) => {
  expect(checkNode(version, NOW).state).toBe(state);
});
