import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TunnelFrom, TunnelMode } from '../inbox/frames.ts';
import type { ListenInput } from './listen.ts';
import type { AddCommand, Flags } from './program.ts';
import { LINE_KINDS, type LineKind } from './tunnel/line-kind.ts';

/** The options of `posthorn listen`, and what they mean. */

const EXAMPLES = `
Examples:
  posthorn listen 3000                               an inbox of this machine's own
  posthorn listen 3000 --path /webhooks --inbox shop a chosen URL, made if it is not there
  posthorn listen http://localhost:3000 --json       a JSON object for each capture
  posthorn listen 3000 --filter 'body.type:user.*'   only captures that fit
  posthorn listen 3000 --copy-of ep_…                what this endpoint gets, for development

At a terminal it shows a screen: requests as they come, what they are, replays (? lists the keys);
elsewhere a line for each request. The URL stays the same from run to run. What is captured while
nobody listens is delivered when somebody does again. A capture counts as delivered when the local
server has answered it, with any status; while the local port is closed, captures are held.`;

export function addListen(
  add: AddCommand,
  run: (target: string, flags: Flags) => Promise<void>,
): void {
  const command: Command = add('listen', 'Carry what an inbox captures to a server on this machine')
    .argument('<target>', 'port, host:port or URL of the local server')
    .addHelpText('after', EXAMPLES);
  const options: readonly Option[] = [
    new Option('--path <path>', 'put before the path of each capture'),
    new Option('--inbox <name>', 'name or id; a name that is not there is made'),
    new Option('--copy-of <endpoint>', 'copies this endpoint; what it gets comes here too'),
    new Option('--listener <name>', 'keeps its own place in the inbox (default: this machine’s)'),
    new Option('--share', 'several clients share one listener, each capture goes to one of them'),
    new Option('--exclusive', 'nobody else listens meanwhile').conflicts('share'),
    new Option('--take-over', 'from somebody who listens with another key'),
    new Option('--from <place>', 'acked, now, start, a number, or an RFC 3339 time'),
    new Option('--filter <search>', 'only captures that fit, such as method:POST body.type:user.*'),
    new Option('--backlog <what>', 'what came while nobody listened').choices([
      'ask',
      'replay',
      'skip',
    ]),
    new Option('--concurrency <n>', 'requests at once (default: in order, one by one)').argParser(
      count(1, 256),
    ),
    new Option('--order-by <header>', 'order only among captures with the same value of it'),
    new Option('--timeout <seconds>', 'for the local server to answer (default 30)').argParser(
      count(1, 600),
    ),
    new Option('--keep-host', 'the local server sees the Host of the sender'),
    new Option('--allow-host', 'the target may be outside this machine and private networks'),
    new Option('--no-answer', 'senders never wait for the local server'),
    new Option('--exact', 'late captures keep their signature, though receivers may refuse it'),
    new Option('--via <means>', 'how to reach the server (default: what works)').choices(
      LINE_KINDS,
    ),
    new Option('--plain', 'lines instead of a screen, at a terminal too'),
    new Option('--json', 'print JSON, one object a line'),
  ];
  for (const option of options) command.addOption(option);
  command.action(run);
}

/** The flags as the command takes them; the rest is the caller's. */
export function listenInput(
  flags: Flags,
): Pick<
  ListenInput,
  | 'path'
  | 'inbox'
  | 'copyOf'
  | 'listener'
  | 'mode'
  | 'takeOver'
  | 'from'
  | 'filter'
  | 'backlog'
  | 'concurrency'
  | 'orderBy'
  | 'anywhere'
  | 'keepHost'
  | 'answer'
  | 'resign'
  | 'timeoutMs'
  | 'via'
> {
  const text = (name: string) => flags[name] as string | undefined;
  const mode: TunnelMode = flags['share'] ? 'share' : flags['exclusive'] ? 'exclusive' : 'fanout';
  return {
    path: text('path'),
    inbox: text('inbox'),
    copyOf: text('copyOf'),
    listener: text('listener'),
    mode,
    takeOver: flags['takeOver'] === true,
    from: fromOf(text('from') ?? 'acked'),
    filter: text('filter') ?? '',
    backlog: text('backlog') as ListenInput['backlog'],
    concurrency: flags['concurrency'] as number | undefined,
    orderBy: text('orderBy')?.toLowerCase(),
    anywhere: flags['allowHost'] === true,
    keepHost: flags['keepHost'] === true,
    answer: flags['answer'] !== false,
    resign: flags['exact'] !== true,
    timeoutMs: ((flags['timeout'] as number | undefined) ?? 30) * 1000,
    via: text('via') as LineKind | undefined,
  };
}

function fromOf(text: string): TunnelFrom {
  return /^\d{1,10}$/.test(text) ? Number(text) : text;
}

function count(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,6}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}
