import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ConfigError,
  type ConfigInput,
  colorsFor,
  configTable,
  describeConfig,
  loadClientConfig,
  loadConfig,
  proxyFor,
} from './config.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'posthorn-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function load(input: Partial<ConfigInput> = {}) {
  return loadConfig({ command: 'dev', env: {}, cwd, ...input });
}

function problemsOf(input: Partial<ConfigInput>): readonly string[] {
  try {
    load(input);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function write(name: string, text: string): string {
  const path = join(cwd, name);
  writeFileSync(path, text);
  return path;
}

const KEY = 'k'.repeat(40);

describe('defaults', () => {
  test('are lenient and local in dev', () => {
    expect(load()).toMatchObject({
      mode: 'dev',
      port: 4400,
      host: '127.0.0.1',
      dataDirectory: join(cwd, '.posthorn'),
      egressHttp: true,
      egressAllow: [],
      queueBytes: 32 * 1024 * 1024,
      retentionMs: 30 * 86_400_000,
      drainMs: 30_000,
      adminKey: undefined,
    });
  });

  test('are strict and public in serve', () => {
    const config = load({ command: 'serve', env: { HOME: '/home/ada' } });
    expect(config.host).toBe('0.0.0.0');
    expect(config.egressHttp).toBe(false);
    expect(config.dataDirectory).toBe('/home/ada/.local/share/posthorn');
  });

  test('use XDG_DATA_HOME if it is absolute and ignore it if it is not', () => {
    const directory = (XDG_DATA_HOME: string) =>
      load({ command: 'serve', env: { HOME: '/home/ada', XDG_DATA_HOME } }).dataDirectory;
    expect(directory('/data')).toBe('/data/posthorn');
    expect(directory('data')).toBe('/home/ada/.local/share/posthorn');
  });
});

describe('precedence', () => {
  test('is flags, environment, .env, file, default', () => {
    const port = (input: Partial<ConfigInput>) => load(input).port;
    write('posthorn.yaml', 'port: 1\n');
    expect(port({})).toBe(1);
    write('.env', 'POSTHORN_PORT=2\n');
    expect(port({})).toBe(2);
    const env = { POSTHORN_PORT: '3' };
    expect(port({ env })).toBe(3);
    expect(port({ env, flags: { port: '4' } })).toBe(4);
  });

  test('skips an empty variable and a null in the file', () => {
    write('posthorn.yaml', 'port:\n');
    expect(load({ env: { POSTHORN_PORT: '' } }).port).toBe(4400);
  });

  test('is remembered for describeConfig', () => {
    const config = load({ env: { POSTHORN_PORT: '3' }, flags: { drain: '5s' } });
    expect(config.sources).toMatchObject({
      port: 'POSTHORN_PORT',
      drain: '--drain',
      host: 'default',
    });
  });
});

describe('the file', () => {
  test('is read from --config, with paths relative to it', () => {
    const path = write(
      'other.yaml',
      'data: store\negressAllow: ["10.0.0.0/8:443", "127.0.0.1/32"]\n',
    );
    const config = load({ flags: { config: path } });
    expect(config.dataDirectory).toBe(join(cwd, 'store'));
    expect(config.egressAllow).toEqual(['10.0.0.0/8:443', '127.0.0.1/32']);
  });

  test('can be named by a variable, and is not when the variable is empty', () => {
    write('other.yaml', 'port: 1\n');
    expect(load({ env: { POSTHORN_CONFIG: 'other.yaml' } }).port).toBe(1);
    expect(load({ env: { POSTHORN_CONFIG: '' } }).port).toBe(4400);
  });

  test('must exist when it is named', () => {
    expect(problemsOf({ flags: { config: 'none.yaml' } })[0]).toContain('none.yaml cannot be read');
  });

  test('refuses an unknown key with a suggestion', () => {
    write('posthorn.yaml', 'retentoin: 3d\n');
    expect(problemsOf({})).toEqual([
      `${cwd}/posthorn.yaml: unknown option "retentoin": did you mean retention?`,
    ]);
  });

  test('refuses a key that is given twice', () => {
    write('posthorn.yaml', 'port: 1\nport: 2\n');
    expect(problemsOf({})[0]).toContain('Map keys must be unique');
  });

  test('refuses aliases, which could only make it expand', () => {
    write('posthorn.yaml', 'host: &a x\nlogLevel: *a\n');
    expect(problemsOf({})[0]).toContain('Alias resolution');
  });

  test('refuses a list at the top', () => {
    write('posthorn.yaml', '- port\n');
    expect(problemsOf({})[0]).toContain('must hold options');
  });

  test('refuses a number where text is needed, because YAML changes numbers', () => {
    write('posthorn.yaml', `adminKey: ${'1'.repeat(40)}\n`);
    expect(problemsOf({})[0]).toContain('write it in quotes');
  });
});

describe('the environment', () => {
  test('refuses an unknown variable with a suggestion', () => {
    expect(problemsOf({ env: { POSTHORN_PROT: '1' } })).toEqual([
      'unknown environment variable "POSTHORN_PROT": did you mean POSTHORN_PORT?',
    ]);
  });

  test('refuses an unknown variable of .env and says where it stands', () => {
    write('.env', 'POSTHORN_ADMINKEY=x\n');
    expect(problemsOf({})[0]).toMatch(
      /"POSTHORN_ADMINKEY": did you mean POSTHORN_ADMIN_KEY\? in .env/,
    );
  });

  test('explains the variables that Kubernetes sets by itself', () => {
    const env = { POSTHORN_SERVICE_HOST: '10.0.0.1' };
    expect(problemsOf({ env })[0]).toContain('enableServiceLinks: false');
  });

  test('leaves other programs and the test suites their variables', () => {
    expect(problemsOf({ env: { PATH: '/bin', POSTHORN_TEST_REQUIRE: 'all' } })).toEqual([]);
  });

  test('is refused with every problem at once', () => {
    const env = { POSTHORN_PORT: 'x', POSTHORN_DRAIN: '30' };
    expect(problemsOf({ env })).toHaveLength(2);
  });

  test('take a PostgreSQL database only by its URL, which is not printed', () => {
    const [problem] = problemsOf({ env: { DATABASE_URL: 'mysql://u:hunter2@db/x' } });
    expect(problem).toContain('DATABASE_URL: must be the URL of a PostgreSQL database');
    expect(problem).not.toContain('hunter2');
  });

  test('take a PostgreSQL database only with the master key that all nodes share', () => {
    const env = { DATABASE_URL: 'postgresql://u:hunter2@db/x' };
    const [problem] = problemsOf({ env });
    expect(problem).toContain('POSTHORN_MASTER_KEY is not set');
    expect(problem).not.toContain('hunter2');
    const both = { ...env, POSTHORN_MASTER_KEY: 'm'.repeat(32) };
    expect(load({ env: both }).databaseUrl).toBe(env.DATABASE_URL);
  });
});

describe('secrets', () => {
  test('are read from a file, without its last line end', () => {
    const path = write('key', `${KEY}\n`);
    expect(load({ env: { POSTHORN_ADMIN_KEY_FILE: path } }).adminKey).toBe(KEY);
    expect(load({ flags: { adminKeyFile: 'key' } }).adminKey).toBe(KEY);
  });

  test('may not be given twice in one place', () => {
    const env = { POSTHORN_ADMIN_KEY: KEY, POSTHORN_ADMIN_KEY_FILE: 'x' };
    expect(problemsOf({ env })).toEqual([
      'POSTHORN_ADMIN_KEY and POSTHORN_ADMIN_KEY_FILE are both set: keep one',
    ]);
  });

  test('of a stronger source hide the file of a weaker one', () => {
    const env = { POSTHORN_ADMIN_KEY_FILE: 'missing' };
    expect(load({ env, flags: { adminKey: KEY } }).adminKey).toBe(KEY);
  });

  test('name the variable when their file is missing', () => {
    const env = { POSTHORN_MASTER_KEY_FILE: 'missing' };
    expect(problemsOf({ env })[0]).toMatch(/^POSTHORN_MASTER_KEY_FILE: .*no such file/);
  });

  test.each([
    ['31 characters', 'k'.repeat(31)],
    ['257 characters', 'k'.repeat(257)],
    ['a space', `${KEY} ${KEY}`],
    ['a letter beyond ASCII', `${KEY}ü`],
  ])('refuse an admin key of %s and do not repeat it', (_, key) => {
    const [problem] = problemsOf({ env: { POSTHORN_ADMIN_KEY: key } });
    expect(problem).toContain('POSTHORN_ADMIN_KEY: must be 32 to 256');
    expect(problem).not.toContain(key);
  });

  test('refuse a master key that is too short', () => {
    expect(problemsOf({ env: { POSTHORN_MASTER_KEY: 'short' } })[0]).toContain('must be 32');
  });

  test('are not described', () => {
    const text = JSON.stringify(describeConfig(load({ env: { POSTHORN_ADMIN_KEY: KEY } })));
    expect(text).not.toContain(KEY);
    expect(text).toContain('not shown');
  });
});

describe('values', () => {
  test.each([
    ['drain', '1500ms', { drainMs: 1500 }],
    ['drain', '1.5s', { drainMs: 1500 }],
    ['retention', '2h', { retentionMs: 7_200_000 }],
    ['retention', '90d', { retentionMs: 90 * 86_400_000 }],
    ['queueBytes', '1GiB', { queueBytes: 1024 ** 3 }],
    ['queueBytes', '2048 KiB', { queueBytes: 2 * 1024 ** 2 }],
    ['concurrency', '12', { concurrency: 12 }],
    ['egressAllow', ' 10.0.0.0/8 ,, ::1/128 ', { egressAllow: ['10.0.0.0/8', '::1/128'] }],
    ['baseUrl', 'https://hooks.example.com/x', { baseUrl: 'https://hooks.example.com/x' }],
  ])('%s reads %s', (name, text, expected) => {
    expect(load({ flags: { [name]: text } })).toMatchObject(expected);
  });

  test.each([
    ['port', '65536', 'not between 0 and 65535'],
    ['port', '-1', 'not a whole number'],
    ['port', '1e3', 'not a whole number'],
    ['drain', '30', 'a number with a unit'],
    ['drain', '11m', 'not between 0s and 10m'],
    ['queueBytes', '32MB', 'a number with a unit (B, KiB, MiB, GiB)'],
    ['egressHttp', 'yes', 'not true or false'],
    ['logLevel', 'verbose', 'not one of debug, info, warn, error, silent'],
    ['host', '', 'must not be empty'],
    ['baseUrl', 'ftp://x', 'must be an http or https URL'],
    ['baseUrl', 'https://u:p@x', 'without credentials'],
    ['egressCaFile', 'none.pem', 'does not exist'],
  ])('%s refuses %s', (name, text, message) => {
    const [problem] = problemsOf({ flags: { [name]: text } });
    expect(problem).toMatch(/^--/);
    expect(problem).toContain(message);
  });

  test('are described with the unit that needs no fraction', () => {
    const rows = describeConfig(load());
    const value = (name: string) => rows.find((row) => row.name === name)?.value;
    expect([value('retention'), value('queueBytes'), value('drain')]).toEqual([
      '30d',
      '32MiB',
      '30s',
    ]);
  });
});

describe('clients', () => {
  test('do not mind options of the server', () => {
    const env = { DATABASE_URL: 'postgres://db', POSTHORN_KEY: 'abc' };
    expect(loadClientConfig({ env, cwd })).toMatchObject({
      url: 'http://127.0.0.1:4400',
      tenant: 'default',
      key: 'abc',
    });
  });
});

describe('the table', () => {
  test('has one flag, variable and name per option', () => {
    const rows = configTable();
    for (const column of ['name', 'flag', 'env'] as const) {
      expect(new Set(rows.map((row) => row[column])).size).toBe(rows.length);
    }
  });

  test('derives names', () => {
    expect(configTable().find((row) => row.name === 'egressCaFile')).toMatchObject({
      flag: '--egress-ca-file',
      env: 'POSTHORN_EGRESS_CA_FILE',
    });
  });
});

describe('colours', () => {
  test('need a terminal and no NO_COLOR', () => {
    expect(colorsFor({ isTTY: true }, {})).toBe(true);
    expect(colorsFor({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
    expect(colorsFor({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
    expect(colorsFor({}, {})).toBe(false);
  });
});

const PROXIES = { HTTPS_PROXY: 'http://s:1', http_proxy: 'http://h:2' };

test.each([
  ['https://hooks.example.com', PROXIES, 'http://s:1'],
  ['http://hooks.example.com', PROXIES, 'http://h:2'],
  ['https://hooks.example.com', { ALL_PROXY: 'http://a:3' }, 'http://a:3'],
  ['https://hooks.example.com', { ...PROXIES, NO_PROXY: 'other.com, .example.com' }, undefined],
  ['https://example.com', { ...PROXIES, no_proxy: 'example.com' }, undefined],
  ['https://notexample.com', { ...PROXIES, NO_PROXY: 'example.com' }, 'http://s:1'],
  ['https://hooks.example.com', { ...PROXIES, NO_PROXY: '*' }, undefined],
  ['http://localhost:4400', PROXIES, undefined],
  ['http://127.0.0.1:4400', PROXIES, undefined],
  ['http://[::1]:4400', PROXIES, undefined],
  ['https://hooks.example.com', {}, undefined],
  ['https://hooks.example.com', { HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128'],
])('%s with %j goes through %s', (url, env, proxy) => expect(proxyFor(url, env)).toBe(proxy));

test.each(['socks5://proxy:1080', 'http://'])('%s is no proxy for commands', (HTTPS_PROXY) => {
  expect(() => proxyFor('https://hooks.example.com', { HTTPS_PROXY })).toThrow(
    /http:\/\/host:port/,
  );
});
