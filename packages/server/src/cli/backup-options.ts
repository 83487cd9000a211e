import type { Actions, AddCommand, Flags } from './program.ts';

/** The options of `posthorn backup` and `posthorn restore`. */

const NOTES = `
Both work on the data directory of this machine. A backup is made while the server runs; a restore
needs a directory that does not exist or is empty. docs/operating.md says what is in a backup, and what
happens to deliveries that were sent after it was made.`;

export function addBackup(
  add: AddCommand,
  actions: Pick<Actions, 'backup' | 'restore'>,
  done: (code: number) => void,
): void {
  add('backup', 'Copy everything into a new directory, while the server runs')
    .argument('[directory]', 'where to (default: posthorn-backup-<time> here)')
    .option('--dev', 'of `posthorn dev`, whose data is in .posthorn')
    .option('--json', 'print the manifest as JSON')
    .addHelpText('after', NOTES)
    .action(async (target: string | undefined, flags: Flags) =>
      done(await actions.backup(target, flags)),
    );
  add('restore', 'Make a data directory of a backup')
    .argument('<backup>', 'the directory of the backup')
    .option('--dev', 'for `posthorn dev`, whose data is in .posthorn')
    .option('--json', 'print the manifest as JSON')
    .addHelpText('after', NOTES)
    .action(async (backup: string, flags: Flags) => done(await actions.restore(backup, flags)));
}
