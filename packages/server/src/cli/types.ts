import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { generateTypes, TypegenError } from '@posthorn/wire/typegen';
import { EXIT, type ExitCode, type Output } from './output.ts';

export interface TypesInput {
  /** A URL or a file; undefined = the catalogue of `tenant` at `url`. */
  readonly from: string | undefined;
  /** A file; undefined = stdout. */
  readonly out: string | undefined;
  readonly schemas: boolean;
  readonly url: string;
  readonly tenant: string;
  readonly key: string | undefined;
}

const TIMEOUT_MS = 30_000;
const BYTES_MAX = 16 * 1024 * 1024;

/** A document that cannot be had; the message says why and what to do. */
class FetchError extends Error {}

/**
 * Writes TypeScript types for a catalogue's events: an OpenAPI document with webhooks, or a JSON
 * Schema. 1 = it could not be had or is no catalogue.
 */
export async function types(input: TypesInput, output: Output): Promise<ExitCode> {
  const { url, tenant, out, schemas } = input;
  const own = new URL(`/api/v1/tenants/${encodeURIComponent(tenant)}/catalogue/export`, url).href;
  const from = input.from ?? own;
  try {
    const document = parse(await read(from, input), from);
    const text = generateTypes(document, { from: withoutSecrets(from), schemas });
    if (out === undefined) {
      output.data({ from: withoutSecrets(from), types: text }, text.trimEnd());
      return EXIT.ok;
    }
    writeWhole(out, text);
    const count =
      /export interface Events \{\n([\s\S]*?)\}/.exec(text)?.[1]?.split('\n').length ?? 1;
    output.data({ out, types: count - 1 }, `${out}: ${count - 1} event types`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof FetchError || error instanceof TypegenError)) throw error;
    output.note(`No types from ${withoutSecrets(from)}: ${error.message}`);
    return EXIT.failed;
  }
}

async function read(from: string, input: TypesInput): Promise<string> {
  if (!/^https?:\/\//.test(from)) return readFile(from);
  // The key is Posthorn's: nobody else gets it, wherever the document lies.
  const ours = new URL(from).origin === new URL(input.url).origin;
  const headers =
    ours && input.key !== undefined ? { authorization: `Bearer ${input.key}` } : undefined;
  let response: Response;
  try {
    response = await fetch(from, {
      ...(headers === undefined ? {} : { headers }),
      // A redirect could lead the key to another host.
      redirect: headers === undefined ? 'follow' : 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new FetchError(`it cannot be reached (${reasonOf(reason)})`);
  }
  if (response.status === 401 || response.status === 403) {
    const hint = ours ? 'set POSTHORN_KEY to a key that may read it' : 'it asks for credentials';
    throw new FetchError(`the answer is ${response.status}: ${hint}`);
  }
  if (!response.ok) throw new FetchError(`the answer is ${response.status}`);
  const text = await response.text();
  if (text.length > BYTES_MAX) throw new FetchError(`it is larger than ${BYTES_MAX} bytes`);
  return text;
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new FetchError(`it cannot be read (${reasonOf(error)})`);
  }
}

function parse(text: string, from: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const yaml = /\.ya?ml$/.test(from) ? ': convert the YAML to JSON first' : '';
    throw new FetchError(`it is not JSON${yaml}`);
  }
}

/** Whole or not at all: a half-written module would break a build. */
function writeWhole(path: string, text: string): void {
  const draft = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(draft, text);
    renameSync(draft, path);
  } catch (error) {
    throw new FetchError(`${path} cannot be written (${reasonOf(error)})`);
  }
}

/** The source is named in the file that is written, which is checked in. */
function withoutSecrets(from: string): string {
  if (!/^https?:\/\//.test(from)) return from;
  const url = new URL(from);
  return `${url.origin}${url.pathname}`;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
