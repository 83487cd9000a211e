import { createHmac } from 'node:crypto';
import type { Subject } from './subject.ts';

/**
 * Bodies of answers with parts of the request in them:
 *
 *     {{body.challenge}}  {{query.hub.challenge}}  {{headers.x-request-id}}  {{json body.items}}
 *     {{hmac_sha256 body.plainToken}}  {{hmac_sha256 body.plainToken base64}}  {{now}}  {{id}}
 *
 * What is not there is empty. The secret of `hmac_sha256` is the first of the inbox's.
 */

type Part = string | Expression;
interface Expression {
  readonly call: 'value' | 'json' | 'hmac_sha256';
  readonly path: readonly string[];
  readonly encoding: 'hex' | 'base64';
}

export interface TemplateInput {
  readonly subject: Subject;
  readonly secret: string | undefined;
  readonly nowMs: number;
  readonly captureId: string;
}

/** Why a text is no template, as a sentence. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

const EXPRESSIONS_MAX = 100;
const ROOTS = ['body', 'query', 'headers', 'method', 'path', 'id', 'now', 'now_s'];
/** Of an answer: a template could repeat a large body many times. */
const OUTPUT_CHARS_MAX = 1_048_576;

export function parseTemplate(text: string): readonly Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (let open = text.indexOf('{{'); open >= 0; open = text.indexOf('{{', at)) {
    const close = text.indexOf('}}', open);
    if (close < 0) throw new TemplateError(`the {{ at ${open + 1} is not closed`);
    if (parts.length >= 2 * EXPRESSIONS_MAX) {
      throw new TemplateError(`more than ${EXPRESSIONS_MAX} expressions`);
    }
    parts.push(text.slice(at, open), expressionOf(text.slice(open + 2, close).trim()));
    at = close + 2;
  }
  parts.push(text.slice(at));
  return parts;
}

function expressionOf(text: string): Expression {
  const words = text.split(/\s+/);
  const [first = '', second, third] = words;
  if (first === 'json' && words.length === 2) return { call: 'json', ...placeOf(second as string) };
  if (first === 'hmac_sha256' && words.length <= 3 && second !== undefined) {
    if (third !== undefined && third !== 'hex' && third !== 'base64') {
      throw new TemplateError(`hmac_sha256 is written hex or base64, not ${JSON.stringify(third)}`);
    }
    return { call: 'hmac_sha256', ...placeOf(second), encoding: third ?? 'hex' };
  }
  if (words.length === 1) return { call: 'value', ...placeOf(first) };
  throw new TemplateError(`{{${text}}} is no expression: use a path, json or hmac_sha256`);
}

function placeOf(text: string): Pick<Expression, 'path' | 'encoding'> {
  const [root = '', ...rest] = text.split('.');
  if (!ROOTS.includes(root)) {
    throw new TemplateError(`{{${text}}} leads nowhere: paths begin with ${ROOTS.join(', ')}`);
  }
  const named = root === 'query' || root === 'headers';
  return { path: named ? [root, rest.join('.')] : [root, ...rest], encoding: 'hex' };
}

export function renderTemplate(parts: readonly Part[], input: TemplateInput): string {
  let text = '';
  for (const part of parts) {
    text += typeof part === 'string' ? part : evaluate(part, input);
    if (text.length > OUTPUT_CHARS_MAX) return text.slice(0, OUTPUT_CHARS_MAX);
  }
  return text;
}

function evaluate({ call, path, encoding }: Expression, input: TemplateInput): string {
  const value = valueAt(path, input);
  if (call === 'json') return JSON.stringify(value ?? null);
  const text = textOf(value);
  if (call === 'value') return text;
  return createHmac('sha256', input.secret ?? '')
    .update(text)
    .digest(encoding);
}

function valueAt(path: readonly string[], { subject, nowMs, captureId }: TemplateInput): unknown {
  const [root, ...rest] = path;
  switch (root) {
    case 'id':
      return captureId;
    case 'now':
      return new Date(nowMs).toISOString();
    case 'now_s':
      return Math.floor(nowMs / 1000);
    case 'body':
      return rest.length === 0 ? subject.text : subject.at(rest)[0];
    case 'headers':
      return subject.header(rest[0] ?? '');
    default:
      return subject.values(path)[0];
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
