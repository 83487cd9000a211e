import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { addBackup } from './backup-options.ts';
import { addCompletion } from './completion.ts';
import { addApply, addDump } from './declare/options.ts';
import { addInboxCommands, type InboxCommandName } from './inbox/options.ts';
import { addListen } from './listen-options.ts';
import { addMove } from './move-options.ts';
import { EXIT, type Stream } from './output.ts';
import { addTail } from './tail-options.ts';
import { addReplay, addTrigger, addVerify, type ToolArguments } from './tool-options.ts';

export type CommandName =
  | 'dev'
  | 'serve'
  | 'doctor'
  | 'send'
  | 'dashboard'
  | 'types'
  | 'listen'
  | 'tail'
  | InboxCommandName
  | 'apply'
  | 'dump'
  | 'backup'
  | 'restore'
  | 'migrate'
  | 'divide'
  | 'trigger'
  | 'verify'
  | 'replay'
  | 'completion';

/** An option of the configuration, as far as flags and help need it. */
export interface ProgramOption {
  readonly kind: string;
  readonly flag: string;
  readonly env: string;
  readonly defaults: Readonly<Record<'dev' | 'serve', string | undefined>>;
  readonly help: string;
  readonly secret: boolean;
  readonly commands: readonly CommandName[];
}

/** Adds a command with the options of the configuration that it takes. */
export type AddCommand = (name: CommandName, about: string) => Command;

/** By camel-case flag name; only what was given. */
export type Flags = Readonly<Record<string, unknown>>;

/** What the commands do; each resolves with the exit code. */
export interface Actions {
  dev(flags: Flags): Promise<number>;
  serve(flags: Flags): Promise<number>;
  doctor(flags: Flags): Promise<number>;
  dashboard(flags: Flags): Promise<number>;
  types(flags: Flags): Promise<number>;
  listen(target: string, flags: Flags): Promise<number>;
  tail(flags: Flags): Promise<number>;
  /** `words`: the arguments of the command. */
  inbox(name: InboxCommandName, words: readonly string[], flags: Flags): Promise<number>;
  apply(flags: Flags): Promise<number>;
  dump(flags: Flags): Promise<number>;
  /** `target` undefined = a new directory here. */
  backup(target: string | undefined, flags: Flags): Promise<number>;
  restore(backup: string, flags: Flags): Promise<number>;
  migrate(flags: Flags): Promise<number>;
  divide(flags: Flags): Promise<number>;
  trigger(args: ToolArguments, flags: Flags): Promise<number>;
  verify(file: string, flags: Flags): Promise<number>;
  replay(what: string[], flags: Flags): Promise<number>;
  send(args: { type: string; data: string | undefined }, flags: Flags): Promise<number>;
}

export interface ProgramInput {
  /** Without `node` and the script. */
  readonly argv: readonly string[];
  readonly version: string;
  readonly options: readonly ProgramOption[];
  readonly actions: Actions;
  readonly stdout: Stream;
  readonly stderr: Stream;
}

const EXAMPLES = `
Examples:
  posthorn dev                                     start on this machine, for development
  posthorn serve --data /var/lib/posthorn          start for real
  posthorn send user.created '{"id":"u_1"}'        post an event
  posthorn send user.created @user.json --id 42    the same event twice is one event
  posthorn types --out events.ts                   TypeScript types of your catalogue, for receivers
  posthorn tail --state failed                     follow what is sent, as it happens
  posthorn listen 3000 --path /webhooks            carry what an inbox captures to this machine
  posthorn wait --match type:order.paid            in CI: until it was captured
  posthorn apply -f hooks.yaml                     have what a file says: plan, then changes
  posthorn backup /backups/monday                  copy everything, while the server runs
  posthorn replay ep_… --from 2h                   send what failed there once more
  posthorn trigger user.created --to http://localhost:3000/hooks    no server needed
  posthorn verify request.http --secret whsec_…    does it hold, and if not, why?
  posthorn dashboard                               print a link that signs in
  posthorn doctor --json                           is everything as it should be?

Exit codes: 0 done, 1 failed, 2 wrong usage. Options may also stand in posthorn.yaml and in
POSTHORN_* variables; flags win over variables, variables over the file.`;

