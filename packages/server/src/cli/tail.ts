import { ApiError, type AttemptSummary, createClient, type LiveEvent } from '@posthorn/api';
import { EXIT, type ExitCode, printable, type Stream, statusColor, timeOfDay } from './output.ts';
import { failure, NO_KEY } from './send.ts';

/** `posthorn tail`: what is sent in a tenant, as it happens, until it is stopped. */

export interface TailFilters {
  readonly endpoint?: string | undefined;
  readonly type?: string | undefined;
  readonly state?: string | undefined;
  readonly status?: string | undefined;
  readonly fault?: string | undefined;
  /** What an earlier `tail --json` showed last. */
  readonly after?: string | undefined;
}

export interface TailInput {
  readonly filters: TailFilters;
  readonly url: string;
  readonly key: string | undefined;
  readonly tenant: string;
  readonly signal: AbortSignal;
}

export interface TailOutput {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly colors: boolean;
  /** One message of the feed a line, as JSON. */
  readonly json: boolean;
}

/** 0 = stopped by the caller; 1 = refused, not reached, or the server ended it for good. */
export async function tail(input: TailInput, output: TailOutput): Promise<ExitCode> {
  const { key, url, tenant, signal, filters } = input;
  const note = (text: string) => void output.stderr.write(`${printable(text)}\n`);
  if (key === undefined) {
    note(NO_KEY);
    return EXIT.usage;
  }
  const client = createClient({ baseUrl: url, key });
  let lost = false;
  let first = true;
  const onLost = (error: unknown) => {
    // Said once, however often it is tried.
    if (!lost) note(`Connection lost (${reasonOf(error)}); trying until it is back.`);
    lost = true;
  };
  // Their grammar is the server's to judge.
  const query = { tenant, ...filters } as Parameters<typeof client.followLive>[0];
  try {
    for await (const message of client.followLive(query, { signal, onLost })) {
      if (message.kind === 'ready') {
        if (lost) note('Connected again; what happened meanwhile follows.');
        else if (first) note(`Following ${tenant} at ${url}. Stop with Ctrl-C.`);
        [lost, first] = [false, false];
      }
      if (message.kind === 'gap') note(GAPS[message.reason]);
      if (output.json) output.stdout.write(`${JSON.stringify(message)}\n`);
      else if (message.kind === 'attempt') print(message.attempt, output);
      if (message.kind === 'bye' && message.reason === 'unauthorized') {
        note(`The server ended it: ${message.detail}`);
        return EXIT.failed;
      }
    }
    return EXIT.ok;
  } catch (error) {
    if (signal.aborted) return EXIT.ok;
    note(failure(error, url));
    return error instanceof ApiError && error.status === 400 ? EXIT.usage : EXIT.failed;
  }
}

const GAPS: Readonly<Record<Extract<LiveEvent, { kind: 'gap' }>['reason'], string>> = {
  removed: '--- gap: what happened in between is no longer stored ---',
  behind: '--- gap: more happened than can be followed; `GET …/attempts` has all of it ---',
};

const TYPE_WIDTH = 28;

function print(attempt: AttemptSummary, { stdout, colors }: TailOutput): void {
  const { startedAt, type, endpoint, durationMs, event } = attempt;
  const time = timeOfDay(new Date(startedAt));
  const outcome = outcomeOf(attempt).padEnd(10);
  const shown = colors ? `\u001b[${colorOf(attempt)}m${outcome}\u001b[0m` : outcome;
  const took = `${Math.round(durationMs)} ms`.padStart(8);
  const rest = `${type.padEnd(TYPE_WIDTH)} ${took}  ${event} -> ${endpoint}${nextOf(attempt)}`;
  stdout.write(`${time}  ${shown} ${printable(rest)}\n`);
}

function outcomeOf({ status, fault, state }: AttemptSummary): string {
  return fault ?? (status === null ? state : String(status));
}

/** Only what differs from the good case is worth the room. */
function nextOf({ n, state, nextAt, detail }: AttemptSummary): string {
  const said = [];
  if (n > 1) said.push(`attempt ${n}`);
  if (state === 'failed') said.push('given up');
  if (state === 'cancelled') said.push('cancelled');
  if (state === 'pending' && nextAt !== null) {
    said.push(`again at ${timeOfDay(new Date(nextAt))}`);
  }
  if (detail !== '') said.push(detail);
  return said.length === 0 ? '' : `  (${said.join(', ')})`;
}

/** Whatever was answered: an attempt with a fault has failed. */
function colorOf({ status, fault }: AttemptSummary): number {
  return statusColor(fault === null ? status : null);
}

function reasonOf(error: unknown): string {
  if (error === undefined) return 'the server closed it';
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
