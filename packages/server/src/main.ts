#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { createOutput, EXIT, type Output } from './cli/output.ts';
import { type Actions, type Flags, runProgram } from './cli/program.ts';
import { ConfigError, colorsFor, configTable, hasProxies, proxyFor } from './config.ts';

/**
 * The program: argv becomes a command, the end of the command an exit code. Each command loads what it
 * needs when it is run, because what a server is made of takes longer to load than most commands run.
 */

const { stdout, stderr } = process;

function outputOf(flags: Flags): Output {
  const writeBytes = (bytes: Uint8Array) => void stdout.write(bytes);
  const colors = colorsFor(stdout);
  return createOutput({ stdout, stderr, writeBytes, json: flags['json'] === true, colors });
}

const serving = () => import('./serve-command.ts');
const asking = () => import('./client-commands.ts');
const declaring = () => import('./declare-commands.ts');
const backups = () => import('./backup-commands.ts');
const tools = () => import('./tool-commands.ts');

function actionsOf(version: string): Actions {
  return {
    dev: async (flags) => (await serving()).runServer('dev', flags),
    serve: async (flags) => (await serving()).runServer('serve', flags),
    doctor: async (flags) => {
      const { runDoctor } = await import('./doctor-command.ts');
      return runDoctor(flags, outputOf(flags));
    },
    dashboard: async (flags) => (await asking()).runDashboard(flags, outputOf(flags)),
    send: async (args, flags) => (await asking()).runSend(args, flags, outputOf(flags)),
    tail: async (flags) => (await asking()).runTail(flags),
    types: async (flags) => (await asking()).runTypes(flags, outputOf(flags)),
    apply: async (flags) => (await declaring()).runApply({ flags, output: outputOf(flags) }),
    dump: async (flags) => (await declaring()).runDump({ flags, output: outputOf(flags) }),
    backup: async (target, flags) =>
      (await backups()).runBackup(target, { flags, output: outputOf(flags), version }),
    restore: async (backup, flags) =>
      (await backups()).runRestore(backup, { flags, output: outputOf(flags), version }),
    migrate: async (flags) => {
      const { runMigrate } = await import('./migrate-command.ts');
      return runMigrate(flags, outputOf(flags));
    },
    divide: async (flags) => {
      const { runDivide } = await import('./divide-command.ts');
      return runDivide(flags, outputOf(flags));
    },
    listen: async (target, flags) => {
      const { runListen } = await import('./listen-command.ts');
      return runListen({ target, flags, version });
    },
    inbox: async (name, words, flags) => {
      const { runInbox } = await import('./inbox-command.ts');
      return runInbox({ name, words, flags }, outputOf(flags));
    },
    trigger: async (args, flags) => (await tools()).runTrigger(args, flags, outputOf(flags)),
    verify: async (file, flags) => (await tools()).runVerify(file, flags, outputOf(flags)),
    replay: async (what, flags) => (await tools()).runReplay(what, flags, outputOf(flags)),
  };
}

async function main(): Promise<number> {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  if (hasProxies()) {
    const { fetchThrough } = await import('./cli/proxy.ts');
    globalThis.fetch = fetchThrough(proxyFor, globalThis.fetch);
  }
  try {
    return await runProgram({
      argv: process.argv.slice(2),
      version,
      options: configTable(),
      actions: actionsOf(version),
      stdout,
      stderr,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) stderr.write(`posthorn: ${problem}\n`);
    return EXIT.usage;
  }
}

process.exit(await main());
