import type { IncomingMessage } from 'node:http';
import { OAuthError } from '../../oauth/oauth-error.ts';

const BODY_BYTES_MAX = 16_384;
const FORM_TYPE = /^application\/x-www-form-urlencoded *(?:;|$)/i;

/** A posted form, each name once. Throws `OAuthError`. */
export async function readForm(req: IncomingMessage): Promise<ReadonlyMap<string, string>> {
  if (!FORM_TYPE.test(req.headers['content-type'] ?? '')) {
    throw bad('Send application/x-www-form-urlencoded.');
  }
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw bad('Send the body uncompressed.');
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(await readBody(req))) {
    if (form.has(name)) throw bad('A parameter was sent more than once.');
    form.set(name, value);
  }
  return form;
}

async function readBody(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw bad(`The body exceeds ${BODY_BYTES_MAX} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function bad(message: string): OAuthError {
  return new OAuthError('invalid_request', message);
}
