/** A request or response head as it went over the wire: a first line, then headers in their order. */
export interface Head {
  readonly line: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

export function parseHead(text: string): Head {
  const [line = '', ...rest] = text.split('\r\n').filter((one) => one !== '');
  const headers = rest.map((one) => {
    const colon = one.indexOf(':');
    if (colon < 0) return { name: one, value: '' };
    return { name: one.slice(0, colon), value: one.slice(colon + 1).trim() };
  });
  return { line, headers };
}

export function headerOf({ headers }: Head, name: string): string | undefined {
  return headers.find((header) => header.name.toLowerCase() === name)?.value;
}

/** Made by whoever sends, for this one connection: a repeated request gets its own. */
const OF_THE_CONNECTION = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
  'keep-alive',
]);

export function ownHeaders({ headers }: Head): Head['headers'] {
  return headers.filter(({ name }) => !OF_THE_CONNECTION.has(name.toLowerCase()));
}
