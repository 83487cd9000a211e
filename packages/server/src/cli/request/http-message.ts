import type { Header } from '@posthorn/wire';

/** Requests as HTTP/1.1 text: what `trigger` prints and `verify` reads. */

export interface HttpMessage {
  readonly method: string;
  /** As it stands in the request line: a path, or a whole URL. */
  readonly target: string;
  readonly headers: readonly Header[];
  readonly body: Buffer;
}

/** The text cannot be read as a request; the message says why and what to do. */
export class MessageError extends Error {}

export function printMessage({ method, target, headers, body }: HttpMessage): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map((h) => `${h.name}: ${h.value}`)];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

const REQUEST_LINE = /^([A-Z]+) (\S+) HTTP\/1\.[01]$/;

/**
 * Takes line ends of editors too, and of a body as much as its length says: many editors add a line end
 * to it. Throws `MessageError`.
 */
export function parseMessage(bytes: Buffer): HttpMessage {
  const { head, body } = cut(bytes);
  const [first = '', ...lines] = head.split(/\r?\n/);
  const line = REQUEST_LINE.exec(first);
  if (!line) {
    throw new MessageError(
      'It does not begin with a request line such as "POST /hooks HTTP/1.1". For a body alone, give ' +
        'its headers with --header.',
    );
  }
  const headers = lines.map((text) => {
    const header = parseHeader(text);
    if (header) return header;
    throw new MessageError(`${JSON.stringify(text.slice(0, 80))} is not a header: "Name: value".`);
  });
  const length = headers.find(({ name }) => name.toLowerCase() === 'content-length')?.value;
  const size = length !== undefined && /^\d{1,9}$/.test(length) ? Number(length) : body.length;
  if (size > body.length) {
    throw new MessageError(`Its body has ${body.length} bytes, but Content-Length says ${size}.`);
  }
  const [, method = '', target = ''] = line;
  return { method, target, headers, body: body.subarray(0, size) };
}

/** `Name: value`; undefined = it is none. */
export function parseHeader(text: string): Header | undefined {
  const found = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(text);
  return found ? { name: found[1] ?? '', value: found[2] ?? '' } : undefined;
}

function cut(bytes: Buffer): { head: string; body: Buffer } {
  const ends = ['\r\n\r\n', '\n\n'].map((end) => ({ at: bytes.indexOf(end), size: end.length }));
  const [first] = ends.filter(({ at }) => at >= 0).sort((a, b) => a.at - b.at);
  const { at, size } = first ?? { at: bytes.length, size: 0 };
  const head = bytes.toString('latin1', 0, at).replace(/\r?\n$/, '');
  return { head, body: bytes.subarray(at + size) };
}