/** Reads argv and runs the command; resolves with the process's exit code. */
export async function runProgram(input: ProgramInput): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = buildProgram(input, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(input.argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed the reason already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
}

function buildProgram(input: ProgramInput, done: (code: number) => void): Command {
  const { actions, options } = input;
  const program = new Command('posthorn')
    .description('Webhooks that nobody has to apologise for: events in, signed requests out.')
    .version(input.version, '-V, --version')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => input.stdout.write(text),
      writeErr: (text) => input.stderr.write(text),
    });
  const add: AddCommand = (name: CommandName, about: string): Command => {
    const command = program.command(name).description(about);
    const configured = options.filter((row) => row.commands.includes(name));
    for (const option of configured) {
      for (const flag of flagsOf(option, name)) command.addOption(flag);
    }
    if (configured.length === 0) return command;
    return command.option('--config <file>', 'configuration file (default posthorn.yaml, if any)');
  };

  add('dev', 'Start for development: loopback receivers, plain http, data in .posthorn').action(
    async (flags: Flags) => done(await actions.dev(flags)),
  );
  add('serve', 'Start with safe defaults').action(async (flags: Flags) =>
    done(await actions.serve(flags)),
  );
  add('send', 'Post one event to a running Posthorn')
    .argument('<type>', 'event type, such as user.created')
    .argument('[data]', 'JSON text, @file or - for stdin (default {})')
    .addOption(new Option('--id <id>', 'your id of the event, for idempotency').argParser(notEmpty))
    .option('--json', 'print the answer as JSON')
    .action(async (type: string, data: string | undefined, flags: Flags) =>
      done(await actions.send({ type, data }, flags)),
    );
  addListen(add, async (target, flags) => done(await actions.listen(target, flags)));
  addTail(add, async (flags) => done(await actions.tail(flags)));
  addInboxCommands(add, async (name, words, flags) =>
    done(await actions.inbox(name, words, flags)),
  );
  addApply(add, async (flags) => done(await actions.apply(flags)));
  addDump(add, async (flags) => done(await actions.dump(flags)));
  addReplay(add, async (what, flags) => done(await actions.replay(what, flags)));
  addTrigger(add, async (args, flags) => done(await actions.trigger(args, flags)));
  addVerify(add, async (file, flags) => done(await actions.verify(file, flags)));
  addCompletion(add, { program, stdout: input.stdout });
  add('dashboard', 'Print a link that signs in to the dashboard of a running Posthorn')
    .option('--json', 'print the link as JSON')
    .action(async (flags: Flags) => done(await actions.dashboard(flags)));
  add('types', 'Write TypeScript types for the events of a catalogue')
    .option(
      '--from <source>',
      'URL or file: OpenAPI with webhooks, or a JSON Schema (default: ours)',
    )
    .option('--out <file>', 'file to write (default: print)')
    .option('--schemas', 'add the schemas, so that receivers check payloads')
    .option('--json', 'print the result as JSON')
    .action(async (flags: Flags) => done(await actions.types(flags)));
  addBackup(add, actions, done);
  addMove(add, actions, done);
  add('doctor', 'Check what `serve` needs on this machine; exit 1 if a check fails')
    .option('--dev', 'check what `dev` needs instead')
    .option('--json', 'print the checks as JSON')
    .option('--crash-sites', 'print the places where tests make the process die')
    .action(async (flags: Flags) => done(await actions.doctor(flags)));
  return program;
}

function flagsOf(option: ProgramOption, command: CommandName): Option[] {
  const { flag, env, secret } = option;
  const standard = option.defaults[command === 'dev' ? 'dev' : 'serve'];
  const notes = [env, ...(standard === undefined ? [] : [`default ${standard}`])].join(', ');
  const help = `${option.help} (${notes})`;
  if (option.kind === 'boolean') {
    return [
      new Option(flag, help),
      new Option(flag.replace('--', '--no-'), 'The opposite.').hideHelp(),
    ];
  }
  if (!secret) return [new Option(`${flag} <${option.kind}>`, help)];
  return [
    new Option(`${flag} <text>`, `${help}. Other users can read flags: prefer the file`),
    new Option(`${flag}-file <path>`, `File that holds it (${env}_FILE)`),
  ];
}

function notEmpty(value: string): string {
  if (value === '') throw new InvalidArgumentError('It must not be empty.');
  return value;
}
