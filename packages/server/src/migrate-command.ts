import { readFileSync } from 'node:fs';
import { migrateStore } from './admin/migrate.ts';
import { EXIT, type Output, table } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { createProgress } from './cli/progress.ts';
import { readVariables } from './config.ts';
import { AppError } from './core/errors.ts';
import { StoreError } from './store/store.ts';
import type { Progress } from './store/transfer/transfer.ts';

/** `posthorn migrate` with the terminal and the environment of this process. */

export async function runMigrate(flags: Flags, output: Output): Promise<number> {
  const json = flags['json'] === true;
  const report = createReport(json);
  try {
    const done = await migrateStore({
      from: String(flags['from']),
      to: String(flags['to']),
      masterKey: givenMasterKey(),
      progress: report.show,
    });
    report.clear();
    const rows = done.checks.map(({ what, source, target }) => [
      what,
      String(source),
      String(target),
    ]);
    const next = [
      `Carried over and compared. Start nodes with DATABASE_URL and the same master key${
        done.masterKeyFile === undefined ? '' : ` (POSTHORN_MASTER_KEY_FILE=${done.masterKeyFile})`
      }.`,
      `${done.directory} is not used any more; keep it until you trust what you see.`,
    ];
    output.data(done, `${table([['', 'before', 'now'], ...rows])}\n\n${next.join('\n')}`);
    return EXIT.ok;
  } catch (error) {
    report.clear();
    if (error instanceof AppError) {
      output.note(error.message);
      return EXIT.usage;
    }
    if (!(error instanceof StoreError)) throw error;
    output.note(error.message);
    if (error.kind === 'unavailable') output.note('Run it again: it goes on where it was.');
    return EXIT.failed;
  }
}

function givenMasterKey(): string | undefined {
  const { POSTHORN_MASTER_KEY: key, POSTHORN_MASTER_KEY_FILE: file } = readVariables();
  return key || (file ? readFileSync(file, 'utf8').trim() : undefined);
}

const EVERY_MS = 100;

/** A bar on a terminal, a line of JSON now and then for programs, else nothing. */
function createReport(json: boolean) {
  const bar = createProgress(process.stderr, { quiet: json });
  let shownAt = 0;
  const show = (progress: Progress): void => {
    const now = performance.now();
    const { step, done, total } = progress;
    if (now - shownAt < EVERY_MS && done < total) return;
    shownAt = now;
    if (json) process.stderr.write(`${JSON.stringify(progress)}\n`);
    const share = total === 0 ? 1 : done / total;
    bar.show({ what: `${done} of ${total} rows  ${step}`, done: share });
  };
  return { show, clear: bar.end };
}
