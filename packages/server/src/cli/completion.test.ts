import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { configTable } from '../config.ts';
import { runProgram } from './program.ts';

/** What a shell makes of the script. */

async function script(shell: string): Promise<{ exitCode: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const never = async () => 9;
  const exitCode = await runProgram({
    argv: ['completion', shell],
    version: '1.2.3',
    options: configTable(),
    actions: new Proxy({} as never, { get: () => never }),
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
  });
  return { exitCode, out: out.join(''), err: err.join('') };
}

/** What bash offers for the last of these words. */
function offered(bash: string, words: readonly string[]): string[] {
  const line = words.map((word) => `'${word}'`).join(' ');
  const ask = `COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _posthorn; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-s'], {
    input: `${bash}\n${ask}\n`,
    cwd: '/',
  });
  expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  return stdout
    .toString()
    .split('\n')
    .filter((word) => word !== '');
}

test('bash offers commands, options, values and files', async () => {
  const { out } = await script('bash');
  expect(offered(out, ['posthorn', 'd'])).toEqual(
    ['dev', 'diff', 'divide', 'doctor', 'dump', 'dashboard'].toSorted(
      (a, b) => order(out, a) - order(out, b),
    ),
  );
  expect(offered(out, ['posthorn', 'trigger', '--st'])).toEqual(['--standard-headers']);
  expect(offered(out, ['posthorn', 'trigger', 'a', '--dialect', 'casd'])).toEqual([
    'casdoor',
    'casdoor-docs',
  ]);
  expect(offered(out, ['posthorn', 'completion', ''])).toEqual(['bash', 'zsh', 'fish']);
  expect(offered(out, ['posthorn', 'apply', '-f', 'et'])).toEqual(['etc']);
  expect(offered(out, ['posthorn', 'verify', 'et'])).toEqual(['etc']);
  expect(offered(out, ['posthorn', 'serve', '--no-e'])).toEqual([]);
});

function order(bash: string, command: string): number {
  return bash.indexOf(`    ${command}) `);
}

test('zsh and fish name every command and option with what it does', async () => {
  for (const shell of ['zsh', 'fish']) {
    const { exitCode, out } = await script(shell);
    expect(exitCode).toBe(0);
    for (const text of [
      'Start with safe defaults',
      'caisy',
      'verify',
      'print the request instead',
    ]) {
      expect(out).toContain(text);
    }
  }
});

test('another shell is refused with those there are', async () => {
  const { exitCode, err } = await script('tcsh');
  expect(exitCode).toBe(2);
  expect(err).toContain('Allowed choices are bash, zsh, fish');
});
