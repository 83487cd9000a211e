import type { BodyText } from './bytes.ts';
import { type Head, ownHeaders } from './head.ts';

/** A request as something to paste: a shell, a browser's console. Masked values stay masked. */
export interface CopiedRequest {
  readonly method: string;
  readonly url: string;
  readonly head: Head;
  readonly body: BodyText;
}

/** POSIX shells: nothing is special within single quotes but the quote itself. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function asCurl({ method, url, head, body }: CopiedRequest): string {
  const lines = [`curl ${quoted(url)}`, `-X ${method}`];
  for (const { name, value } of ownHeaders(head)) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (body.text === '') return lines.join(' \\\n  ');
  if (body.encoding === 'utf8') {
    lines.push(`--data-raw ${quoted(body.text)}`);
    return lines.join(' \\\n  ');
  }
  lines.push('--data-binary @-');
  return `printf %s ${body.text} | base64 -d | ${lines.join(' \\\n  ')}`;
}

export function asFetch({ method, url, head, body }: CopiedRequest): string {
  const headers = ownHeaders(head).map(({ name, value }) => [name, value]);
  const data =
    body.encoding === 'utf8'
      ? JSON.stringify(body.text)
      : `Uint8Array.from(atob(${JSON.stringify(body.text)}), (c) => c.charCodeAt(0))`;
  const members = [
    `method: ${JSON.stringify(method)}`,
    `headers: ${JSON.stringify(headers)}`,
    ...(body.text === '' ? [] : [`body: ${data}`]),
  ];
  return `await fetch(${JSON.stringify(url)}, {\n  ${members.join(',\n  ')},\n});`;
}
