import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configTable } from '../config.ts';
import { type Actions, type Flags, runProgram } from './program.ts';

interface Call {
  readonly name: string;
  readonly flags: Flags;
  readonly args?: { type: string; data: string | undefined };
}

async function run(...argv: string[]) {
  const calls: Call[] = [];
  const out: string[] = [];
  const err: string[] = [];
  const action = (name: string) => async (flags: Flags) => {
    calls.push({ name, flags });
    return 0;
  };
  const actions: Actions = {
    dev: action('dev'),
    serve: action('serve'),
    doctor: action('doctor'),
    dashboard: action('dashboard'),
    types: action('types'),
    listen: (_target, flags) => action('listen')(flags),
    tail: action('tail'),
    inbox: (name, _words, flags) => action(name)(flags),
    apply: action('apply'),
    dump: action('dump'),
    backup: (_target, flags) => action('backup')(flags),
    restore: (_backup, flags) => action('restore')(flags),
    migrate: action('migrate'),
    divide: action('divide'),
    trigger: (_args, flags) => action('trigger')(flags),
    verify: (_file, flags) => action('verify')(flags),
    replay: (_what, flags) => action('replay')(flags),
    send: async (args, flags) => {
      calls.push({ name: 'send', flags, args });
      return 1;
    },
  };
  const exitCode = await runProgram({
    argv,
    version: '1.2.3',
    options: configTable(),
    actions,
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
  });
  return { exitCode, calls, out: out.join(''), err: err.join('') };
}

describe('commands', () => {
  test('get the flags that were given and no others', async () => {
    const { calls, exitCode } = await run(
      'serve',
      '--port',
      '1',
      '--no-egress-http',
      '--data',
      'd',
    );
    expect(calls).toEqual([{ name: 'serve', flags: { port: '1', egressHttp: false, data: 'd' } }]);
    expect(exitCode).toBe(0);
  });

  test('take secrets as text and as a file', async () => {
    const { calls } = await run('dev', '--admin-key', 'k', '--master-key-file', 'f');
    expect(calls[0]?.flags).toEqual({ adminKey: 'k', masterKeyFile: 'f' });
  });

  test('decide the exit code', async () => {
    const { calls, exitCode } = await run('send', 'user.created', '{"a":1}', '--id', '7', '--json');
    expect(calls[0]).toMatchObject({
      args: { type: 'user.created', data: '{"a":1}' },
      flags: { id: '7', json: true },
    });
    expect(exitCode).toBe(1);
  });

  test('let data begin with a dash only as stdin', async () => {
    expect((await run('send', 'a', '-')).calls[0]?.args?.data).toBe('-');
  });
});

test('every command prints JSON if asked, but those that start a server or write a script', async () => {
  const { out } = await run('--help');
  const commands = [...out.matchAll(/^ {2}([a-z]+) (?:\[options\]|<shell>)/gm)].map(
    ([, name]) => name ?? '',
  );
  expect(commands.length).toBeGreaterThan(10);
  const without: string[] = [];
  for (const command of commands) {
    if (!(await run(command, '--help')).out.includes('--json')) without.push(command);
  }
  expect(without).toEqual(['dev', 'serve', 'completion']);
});

describe('usage', () => {
  test.each([
    ['an unknown flag, with a suggestion', ['serve', '--prot', '1'], '--port'],
    ['an unknown command, with a suggestion', ['serv'], 'serve'],
    ['a flag without its value', ['serve', '--port'], 'argument missing'],
    ['no file to apply', ['apply'], "required option '-f, --file <file>'"],
    ['a missing event type', ['send'], "missing required argument 'type'"],
    ['too many arguments', ['serve', 'now'], 'too many arguments'],
    ['an empty id', ['send', 'a', '--id', ''], 'must not be empty'],
    ['no command at all', [], 'Usage: posthorn'],
  ])('is refused with 2: %s', async (_, argv, message) => {
    const { exitCode, err, calls } = await run(...argv);
    expect([exitCode, calls]).toEqual([2, []]);
    expect(err).toContain(message);
  });

  test('--version and --help print to stdout and end with 0', async () => {
    expect(await run('--version')).toMatchObject({ exitCode: 0, out: '1.2.3\n' });
    const help = await run('--help');
    expect(help).toMatchObject({ exitCode: 0, err: '' });
    expect(help.out).toContain('Examples:');
  });

  test('help names the variable and the default of the command', async () => {
    const help = async (command: string) => (await run(command, '--help')).out.replace(/\s+/g, ' ');
    expect(await help('dev')).toContain('(POSTHORN_HOST, default 127.0.0.1)');
    expect(await help('serve')).toContain('(POSTHORN_HOST, default 0.0.0.0)');
    expect(await help('send')).toContain('(POSTHORN_URL, default http://127.0.0.1:4400)');
    expect(await help('send')).not.toContain('POSTHORN_HOST');
  });
});

// ---- the documentation ---------------------------------------------------------------------------

const ROOT = new URL('../../../../', import.meta.url);

/** Command lines of a page: those that stand alone, and those in tables and text with arguments. */
function commandsOf(page: string): string[] {
  const text = readFileSync(new URL(page, ROOT), 'utf8');
  const alone = text.match(/^(?:[A-Z_]+=\S+ )*posthorn .*$/gm) ?? [];
  const quoted = [...text.matchAll(/`(posthorn [^`]+)`/g)].map(([, line = '']) => line);
  return [...alone, ...quoted.filter((line) => line.split(' ').length > 2)];
}

/** As a shell would, as far as the documentation needs it: quotes, comments, what is redirected. */
function wordsOf(line: string): string[] {
  const bare = line.replace(/^.*?\bposthorn /, '');
  const words = bare.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  const end = words.findIndex((word) => /^(?:#|>|\||&&)/.test(word));
  const own = end < 0 ? words : words.slice(0, end);
  return own.map((word) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
}

const PAGES = ['README.md', ...readdirSync(new URL('docs/', ROOT)).map((name) => `docs/${name}`)];

test.each(PAGES.filter((page) => page.endsWith('.md')))(
  'every command in %s is one that the program takes',
  async (page) => {
    for (const line of commandsOf(page)) {
      const { err } = await run(...wordsOf(line));
      // Text may name a command with an option alone, such as `posthorn show --body`.
      const named = /missing required argument/.test(err);
      expect({ line, err: named ? '' : err }).toEqual({ line, err: '' });
    }
  },
);
