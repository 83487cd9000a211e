#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { checkNode, crashSites, examine } from './admin/doctor.ts';
import { type App, startApp } from './app.ts';
import { runBackup, runRestore } from './backup-commands.ts';
import { banner } from './cli/banner.ts';
import { dashboard } from './cli/dashboard.ts';
import { createOutput, EXIT, type Output, table } from './cli/output.ts';
import { type Flags, runProgram } from './cli/program.ts';
import { send } from './cli/send.ts';
import { tail } from './cli/tail.ts';
import { filtersOf } from './cli/tail-options.ts';
import { types } from './cli/types.ts';
import { type Config, ConfigError, colorsFor, configTable, loadConfig } from './config.ts';
import type { Mode } from './config-values.ts';
import { type DeclareCommand, runApply, runDump } from './declare-commands.ts';
import { runInbox } from './inbox-command.ts';
import { clientConfig } from './kept-key.ts';
import { runListen } from './listen-command.ts';
import { runMigrate } from './migrate-command.ts';
import { createLogger, createMetrics, type Logger } from './telemetry.ts';
import { runReplay, runTrigger, runVerify } from './tool-commands.ts';

/** The program: argv becomes a command, signals become an orderly end, the end an exit code. */

const { stdout, stderr } = process;

function outputOf(flags: Flags): Output {
  const writeBytes = (bytes: Uint8Array) => void stdout.write(bytes);
  const colors = colorsFor(stdout);
  return createOutput({ stdout, stderr, writeBytes, json: flags['json'] === true, colors });
}

// ---- dev, serve ----------------------------------------------------------------------------------

async function runServer(mode: Mode, flags: Flags): Promise<number> {
  const config = loadConfig({ command: mode, flags });
  const { logLevel: level, logFormat: format } = config;
  const logger = createLogger({ level, format, stream: stdout, colors: colorsFor(stdout) });
  // Only looks: Node still ends the process, because nobody knows what is broken by then.
  process.on('uncaughtExceptionMonitor', (err) => logger.error({ err }, 'a bug ends the process'));
  // Whoever read the log went away; deliveries go on, and there is nowhere left to say so.
  for (const stream of [stdout, stderr]) stream.on('error', () => {});
  const node = checkNode(process.version, Date.now());
  if (node.state !== 'ok') logger.warn({ check: node.name }, node.detail);

  const stopped = firstSignal(logger);
  let app: App;
  try {
    app = await startApp({ config, logger, metrics: createMetrics() });
  } catch (err) {
    const reason = err instanceof Error ? err.message : String(err);
    logger.error({ err }, `Posthorn cannot start: ${reason}`);
    return EXIT.failed;
  }
  await announce(app, config, logger);
  const end = await Promise.race([stopped, app.closed]);
  if (end instanceof Error) {
    logger.error({ err: end }, 'Posthorn ends: its store or its threads failed');
    return EXIT.failed;
  }
  return drain(app, logger);
}

async function drain(app: App, logger: Logger): Promise<number> {
  try {
    await app.close();
    logger.info('stopped');
    return EXIT.ok;
  } catch (err) {
    logger.error({ err }, 'the stop was not orderly; the next start recovers');
    return EXIT.failed;
  }
}

/** npm passes a Ctrl-C on although the terminal has sent it already: so close, it is the same one. */
const SAME_SIGNAL_MS = 100;

