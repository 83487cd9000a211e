import type { AddCommand, Flags } from '../program.ts';

/** The options of `posthorn apply` and `posthorn dump`. */

const APPLY_EXAMPLES = `
Examples:
  posthorn dump > hooks.yaml                       begin with what is there
  posthorn apply -f hooks.yaml --dry-run           what would change, field by field
  posthorn apply -f hooks.yaml --prune --yes       in CI: also delete what the file does not have

The file has tenants with their settings, event types and endpoints, found again by id and name;
docs/apply.md describes it. Secrets stand in it as \${NAME}, from the environment or .env.`;

export function addApply(add: AddCommand, run: (flags: Flags) => Promise<void>): void {
  add('apply', 'Make a running Posthorn have what a file says: plan first, then changes')
    .requiredOption('-f, --file <file>', 'YAML or JSON; - for stdin')
    .option('--dry-run', 'only print the plan')
    .option('--prune', 'delete event types and endpoints that the file does not have')
    .option('-y, --yes', 'make the changes without a question')
    .option('--json', 'print plan and result as JSON')
    .addHelpText('after', APPLY_EXAMPLES)
    .action(run);
}

export function addDump(add: AddCommand, run: (flags: Flags) => Promise<void>): void {
  add('dump', 'Print what a running Posthorn has as a file for apply')
    .option('--tenant <id>', 'only this tenant (default: all)')
    .option('--secrets', 'with signing secrets and all values of headers, in clear')
    .option('--json', 'print JSON')
    .action(run);
}
