import { headerProblem } from './header.ts';

/**
 * A format put together by its owner, for receivers whose contract exists already: which headers,
 * what is signed, and how the signature is written.
 */
export interface CustomFormat {
  /** `envelope`: type, timestamp and data as in `standard`; `data`: the event's data alone. */
  readonly body: 'envelope' | 'data';
  /** Header names; null = not sent. */
  readonly idHeader: string | null;
  readonly typeHeader: string | null;
  readonly timestampHeader: string | null;
  /** How a timestamp is written, in its header and in what is signed. */
  readonly timestampFormat: 'seconds' | 'milliseconds' | 'rfc3339';
  /** null = not signed. */
  readonly signature: CustomSignature | null;
}

export interface CustomSignature {
  readonly header: string;
  readonly algorithm: 'hmac-sha256' | 'hmac-sha1' | 'hmac-sha512' | 'ed25519';
  readonly encoding: 'hex' | 'base64' | 'base64url';
  /** Stands before the signature: `sha256=`, or with `{id}` and `{timestamp}`: `t={timestamp},v1=`. */
  readonly prefix: string;
  /** What is signed: `{body}` once, and as often as wanted `{id}`, `{timestamp}` and `{type}`. */
  readonly content: string;
}

/** What a template may name beside `{body}`. */
export interface TemplateValues {
  readonly id: string;
  readonly timestamp: string;
  readonly type: string;
}

/** The signature's prefix, and what stands before and behind the body in what is signed. */
export function signedParts(
  { prefix, content }: CustomSignature,
  values: TemplateValues,
): { prefix: string; before: string; after: string } {
  const at = content.indexOf(BODY);
  const fill = (template: string) =>
    template.replaceAll(
      /\{(id|timestamp|type)\}/g,
      (_, name: keyof TemplateValues) => values[name],
    );
  return {
    prefix: fill(prefix),
    before: fill(content.slice(0, at)),
    after: fill(content.slice(at + BODY.length)),
  };
}

const BODY = '{body}';
const PLACEHOLDER = /\{[^{}]*\}/g;

/** What is wrong with a format, and in which field; undefined = nothing. */
export function customFormatProblem(
  format: CustomFormat,
): { readonly field: string; readonly problem: string } | undefined {
  const { idHeader, typeHeader, timestampHeader, signature } = format;
  const named = [
    ['idHeader', idHeader],
    ['typeHeader', typeHeader],
    ['timestampHeader', timestampHeader],
    ['signature.header', signature?.header ?? null],
  ] as const;
  const seen = new Set(['content-type', 'user-agent']);
  for (const [field, name] of named) {
    if (name === null) continue;
    const problem = headerProblem(name, '');
    if (problem !== undefined) return { field, problem };
    if (seen.has(name.toLowerCase())) return { field, problem: `"${name}" is sent already` };
    seen.add(name.toLowerCase());
  }
  return signature ? signatureProblem(signature) : undefined;
}

function signatureProblem({ prefix, content }: CustomSignature) {
  const field = 'signature.content';
  if (content.split(BODY).length !== 2) {
    return { field, problem: 'must hold {body} exactly once, or the body would not be signed' };
  }
  const allowed = '{id}, {timestamp} and {type}';
  const known = ['{id}', '{timestamp}', '{type}'];
  if (content.match(PLACEHOLDER)?.some((one) => one !== BODY && !known.includes(one))) {
    return { field, problem: `may name {body}, ${allowed} only` };
  }
  if (prefix.match(PLACEHOLDER)?.some((one) => !known.includes(one))) {
    return { field: 'signature.prefix', problem: `may name ${allowed} only` };
  }
  const problem = headerProblem('x', prefix);
  return problem === undefined ? undefined : { field: 'signature.prefix', problem };
}
