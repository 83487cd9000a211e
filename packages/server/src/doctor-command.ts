import { createServer } from 'node:net';
import { crashSites, examine } from './admin/doctor.ts';
import { EXIT, type Output, table } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { type Config, ConfigError, loadConfig } from './config.ts';

export async function runDoctor(flags: Flags, output: Output): Promise<number> {
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
