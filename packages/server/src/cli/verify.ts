import { parseRfc3339 } from '@posthorn/wire';
import {
  type Explained,
  explainSignature,
  headerBag,
  recognise,
  SIGNATURE_SCHEMES,
} from '@posthorn/wire/explain';
import { messageOf, quote } from '../config-values.ts';
import { readInput } from './input.ts';
import { EXIT, type ExitCode, type Output, type State, table } from './output.ts';
import {
  type HttpMessage,
  MessageError,
  parseHeader,
  parseMessage,
} from './request/http-message.ts';

export interface VerifyInput {
  /** A request as HTTP text, or its body; `-` = stdin. */
  readonly file: string;
  /** `Name: value` each; any of them = the file is the body alone. */
  readonly headers: readonly string[];
  readonly secrets: readonly string[];
  /** undefined = whichever fits. */
  readonly scheme: string | undefined;
  /** RFC 3339; undefined = now. */
  readonly receivedAt: string | undefined;
  /** undefined = any time. */
  readonly toleranceS: number | undefined;
  readonly now: Date;
}

const STATES: Readonly<Record<Explained['state'], State>> = {
  valid: 'ok',
  invalid: 'fail',
  unchecked: 'warn',
  unsigned: 'warn',
};

/** Says who signed a request and whether it holds. 1 = it does not; 2 = there is no request to look at. */
export async function verify(input: VerifyInput, output: Output): Promise<ExitCode> {
  const { secrets, scheme, toleranceS = Infinity } = input;
  let request: HttpMessage;
  let nowS: number;
  try {
    request = await readRequest(input);
    nowS = Math.floor(timeOf(input) / 1000);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    output.note(error.message);
    return EXIT.usage;
  }
  const { method, target, headers, body } = request;
  const signed = { raw: body, headers: headerBag(headers), url: target, method };
  const { signer: _, ...report } = await explainSignature(signed, {
    ...{ secrets, scheme, nowS, toleranceS },
  });
  const flat = headers.flatMap(({ name, value }) => [name, value]);
  const { sender, type, id } = recognise(flat, () => jsonOf(body));
  const known = { sender: sender ?? null, type: type ?? null, id: id ?? null };
  const { state, reason, hint, code, secret } = report;
  const value = {
    state,
    scheme: report.scheme ?? null,
    secret: secret ?? null,
    code: code ?? null,
    reason,
    hint: hint ?? null,
    ...known,
  };
  const rows = [
    [state, reason],
    ...(hint === undefined ? [] : [['', hint]]),
    ...Object.entries(known).flatMap(([name, one]) => (one === null ? [] : [[name, one]])),
  ];
  output.data(value, table(rows), [STATES[state]]);
  if (state === 'invalid' && code === 'timestamp_too_old') {
    output.note('To check it as of when it arrived: --received-at <time>, or --any-time.');
  }
  return state === 'valid' ? EXIT.ok : EXIT.failed;
}

async function readRequest({ file, headers, scheme }: VerifyInput): Promise<HttpMessage> {
  if (scheme !== undefined && !SIGNATURE_SCHEMES.some((name) => name === scheme)) {
    throw new MessageError(`--scheme: it is one of ${SIGNATURE_SCHEMES.join(', ')}.`);
  }
  let bytes: Buffer;
  try {
    bytes = await readInput(file);
  } catch (error) {
    throw new MessageError(`${file} cannot be read: ${messageOf(error)}.`);
  }
  if (headers.length === 0) return parseMessage(bytes);
  const given = headers.map((text) => {
    const header = parseHeader(text);
    if (header) return header;
    throw new MessageError(`--header: ${quote(text)} is not "Name: value".`);
  });
  return { method: 'POST', target: '/', headers: given, body: bytes };
}

function timeOf({ receivedAt, now }: VerifyInput): number {
  if (receivedAt === undefined) return now.getTime();
  const time = parseRfc3339(receivedAt);
  if (time !== undefined) return time;
  throw new MessageError(
    `--received-at: ${quote(receivedAt)} is not an RFC 3339 time such as 2026-01-31T12:00:00Z.`,
  );
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
