import { DIALECT_NAMES, type DialectName } from '@posthorn/wire';
import { SIGNATURE_SCHEMES } from '@posthorn/wire/explain';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { DURATION_MS, quantity } from '../config-values.ts';
import type { AddCommand, Flags } from './program.ts';
import type { ReplayInput } from './replay.ts';
import type { TriggerInput } from './trigger.ts';
import type { VerifyInput } from './verify.ts';

/** The options of `trigger`, `verify` and `replay`, and what they mean. */

const METHODS = ['POST', 'GET', 'PUT', 'PATCH', 'DELETE', 'HEAD'];

const TRIGGER_EXAMPLES = `
Examples:
  posthorn trigger user.created --to http://localhost:3000/hooks
  posthorn trigger User.Created --dialect logto --secret s3cret --to http://localhost:3000/hooks
  posthorn trigger order.paid @order.json          print the request
  posthorn trigger a.b --secret whsec_… | posthorn verify --secret whsec_…

Needs no server: the request is made here, as an endpoint with this format would get it.`;

export function addTrigger(
  add: AddCommand,
  run: (args: ToolArguments, flags: Flags) => Promise<void>,
): void {
  const command: Command = add('trigger', 'Send a signed event to a receiver, without a server')
    .argument('<type>', 'event type, such as user.created')
    .argument('[data]', 'JSON text, @file or - for stdin (default: an example)')
    .addHelpText('after', TRIGGER_EXAMPLES);
  const options: readonly Option[] = [
    new Option('--to <url>', 'receiver; without it the request is printed'),
    new Option('--print', 'print the request instead of sending it'),
    new Option('--dialect <name>', 'format of the request')
      .choices(DIALECT_NAMES)
      .default('standard'),
    ...secretOptions('signs the request (default: a new one)'),
    new Option('--subject <id>', 'what the event is about'),
    new Option('--actor <json>', 'who did it, a JSON object'),
    new Option('--context <json>', 'what else the format shows, a JSON object'),
    new Option('--id <id>', 'id of the event (default: a new one)'),
    new Option('--tenant <id>', 'tenant of the event').default('default'),
    new Option('--method <method>', 'HTTP method').choices(METHODS).default('POST'),
    repeated('--header <header>', '"Name: value" to send along; may be repeated'),
    new Option('--standard-headers', 'add webhook-id, webhook-timestamp and webhook-signature'),
    new Option('--custom <json>', 'format of --dialect custom, JSON or @file'),
    new Option('--json', 'print request and answer as JSON'),
  ];
  for (const option of options) command.addOption(option);
  command.action((type: string, data: string | undefined, flags: Flags) =>
    run({ type, data }, flags),
  );
}

export interface ToolArguments {
  readonly type: string;
  readonly data: string | undefined;
}

export function triggerInput(
  { type, data }: ToolArguments,
  flags: Flags,
  secret: string | undefined,
): Omit<TriggerInput, 'now'> {
  return {
    ...{ type, data, secret },
    to: text(flags, 'to'),
    print: flags['print'] === true,
    dialect: flags['dialect'] as DialectName,
    subject: text(flags, 'subject'),
    actor: text(flags, 'actor'),
    context: text(flags, 'context'),
    id: text(flags, 'id'),
    tenant: text(flags, 'tenant') ?? 'default',
    method: text(flags, 'method') ?? 'POST',
    headers: texts(flags, 'header'),
    standardHeaders: flags['standardHeaders'] === true,
    custom: text(flags, 'custom'),
  };
}

const VERIFY_EXAMPLES = `
Examples:
  posthorn verify request.http --secret whsec_…     request line, headers, an empty line, the body
  posthorn verify body.json -H 'x-hub-signature-256: sha256=…' --secret s3cret
  posthorn verify --secret old --secret new < request.http

Says which scheme signed it, and if it does not hold, why: another secret, a changed body, an old
time. Needs no server. Exit code 0: it holds; 1: it does not, or cannot be told; 2: no request.`;

