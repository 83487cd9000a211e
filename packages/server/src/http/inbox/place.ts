import type { IncomingMessage } from 'node:http';

/** Which inbox a request is for, told by its path or by its host name. */
export interface InboxPlace {
  readonly name: string;
  /** Where in the target the path below the inbox begins. */
  readonly pathAt: number;
}

const PREFIX = '/in/';

/**
 * `/in/{name}…` on any host, or anything on `{name}.{domain}` when the operator gave a domain whose
 * names all lead here. undefined = not an inbox's.
 */
export function inboxPlace(
  req: IncomingMessage,
  domain: string | undefined,
): InboxPlace | undefined {
  const target = req.url ?? '';
  if (domain !== undefined) {
    const name = labelBelow(req.headers.host, domain);
    if (name !== undefined) return { name, pathAt: pathStart(target) };
  }
  if (!target.startsWith(PREFIX)) return undefined;
  let end = PREFIX.length;
  while (end < target.length && !isEnd(target.charCodeAt(end))) end++;
  return { name: target.slice(PREFIX.length, end), pathAt: end };
}

function isEnd(code: number): boolean {
  return code === 0x2f /* / */ || code === 0x3f /* ? */;
}

function labelBelow(host: string | undefined, domain: string): string | undefined {
  if (host === undefined) return undefined;
  const bare = host.replace(/:\d+$/, '').toLowerCase();
  if (!bare.endsWith(`.${domain}`)) return undefined;
  const label = bare.slice(0, -domain.length - 1);
  return label.includes('.') ? undefined : label;
}

/** A proxy may be asked with the whole URL: the path begins behind its host. */
function pathStart(target: string): number {
  if (target.startsWith('/')) return 0;
  const scheme = /^https?:\/\/[^/?]*/i.exec(target);
  return scheme ? scheme[0].length : 0;
}
