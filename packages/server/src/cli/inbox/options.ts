import { type Command, InvalidArgumentError, Option } from 'commander';
import type { AddCommand, Flags } from '../program.ts';

/** The options of the commands about what an inbox captured. */

export const INBOX_COMMANDS = ['wait', 'forward', 'diff', 'fixture', 'export', 'show'] as const;
export type InboxCommandName = (typeof INBOX_COMMANDS)[number];

/** `words`: the arguments of the command. */
export type RunInboxCommand = (
  name: InboxCommandName,
  words: readonly string[],
  flags: Flags,
) => Promise<void>;

const WAIT_EXAMPLES = `
Examples:
  posthorn wait --inbox ci --match 'type:order.paid' --timeout 30
  posthorn wait --inbox ci --since start --count 3 --json | jq '.[].body.text'

Begins with what comes from now on; with --since also with what is there already, so that a script may
trigger first and wait then. Exit 0: it came, and is printed. Exit 1: it did not come in time.`;

const FORWARD_EXAMPLES = `
Examples:
  posthorn forward cap_… --inbox shop                        to whoever listens
  posthorn forward cap_… --to https://staging.example.com/hooks --resign
  posthorn forward --match 'status>=500' --listener laptop-ada
  posthorn forward cap_… --to http://127.0.0.1:3000 --body @changed.json --resign --times 20

Exit 0: each was answered with less than 400.`;

export function addInboxCommands(add: AddCommand, run: RunInboxCommand): void {
  const about = (name: InboxCommandName, text: string): Command =>
    add(name, text)
      .option('--inbox <name>', 'name or id (default: the one listen made for this machine)')
      .option('--json', 'print JSON');

  about('wait', 'Wait until an inbox captures something that fits')
    .option('--match <search>', 'such as: type:order.paid body.data.id:42')
    .addOption(count('--timeout <seconds>', 'give up after (default 30)', 86_400))
    .addOption(count('--count <n>', 'so many of them (default 1)', 1000))
    .option('--since <when>', 'now, start, or so many seconds ago (default now)', since)
    .addHelpText('after', WAIT_EXAMPLES)
    .action((flags: Flags) => run('wait', [], flags));

  about('forward', 'Send captures again: to a URL, or to whoever listens')
    .argument('[captures...]', 'ids')
    .option('--match <search>', 'all that fit instead, oldest first')
    .option('--to <url>', 'where to; their paths are put behind it')
    .addOption(new Option('--listener <name>', 'to this listener').conflicts('to'))
    .option('--resign', 'signed now, with the secret of the inbox')
    .addOption(count('--times <n>', 'each so often (default 1)', 100))
    .addOption(count('--delay <ms>', 'between repetitions', 10_000))
    .option('--method <method>', 'another method')
    .option('--path <path>', 'another path and query')
    .option('--body <body>', 'another body: text, @file, or - for stdin')
    .addHelpText('after', FORWARD_EXAMPLES)
    .action((words: string[], flags: Flags) => run('forward', words, flags));

  about('diff', 'Show what differs between two captures; exit 1 if anything does')
    .argument('<capture>')
    .argument(
      '[other]',
      'default: the last one of its kind that was answered with success, before it',
    )
    .action((a: string, b: string | undefined, flags: Flags) =>
      run('diff', b === undefined ? [a] : [a, b], flags),
    );

  about('fixture', 'Save a capture for tests (createTestKit().fromCapture)')
    .argument('<verb>', 'save', verb)
    .argument('<capture>')
    .argument('<to>', 'directory, or a file that ends in .json')
    .option('--secrets', 'with header values that may be secrets')
    .action((...given: unknown[]) => {
      const [, capture, to, flags] = given as [string, string, string, Flags];
      return run('fixture', [capture, to], flags);
    });

  about('export', 'Save captures as CSV, NDJSON or an HTTP archive')
    .option('--match <search>', 'only those that fit')
    .addOption(
      new Option('--format <format>', 'of the file (default ndjson)').choices([
        'csv',
        'ndjson',
        'har',
      ]),
    )
    .option('--out <file>', 'file to write (default: print)')
    .addOption(count('--limit <n>', 'at most, newest first (default 1000)', 10_000))
    .option('--secrets', 'with header values that may be secrets')
    .action((flags: Flags) => run('export', [], flags));

  about('show', 'Print a capture: what it is, its request, and what became of it')
    .argument('<capture>')
    .addOption(new Option('--curl', 'as a curl command').conflicts('body'))
    .option('--body', 'its body alone, byte for byte')
    .option('--secrets', 'with header values that may be secrets')
    .action((capture: string, flags: Flags) => run('show', [capture], flags));
}

function count(flags: string, about: string, max: number): Option {
  return new Option(flags, about).argParser((text) => {
    const value = Number(text);
    if (/^\d{1,6}$/.test(text) && value >= 0 && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number up to ${max}.`);
  });
}

function since(text: string): 'now' | 'start' | number {
  if (text === 'now' || text === 'start') return text;
  if (/^\d{1,6}s?$/.test(text)) return Number.parseInt(text, 10);
  throw new InvalidArgumentError('It must be now, start, or a number of seconds.');
}

function verb(text: string): string {
  if (text === 'save') return text;
  throw new InvalidArgumentError('It must be save.');
}
