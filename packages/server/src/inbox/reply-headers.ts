import type { Header } from '../core/model.ts';

/**
 * Headers of answers below an inbox's URL. They come from rules and from laptops, and go out under our
 * own host name: none may set a cookie there, loosen what keeps the answer harmless, or frame the message.
 */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
const VALUE = /^[\t\x20-\x7e\xa0-\xff]{0,8192}$/;

const OURS = new Set([
  // They frame the message or belong to one connection.
  'connection',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // They would act on our host name, beyond this answer.
  'alt-svc',
  'clear-site-data',
  'content-security-policy',
  'content-security-policy-report-only',
  'nel',
  'public-key-pins',
  'referrer-policy',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'set-cookie',
  'set-cookie2',
  'strict-transport-security',
  'x-content-type-options',
  'x-robots-tag',
]);

/** On every answer, whatever it is: it runs nothing, leads nowhere and is found by no search engine. */
export const SAFE_HEADERS: readonly string[] = [
  'Content-Security-Policy',
  "sandbox; default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options',
  'nosniff',
  'X-Robots-Tag',
  'noindex, nofollow',
  'Referrer-Policy',
  'no-referrer',
];

/** What is wrong with a header that an owner wants answered; undefined = nothing. */
export function replyHeaderProblem(name: string, value: string): string | undefined {
  if (!TOKEN.test(name)) return `${JSON.stringify(name.slice(0, 64))} is not a header name`;
  if (OURS.has(name.toLowerCase())) return `"${name}" is never sent by an inbox: leave it out`;
  if (!VALUE.test(value)) {
    return `the value of "${name}" holds a line break, a control character or one outside Latin-1`;
  }
  return undefined;
}

export function flatHeaders(headers: readonly Header[]): string[] {
  return headers.flatMap(({ name, value }) => [name, value]);
}

/** A flat list of names and values without what may not go out. */
export function allowedHeaders(flat: readonly string[]): string[] {
  const allowed: string[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [name, value] = [flat[i] as string, flat[i + 1] as string];
    if (replyHeaderProblem(name, value) === undefined) allowed.push(name, value);
  }
  return allowed;
}

/** Types that a browser shows as a page of ours; XML is not among them, because Twilio needs it. */
const PAGE = /^\s*(?:text\/html|application\/xhtml\+xml|image\/svg\+xml)\b/i;

/** The headers with pages turned into text: an inbox is no place to host one. */
export function withoutPages(flat: readonly string[]): string[] {
  return flat.map((value, i) => {
    const isType = i % 2 === 1 && (flat[i - 1] as string).toLowerCase() === 'content-type';
    return isType && PAGE.test(value) ? 'text/plain; charset=utf-8' : value;
  });
}
