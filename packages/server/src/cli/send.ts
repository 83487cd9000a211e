import { ApiError, createClient, type EventInput } from '@posthorn/api';
import { readGiven } from './input.ts';
import { EXIT, type ExitCode, type Output } from './output.ts';

export interface SendInput {
  readonly type: string;
  /** JSON text, `@file`, `-` for stdin; undefined = `{}`. */
  readonly data: string | undefined;
  readonly id: string | undefined;
  readonly tenant: string;
  readonly url: string;
  readonly key: string | undefined;
}

export const NO_KEY =
  'An API key is needed: set POSTHORN_KEY, or POSTHORN_KEY_FILE, or pass --key.';
const TIMEOUT_MS = 30_000;

/** Posts one event and prints what became of it. 1 = refused or not reached, 2 = not valid JSON. */
export async function send(input: SendInput, output: Output): Promise<ExitCode> {
  const { type, id, tenant, url, key } = input;
  if (key === undefined) {
    output.note(NO_KEY);
    return EXIT.usage;
  }
  let data: unknown;
  try {
    data = JSON.parse((await readGiven(input.data ?? '{}')).toString('utf8'));
  } catch (error) {
    output.note(`The event's data is not usable: ${messageOf(error)}`);
    return EXIT.usage;
  }
  const body: EventInput = { type, data, ...(id === undefined ? {} : { id }) };
  const client = createClient({ baseUrl: url, key });
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await client.publishEvents({ tenant, body }, { signal });
    const accepted = Array.isArray(answer) ? answer[0] : answer;
    const { id: event = '', deliveries = 0, duplicate = false } = accepted ?? {};
    const known = duplicate ? ', accepted before' : '';
    const endpoints = deliveries === 1 ? '1 endpoint' : `${deliveries} endpoints`;
    output.data(accepted, `${event} to ${endpoints}${known}`);
    return EXIT.ok;
  } catch (error) {
    output.note(failure(error, url));
    return EXIT.failed;
  }
}

/** Why a call failed, for people. */
export function failure(error: unknown, url: string): string {
  if (error instanceof ApiError) return `Refused (${error.status}): ${error.message}`;
  const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return `Cannot reach ${url}: ${messageOf(reason)}. Is Posthorn running there?`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