/** Resolves at the first SIGTERM or SIGINT; the second ends the process at once. */
function firstSignal(logger: Logger): Promise<undefined> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const onSignal = (signal: 'SIGINT' | 'SIGTERM') => {
      const now = performance.now();
      if (firstAt === undefined) {
        firstAt = now;
        logger.info({ signal }, 'stopping: deliveries in flight may finish');
        resolve(undefined);
      } else if (now - firstAt > SAME_SIGNAL_MS) {
        process.exit(signal === 'SIGINT' ? 130 : 143);
      }
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

/**
 * Says where it runs. The admin key and the link to the dashboard are shown to a terminal only; a log
 * names the file that holds the key.
 */
async function announce(app: App, config: Config, logger: Logger): Promise<void> {
  const terminal = stdout.isTTY === true && config.logFormat !== 'json';
  const { text, file, made } = app.adminKey;
  const { url } = app;
  const data = config.dataDirectory;
  if (terminal) {
    const show = made || config.mode === 'dev';
    const adminKey = { text: show ? text : undefined, file };
    const dashboard = show ? await app.dashboardLink() : undefined;
    const { mode } = config;
    stdout.write(banner({ url, data, adminKey, dashboard, mode, colors: colorsFor(stdout) }));
    return;
  }
  logger.info({ url, data, adminKeyFile: file }, 'ready');
}

// ---- doctor, send --------------------------------------------------------------------------------

async function runDoctor(flags: Flags): Promise<number> {
  const output = outputOf(flags);
  if (flags['crashSites'] === true) {
    output.data(crashSites(), crashSites().join('\n'));
    return EXIT.ok;
  }
  const checks = await examine({
    config: configOrError(flags),
    nodeVersion: process.version,
    now: Date.now(),
    listenError,
  });
  const rows = checks.map(({ name, state, detail }) => [state, name, detail]);
  const states = checks.map((check) => check.state);
  output.data({ checks }, table(rows), states);
  return checks.some((check) => check.state === 'fail') ? EXIT.failed : EXIT.ok;
}

function configOrError(flags: Flags): Config | ConfigError {
  try {
    return loadConfig({ command: flags['dev'] === true ? 'dev' : 'serve', flags });
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Listens for a moment; undefined = it can. */
function listenError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(error.message));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}

async function runSend(
  args: { type: string; data: string | undefined },
  flags: Flags,
): Promise<number> {
  const { url, key, tenant } = clientConfig(flags);
  const id = typeof flags['id'] === 'string' ? flags['id'] : undefined;
  return send({ ...args, id, url, key, tenant }, outputOf(flags));
}

async function runDashboard(flags: Flags): Promise<number> {
  const { url, key, tenant } = clientConfig(flags);
  return dashboard({ url, key, tenant }, outputOf(flags));
}

async function runTail(flags: Flags): Promise<number> {
  const { url, key, tenant } = clientConfig(flags);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  // Whoever reads the lines has seen enough: `posthorn tail | head`.
  stdout.once('error', () => stop.abort());
  const output = { stdout, stderr, colors: colorsFor(stdout), json: flags['json'] === true };
  return tail({ filters: filtersOf(flags), url, key, tenant, signal: stop.signal }, output);
}

async function runTypes(flags: Flags): Promise<number> {
  const { url, key, tenant } = clientConfig(flags);
  const [from, out] = ['from', 'out'].map((name) => {
    const value = flags[name];
    return typeof value === 'string' ? value : undefined;
  });
  const schemas = flags['schemas'] === true;
  return types({ from, out, schemas, url, tenant, key }, outputOf(flags));
}

function declared(flags: Flags): DeclareCommand {
  return { flags, output: outputOf(flags) };
}

async function main(): Promise<number> {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  try {
    return await runProgram({
      argv: process.argv.slice(2),
      version,
      options: configTable(),
      actions: {
        dev: (flags) => runServer('dev', flags),
        serve: (flags) => runServer('serve', flags),
        doctor: runDoctor,
        dashboard: runDashboard,
        apply: (flags) => runApply(declared(flags)),
        dump: (flags) => runDump(declared(flags)),
        backup: (target, flags) => runBackup(target, { flags, output: outputOf(flags), version }),
        restore: (backup, flags) => runRestore(backup, { flags, output: outputOf(flags), version }),
        listen: (target, flags) => runListen({ target, flags, version }),
        migrate: (flags) => runMigrate(flags, outputOf(flags)),
        inbox: (name, words, flags) => runInbox({ name, words, flags }, outputOf(flags)),
        send: runSend,
        tail: runTail,
        types: runTypes,
        trigger: (args, flags) => runTrigger(args, flags, outputOf(flags)),
        verify: (file, flags) => runVerify(file, flags, outputOf(flags)),
        replay: (what, flags) => runReplay(what, flags, outputOf(flags)),
      },
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
