import type { Actions, AddCommand, Flags } from './program.ts';

/** The options of the commands that carry a whole store elsewhere. */

const DIVIDE_NOTES = `
Stop all nodes, copy the database once for each further one, and set DATABASE_URL, POSTHORN_SHARDS and
POSTHORN_MASTER_KEY as the nodes will have them. Of each copy only its part stays. What was interrupted
goes on when it is run again. docs/postgresql.md, "Growing".`;

export function addMove(
  add: AddCommand,
  actions: Pick<Actions, 'migrate' | 'divide'>,
  done: (code: number) => void,
): void {
  add('migrate', 'Carry a store over from SQLite to PostgreSQL; goes on where it was interrupted')
    .requiredOption('--from <source>', 'sqlite:DIRECTORY, the data directory of a stopped Posthorn')
    .requiredOption('--to <target>', 'postgres://user:password@host/database, not yet used')
    .option('--json', 'print progress (stderr) and result as JSON')
    .action(async (flags: Flags) => done(await actions.migrate(flags)));
  add('divide', 'Make one store of a PostgreSQL database and copies of it, divided over them')
    .option('--json', 'print progress (stderr) and result as JSON')
    .addHelpText('after', DIVIDE_NOTES)
    .action(async (flags: Flags) => done(await actions.divide(flags)));
}
