import type { AddCommand, Flags } from './program.ts';
import type { TailFilters } from './tail.ts';

/** The flags of `posthorn tail`. */

const FILTERS = ['endpoint', 'type', 'state', 'status', 'fault', 'after'] as const;

export function addTail(add: AddCommand, run: (flags: Flags) => Promise<void>): void {
  add('tail', 'Follow what is sent, as it happens')
    .option('--endpoint <id>', 'only to this one')
    .option('--type <pattern>', 'only of this event type, or of those that fit user.*')
    .option('--state <state>', 'pending, succeeded, failed or cancelled after the attempt')
    .option('--status <status>', 'only with this answer, such as 503 or 5xx')
    .option('--fault <fault>', 'only what broke like this: timeout, tls, connect_refused, …')
    .option('--after <cursor>', 'go on behind the `cursor` of a line that --json printed')
    .option('--json', 'one JSON object a line, changes of the configuration too')
    .action(run);
}

export function filtersOf(flags: Flags): TailFilters {
  const given = FILTERS.map((name) => [name, flags[name]] as const);
  return Object.fromEntries(given.filter(([, value]) => typeof value === 'string'));
}
