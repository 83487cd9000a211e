import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { backUp, partialOf } from './admin/backup.ts';
import { BackupError, type Manifest } from './admin/manifest.ts';
import { restore } from './admin/restore.ts';
import { EXIT, type Output } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { createProgress } from './cli/progress.ts';
import { type Config, loadConfig } from './config.ts';
import type { FromSnapshotThread } from './snapshot-thread.ts';
import type { SnapshotFacts, SnapshotTask } from './store/sqlite/snapshot.ts';

/** `posthorn backup` and `posthorn restore` with the terminal and the signals of this process. */

export interface BackupCommand {
  readonly flags: Flags;
  readonly output: Output;
  readonly version: string;
}

export async function runBackup(
  target: string | undefined,
  { flags, output, version }: BackupCommand,
): Promise<number> {
  const { dataDirectory: directory, databaseUrl } = configOf(flags);
  const external = databaseUrl !== undefined;
  const now = Date.now();
  const to = resolve(target ?? `posthorn-backup-${stamp(now)}`);
  const forget = forgetAtSignal(partialOf(to));
  const bar = createProgress(process.stderr, { quiet: flags['json'] === true });
  const progress = bar.show;
  const options = { directory, target: to, external, version, now, work, progress };
  try {
    const manifest = await backUp(options);
    bar.end();
    output.data({ ...manifest, directory: to }, `${to}\n${describe(manifest)}`);
    output.note(note(manifest));
    return EXIT.ok;
  } catch (error) {
    bar.end();
    return failed(error, output);
  } finally {
    forget();
  }
}

export async function runRestore(
  backup: string,
  { flags, output }: BackupCommand,
): Promise<number> {
  const { dataDirectory: directory } = configOf(flags);
  const bar = createProgress(process.stderr, { quiet: flags['json'] === true });
  try {
    const manifest = await restore({ backup, directory, work, progress: bar.show });
    bar.end();
    output.data({ ...manifest, directory }, `${directory}\n${describe(manifest)}`);
    for (const line of [note(manifest), ...owed(manifest)]) output.note(line);
    return EXIT.ok;
  } catch (error) {
    bar.end();
    return failed(error, output);
  }
}

function configOf(flags: Flags): Config {
  const { dev, json: _json, ...options } = flags;
  return loadConfig({ command: dev === true ? 'dev' : 'serve', flags: options });
}

function describe({ madeAt, rows, files }: Manifest): string {
  const { event = 0, delivery = 0, attempt = 0, capture = 0 } = rows;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return `as of ${madeAt}: ${event} events, ${delivery} pending deliveries, ${attempt} attempts, ${capture} captures; ${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function note({ masterKey }: Manifest): string {
  return masterKey === 'file'
    ? 'It holds the master key and opens every secret in it: keep it as safe as the server.'
    : 'The master key is not in it: without your POSTHORN_MASTER_KEY it cannot be used.';
}

function owed({ madeAt, rows }: Manifest): string[] {
  const { delivery = 0 } = rows;
  if (delivery === 0) return [];
  return [
    `${delivery} deliveries were pending at ${madeAt}. Those that were sent since then are sent again once the server starts, under the same webhook-id.`,
  ];
}

function failed(error: unknown, output: Output): number {
  if (!(error instanceof Error)) throw error;
  output.note(`posthorn: ${error.message}`);
  return error instanceof BackupError ? EXIT.usage : EXIT.failed;
}

/** Removes what is half done when the process is told to end. */
function forgetAtSignal(partial: string): () => void {
  const end = (signal: 'SIGINT' | 'SIGTERM') => {
    rmSync(partial, { recursive: true, force: true });
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  return () => {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  };
}

/** In a thread, so that progress is shown and signals are heard meanwhile. */
function work(task: SnapshotTask): Promise<SnapshotFacts> {
  return new Promise((done, reject) => {
    const thread = new Worker(new URL('./snapshot-thread.js', import.meta.url), {
      workerData: task,
    });
    thread.once('message', (message: FromSnapshotThread) => {
      if ('facts' in message) done(message.facts);
      else reject(new Error(message.failed));
      void thread.terminate();
    });
    thread.once('error', reject);
  });
}

function stamp(now: number): string {
  return new Date(now).toISOString().replace(/[:.]/g, '-');
}
