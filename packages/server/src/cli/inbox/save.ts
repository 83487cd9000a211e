import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { contractLines, createBlobCall, type WholeCapture } from '@posthorn/api';
import { EXIT, type ExitCode, type Output } from '../output.ts';
import { captureId, type InboxAccess, type OpenedInbox, withInbox } from './open.ts';

/** `posthorn fixture save`, `export` and `show`: captures in files and in the forms of other tools. */

export interface FixtureInput extends InboxAccess {
  readonly capture: string;
  /** A directory, or a file that ends in .json. */
  readonly to: string;
  /** With header values that may be secrets. */
  readonly secrets: boolean;
}

/** What `createTestKit().fromCapture` starts from. */
export function saveFixture(input: FixtureInput, output: Output): Promise<ExitCode> {
  return withInbox(input, output, async (opened) => {
    const address = { ...opened.place, capture: captureId(input.capture) };
    const reveal = input.secrets ? 'true' : 'false';
    const whole = await opened.api.getCapture({ ...address, reveal });
    const { method, path, type, receivedAt, headers } = whole;
    const body = whole.body ?? (await bodyOf(opened, whole));
    const fixture = { method, path, type, receivedAt, headers, body };
    const file = fileFor(input.to, whole);
    writeFileSync(file, `${JSON.stringify(fixture, null, 2)}\n`);
    output.data({ file }, file);
    return EXIT.ok;
  });
}

function fileFor(to: string, { type, id }: WholeCapture): string {
  if (to.endsWith('.json') && !(existsSync(to) && statSync(to).isDirectory())) return to;
  mkdirSync(to, { recursive: true });
  const name = (type ?? id).replaceAll(/[^A-Za-z0-9._-]+/g, '-').replace(/^\.+/, '');
  return join(to, `${name || id}.json`);
}

async function bodyOf(opened: OpenedInbox, { id }: WholeCapture): Promise<WholeCapture['body']> {
  const bytes = await bytesOf(opened, id);
  return { encoding: 'base64', text: bytes.toString('base64') };
}

async function bytesOf({ access, place }: OpenedInbox, capture: string): Promise<Buffer> {
  const call = createBlobCall(contractLines(), access);
  const blob = await call('getCaptureBody', { ...place, capture: captureId(capture) });
  return Buffer.from(await blob.arrayBuffer());
}

export interface ExportInput extends InboxAccess {
  readonly match: string | undefined;
  readonly format: 'csv' | 'ndjson' | 'har';
  readonly limit: number;
  readonly secrets: boolean;
  /** undefined = `write`. */
  readonly out: string | undefined;
  readonly write: (bytes: Uint8Array) => void;
}

export function exportCaptures(input: ExportInput, output: Output): Promise<ExitCode> {
  return withInbox(input, output, async ({ access, place }) => {
    const { match, format, limit, out } = input;
    const call = createBlobCall(contractLines(), access);
    const blob = await call('exportCaptures', {
      ...{ ...place, format, limit },
      secrets: input.secrets ? 'true' : 'false',
      ...(match === undefined ? {} : { q: match }),
    });
    const bytes = Buffer.from(await blob.arrayBuffer());
    if (out === undefined) input.write(bytes);
    else {
      writeFileSync(out, bytes);
      output.note(`Wrote ${out} (${bytes.length} bytes).`);
    }
    return EXIT.ok;
  });
}

export interface ShowInput extends InboxAccess {
  readonly capture: string;
  readonly as: 'text' | 'curl' | 'body';
  readonly secrets: boolean;
  readonly write: (bytes: Uint8Array) => void;
}

export function show(input: ShowInput, output: Output): Promise<ExitCode> {
  return withInbox(input, output, async (opened) => {
    const address = { ...opened.place, capture: captureId(input.capture) };
    const secrets = input.secrets ? 'true' : 'false';
    if (input.as === 'body') input.write(await bytesOf(opened, input.capture));
    else if (input.as === 'curl') {
      const command = await opened.api.getCaptureCurl({ ...address, secrets });
      input.write(Buffer.from(command));
    } else {
      const whole = await opened.api.getCapture({ ...address, reveal: secrets });
      output.data(whole, textOf(whole));
    }
    return EXIT.ok;
  });
}

function textOf(capture: WholeCapture): string {
  const { method, path, headers, body, verdict, same, schema, log, bodyBytes } = capture;
  const { id, receivedAt, type, signature, answeredBy, status } = capture;
  const shown = body?.encoding === 'utf8' ? body.text : `(${bodyBytes} bytes)`;
  const facts = [
    `${id}  ${receivedAt}  ${type ?? ''}`.trimEnd(),
    `answered  ${status ?? 'not yet'} by ${answeredBy}`,
    `signature ${signature.state}: ${verdict.reason}`,
    ...(verdict.hint === null ? [] : [`          ${verdict.hint}`]),
    ...(schema === null || schema.fits ? [] : [`schema    ${schema.message}`]),
    ...(same.length === 0 ? [] : [`same id   ${same.join(' ')}`]),
    ...log.map(({ kind, to, status, error }) => `${kind.padEnd(9)} ${to}: ${status ?? error}`),
  ];
  const request = [
    `${method} ${path || '/'}`,
    ...headers.map(({ name, value }) => `${name}: ${value}`),
  ];
  return [...facts, '', ...request, '', shown].join('\n');
}
