import { checkNode } from './admin/doctor.ts';
import { type App, startApp } from './app.ts';
import { banner } from './cli/banner.ts';
import { EXIT } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { type Config, colorsFor, loadConfig } from './config.ts';
import type { Mode } from './config-values.ts';
import { createLogger, createMetrics, type Logger } from './telemetry.ts';

const { stdout, stderr } = process;

/** `dev` and `serve`: resolves with the exit code when a signal or a fault has ended the server. */
export async function runServer(mode: Mode, flags: Flags): Promise<number> {
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
