import { dashboard } from './cli/dashboard.ts';
import type { Output } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { send } from './cli/send.ts';
import { tail } from './cli/tail.ts';
import { filtersOf } from './cli/tail-options.ts';
import { types } from './cli/types.ts';
import { colorsFor } from './config.ts';
import { clientConfig } from './kept-key.ts';

/** Commands that only ask a running Posthorn. */

const { stdout, stderr } = process;

export async function runSend(
  args: { type: string; data: string | undefined },
  flags: Flags,
  output: Output,
): Promise<number> {
  const { url, key, tenant } = clientConfig(flags);
  const id = typeof flags['id'] === 'string' ? flags['id'] : undefined;
  return send({ ...args, id, url, key, tenant }, output);
}

export async function runDashboard(flags: Flags, output: Output): Promise<number> {
  const { url, key, tenant } = clientConfig(flags);
  return dashboard({ url, key, tenant }, output);
}

export async function runTail(flags: Flags): Promise<number> {
  const { url, key, tenant } = clientConfig(flags);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  // Whoever reads the lines has seen enough: `posthorn tail | head`.
  stdout.once('error', () => stop.abort());
  const output = { stdout, stderr, colors: colorsFor(stdout), json: flags['json'] === true };
  return tail({ filters: filtersOf(flags), url, key, tenant, signal: stop.signal }, output);
}

export async function runTypes(flags: Flags, output: Output): Promise<number> {
  const { url, key, tenant } = clientConfig(flags);
  const [from, out] = ['from', 'out'].map((name) => {
    const value = flags[name];
    return typeof value === 'string' ? value : undefined;
  });
  const schemas = flags['schemas'] === true;
  return types({ from, out, schemas, url, tenant, key }, output);
}
