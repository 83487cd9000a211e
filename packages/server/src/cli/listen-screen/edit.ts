import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Body, Operations, WholeCapture } from '@posthorn/api';
import { MessageError, parseMessage, printMessage } from '../request/http-message.ts';

/** A captured request as a file that somebody edits, and what was changed in it. */

export type Edit = NonNullable<Body<Operations['replayCapture']>['edit']>;

/** Set by whoever sends it. */
const NOT_EDITED = new Set(['content-length', 'transfer-encoding', 'connection']);

/** `edit` resolves when the person has closed the file. undefined = nothing was changed. Throws `EditError`. */
export async function edited(
  whole: WholeCapture,
  edit: (file: string) => Promise<void>,
): Promise<Edit | undefined> {
  if (whole.body === null) throw new EditError('Its body is too long to be edited here.');
  const before = printed(whole);
  const directory = mkdtempSync(join(tmpdir(), 'posthorn-edit-'));
  try {
    const file = join(directory, `${whole.id}.http`);
    writeFileSync(file, before, { mode: 0o600 });
    await edit(file);
    return changes(whole, before, readFileSync(file));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What cannot be edited, or cannot be sent as it was edited; the message says why. */
export class EditError extends Error {}

/** Of a body that is no text only the head: an editor would spoil it. */
function printed({ method, path, headers, body }: WholeCapture): Buffer {
  const text = body?.encoding === 'utf8' ? body.text : '';
  return printMessage({
    method,
    target: path || '/',
    headers: headers.filter(({ name }) => !NOT_EDITED.has(name.toLowerCase())),
    body: Buffer.from(text),
  });
}

function changes(whole: WholeCapture, before: Buffer, after: Buffer): Edit | undefined {
  if (before.equals(after)) return undefined;
  try {
    const [was, is] = [parseMessage(before), parseMessage(after)];
    const target = is.target === '/' && whole.path === '' ? '' : is.target;
    // Editors end the last line; the sender had not.
    const ended = is.body.at(-1) === 0x0a && was.body.at(-1) !== 0x0a;
    const body = ended ? is.body.subarray(0, -1) : is.body;
    const edit: Edit = {
      ...(is.method === was.method ? {} : { method: is.method }),
      ...(target === whole.path ? {} : { path: target }),
      ...(JSON.stringify(is.headers) === JSON.stringify(was.headers)
        ? {}
        : { headers: [...is.headers] }),
      ...(body.equals(was.body)
        ? {}
        : { body: { encoding: 'base64', text: body.toString('base64') } }),
    };
    return Object.keys(edit).length === 0 ? undefined : edit;
  } catch (error) {
    if (error instanceof MessageError) throw new EditError(`Not sent. ${error.message}`);
    throw error;
  }
}
