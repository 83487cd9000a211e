import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };

/**
 * What a stranger gets: the packed package in an empty project, under ESM and `require`, and as types
 * with nothing else installed. It packs what is built.
 */

const root = fileURLToPath(new URL('../../../', import.meta.url));
const wire = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const entries = Object.keys(manifest.exports).map((entry) => `@posthorn/wire${entry.slice(1)}`);

let project: string;

function run(program: string, args: readonly string[], cwd = project): string {
  try {
    // Without the test runner's flags, which would resolve to sources.
    const env = { ...process.env, NODE_OPTIONS: '' };
    return execFileSync(program, args, { cwd, env, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(' ')}\n${stdout}${stderr}`);
  }
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'posthorn-package-'));
  writeFileSync(join(project, 'package.json'), '{"name":"empty","private":true}');
  const packed = run('npm', ['pack', '--json', '--pack-destination', project], wire);
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--offline'];
  run('npm', ['install', ...quiet, `./${filename}`]);
});
afterAll(() => rmSync(project, { recursive: true }));

const USE = `
const secret = generateSecret('whsec');
const scheme = schemes.standard();
const receiver = createReceiver({ scheme, secrets: secret }).on('user.*', () => console.log('handled'));
createTestKit({ scheme, secret }).event('user.created', {}).send(receiver)
  .then(({ status }) => console.log(status, typeof express(receiver)));
`;

test('it has no dependencies and brings nothing along', () => {
  expect(manifest).not.toHaveProperty('dependencies');
  expect(manifest).not.toHaveProperty('peerDependencies');
  expect(
    readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.')),
  ).toEqual(['@posthorn']);
});

test('runs under ESM', () => {
  const file = join(project, 'main.mjs');
  const imports = `
import { createReceiver, generateSecret, schemes } from '@posthorn/wire';
import { express } from '@posthorn/wire/express';
import { createTestKit } from '@posthorn/wire/testkit';
`;
  writeFileSync(file, imports + USE);
  expect(run(process.execPath, [file])).toBe('handled\n200 function\n');
});

test('runs under require', () => {
  const file = join(project, 'main.cjs');
  const imports = `
const { createReceiver, generateSecret, schemes } = require('@posthorn/wire');
const { express } = require('@posthorn/wire/express');
const { createTestKit } = require('@posthorn/wire/testkit');
`;
  writeFileSync(file, imports + USE);
  expect(run(process.execPath, ['--no-warnings', file])).toBe('handled\n200 function\n');
});

test('every entry point loads, by import and by require', () => {
  const file = join(project, 'all.cjs');
  writeFileSync(
    file,
    `const entries = ${JSON.stringify(entries)};
Promise.all(entries.map(async (entry) => {
  const [a, b] = [await import(entry), require(entry)];
  if (Object.keys(a).length === 0 || Object.keys(b).length === 0) throw new Error(entry);
})).then(() => console.log('all'));`,
  );
  expect(run(process.execPath, ['--no-warnings', file])).toBe('all\n');
});

describe('types', () => {
  const STRICT = ['--strict', '--noEmit', '--target', 'es2023', '--skipLibCheck', 'false'];

  function check(name: string, source: string, options: readonly string[]): void {
    const directory = join(project, name);
    mkdirSync(directory);
    writeFileSync(join(directory, 'main.ts'), source);
    run(process.execPath, [tsc, ...STRICT, ...options, join(directory, 'main.ts')]);
  }

  const portable = entries.filter((entry) =>
    /wire$|fetch|hono|lambda|memory|postgres|redis|sqlite|testkit|explain|typegen|json-schema|catalogue/.test(
      entry,
    ),
  );
  const imports = (list: readonly string[]) =>
    list.map((entry, i) => `import * as _${i} from '${entry}'; console.log(_${i});`).join('\n');
  const example = `
import { createReceiver, defineEvents, schemes, type Delivery } from '@posthorn/wire';
interface Events { 'user.created': { id: string }; 'user.deleted': { id: string } }
createReceiver<Events>({ scheme: schemes.standard(), secrets: 'whsec_x' })
  .on('user.created', ({ payload }) => payload.id.length)
  .on('user.*', (delivery: Delivery<Events, 'user.created' | 'user.deleted'>) => delivery.id);
console.log(defineEvents({}));
`;

  test("check with a bundler's resolution and the DOM, without the types of Node", () => {
    const options = [
      '--module',
      'esnext',
      '--moduleResolution',
      'bundler',
      '--types',
      '',
      '--lib',
      'es2023,dom,dom.iterable',
    ];
    check('bundler', imports(portable) + example, options);
  });

  test('check under nodenext with the types of Node, every entry', () => {
    const options = [
      '--module',
      'nodenext',
      '--lib',
      'es2023',
      '--types',
      'node',
      '--typeRoots',
      join(root, 'node_modules/@types'),
    ];
    check('nodenext', imports(entries) + example, options);
  });
});