export function addVerify(
  add: AddCommand,
  run: (file: string, flags: Flags) => Promise<void>,
): void {
  const command: Command = add('verify', 'Check the signature of a request, and say why it fails')
    .argument('[file]', 'the request as HTTP text; - for stdin', '-')
    .addHelpText('after', VERIFY_EXAMPLES);
  const options: readonly Option[] = [
    repeated('--secret <text>', 'of the receiver; may be repeated. Prefer the file'),
    new Option('--secret-file <path>', 'file that holds it'),
    new Option('--scheme <name>', 'how it is signed (default: as it looks)').choices(
      SIGNATURE_SCHEMES,
    ),
    repeated('-H, --header <header>', '"Name: value": the file is the body alone'),
    new Option('--received-at <time>', 'when it arrived, RFC 3339 (default: now)'),
    new Option('--tolerance <time>', 'how old it may be, such as 5m')
      .default(300, '5m')
      .argParser(seconds),
    new Option('--any-time', 'it may be of any age'),
    new Option('--json', 'print the result as JSON'),
  ];
  for (const option of options) command.addOption(option);
  command.action(run);
}

export function verifyInput(
  file: string,
  flags: Flags,
  secret: string | undefined,
): Omit<VerifyInput, 'now'> {
  return {
    file,
    headers: texts(flags, 'header'),
    secrets: [...texts(flags, 'secret'), ...(secret === undefined ? [] : [secret])],
    scheme: text(flags, 'scheme'),
    receivedAt: text(flags, 'receivedAt'),
    toleranceS: flags['anyTime'] === true ? undefined : (flags['tolerance'] as number),
  };
}

const REPLAY_EXAMPLES = `
Examples:
  posthorn replay ep_… --dry-run                   how much failed there?
  posthorn replay ep_… --from 2h                   what failed of the last two hours
  posthorn replay ep_… --only missing --types 'user.*' --from 2026-01-31T00:00:00Z
  posthorn replay evt_…                            one event to all its endpoints
  posthorn replay job_…                            how far a replay is`;

export function addReplay(
  add: AddCommand,
  run: (what: string[], flags: Flags) => Promise<void>,
): void {
  const command: Command = add('replay', 'Send stored events to endpoints again')
    .argument('<id...>', 'endpoints; or one event, delivery or replay')
    .addHelpText('after', REPLAY_EXAMPLES);
  const options: readonly Option[] = [
    new Option(
      '--only <which>',
      'what failed, what was never owed, or all (default: failed; of an event all)',
    ).choices(['failed', 'missing', 'all']),
    repeated('--types <pattern>', 'only such event types; may be repeated'),
    new Option('--from <time>', 'created then or later: RFC 3339, or 2h = two hours ago'),
    new Option('--to <time>', 'created before'),
    new Option('--new-id', 'under a new webhook-id, so that receivers take it again'),
    new Option('--dry-run', 'only count'),
    new Option('-y, --yes', 'start without a question'),
    new Option('--no-wait', 'let it go on in the background'),
    new Option('--json', 'print the result as JSON'),
  ];
  for (const option of options) command.addOption(option);
  command.action(run);
}

export function replayInput(
  what: readonly string[],
  flags: Flags,
  now: Date,
): Omit<ReplayInput, 'tenant' | 'url' | 'key' | 'confirm' | 'signal'> {
  return {
    what,
    only: flags['only'] as ReplayInput['only'] | undefined,
    types: texts(flags, 'types'),
    from: timeOf(text(flags, 'from'), now),
    to: timeOf(text(flags, 'to'), now),
    newId: flags['newId'] === true,
    dryRun: flags['dryRun'] === true,
    yes: flags['yes'] === true,
    wait: flags['wait'] !== false,
    json: flags['json'] === true,
  };
}

/** `2h` is two hours ago; anything else the server judges. */
function timeOf(value: string | undefined, now: Date): string | undefined {
  const ago = value === undefined ? undefined : quantity(value, DURATION_MS);
  return ago === undefined ? value : new Date(now.getTime() - ago).toISOString();
}

function secretOptions(about: string): Option[] {
  return [
    new Option('--secret <text>', `${about}. Other users can read flags: prefer the file`),
    new Option('--secret-file <path>', 'file that holds it').conflicts('secret'),
  ];
}

function repeated(flags: string, about: string): Option {
  return new Option(flags, about).argParser((value: string, earlier: readonly string[] = []) => [
    ...earlier,
    value,
  ]);
}

function seconds(value: string): number {
  const ms = quantity(value, DURATION_MS);
  if (ms === undefined) {
    throw new InvalidArgumentError('It is a number with a unit: ms, s, m, h or d.');
  }
  return ms / 1000;
}

function text(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === 'string' ? value : undefined;
}

function texts(flags: Flags, name: string): readonly string[] {
  const value = flags[name];
  return Array.isArray(value) ? (value as string[]) : [];
}
