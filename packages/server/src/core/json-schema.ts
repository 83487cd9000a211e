import { RE2JS } from '@bufbuild/re2';
import { Ajv, type ErrorObject } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';

/**
 * JSON Schemas as strangers write them, drafts 2020-12 and 07. Nothing is fetched, patterns run in
 * linear time, and a schema is bounded in size. What is left can still be made to take long (an
 * `anyOf` of an `anyOf` of …), so checking data belongs into a thread that may be ended
 * (delivery/catalogue/checker.ts).
 */

export type JsonObject = Readonly<Record<string, unknown>>;

export const SCHEMA_BYTES_MAX = 65_536;
export const SCHEMA_DEPTH_MAX = 32;

const PROBLEMS_MAX = 10;
const MESSAGE_CHARS_MAX = 300;

/** What is wrong with data, or with a schema. */
export interface SchemaProblem {
  /** JSON Pointer to the value; `''` = the whole. */
  readonly path: string;
  readonly message: string;
}

/** A schema that cannot be used. The message says what is wrong, as a part of a sentence. */
export class SchemaError extends Error {
  constructor(message: string) {
    super(message.slice(0, MESSAGE_CHARS_MAX));
    this.name = 'SchemaError';
  }
}

const DRAFTS: Readonly<Record<string, '2020-12' | '07'>> = {
  'https://json-schema.org/draft/2020-12/schema': '2020-12',
  'http://json-schema.org/draft-07/schema': '07',
  'https://json-schema.org/draft-07/schema': '07',
};

/** RE2 has no look-ahead and no back-references; in exchange no text makes it slow. */
const re2 = Object.assign((pattern: string) => new RE2JS(pattern), { code: 'RE2' });

const OPTIONS = {
  // Each schema is its own world: an `$id` of one must never be found by another.
  meta: false,
  validateSchema: false,
  // Unknown keywords and `format` are notes to the reader, as 2020-12 has it.
  strict: false,
  validateFormats: false,
  // Inlined references multiply the code that is made of them.
  inlineRefs: false,
  allErrors: true,
  logger: false,
  code: { regExp: re2 },
} as const;

export interface CompiledSchema {
  /** At most ten problems; none = the data fits. */
  check(data: unknown): SchemaProblem[];
}

/** Made of a schema that `SchemaCompiler` is given; one for each thread, for it keeps the drafts' own. */
export class SchemaCompiler {
  #meta: { readonly '2020-12': Ajv2020; readonly '07': Ajv } | undefined;

  /** Throws `SchemaError`. */
  compile(schema: JsonObject): CompiledSchema {
    const draft = draftOf(schema);
    this.#checkKeywords(schema, draft);
    const check = this.#compile(schema, draft);
    return {
      check(data) {
        if (check(data)) return [];
        return (check.errors ?? []).slice(0, PROBLEMS_MAX).map(problemOf);
      },
    };
  }

  #checkKeywords(schema: JsonObject, draft: '2020-12' | '07'): void {
    this.#meta ??= { '2020-12': new Ajv2020({ strict: false }), '07': new Ajv({ strict: false }) };
    const meta = this.#meta[draft];
    const { $schema: _draft, ...keywords } = schema;
    if (meta.validateSchema(keywords)) return;
    const error = meta.errors?.[0];
    const { path, message } = error ? problemOf(error) : { path: '', message: 'is not valid' };
    throw new SchemaError(`${path || 'the schema'} ${message}`);
  }

  #compile(schema: JsonObject, draft: '2020-12' | '07') {
    try {
      const ajv = draft === '07' ? new Ajv(OPTIONS) : new Ajv2020(OPTIONS);
      return ajv.compile(schema);
    } catch (error) {
      throw new SchemaError(explain(error as Error & { missingRef?: string }));
    }
  }
}

/** What can be seen without looking at keywords. Throws `SchemaError`. */
function draftOf(schema: JsonObject): '2020-12' | '07' {
  const depth = depthOf(schema, SCHEMA_DEPTH_MAX);
  if (depth > SCHEMA_DEPTH_MAX) {
    throw new SchemaError(`it is nested deeper than ${SCHEMA_DEPTH_MAX} levels`);
  }
  if (Buffer.byteLength(JSON.stringify(schema)) > SCHEMA_BYTES_MAX) {
    throw new SchemaError(`it has more than ${SCHEMA_BYTES_MAX} bytes`);
  }
  if (schema['$async'] !== undefined) throw new SchemaError('$async is not a JSON Schema keyword');
  const { $schema: named = 'https://json-schema.org/draft/2020-12/schema' } = schema;
  const draft = typeof named === 'string' ? DRAFTS[named.replace(/#$/, '')] : undefined;
  if (draft === undefined) {
    throw new SchemaError('$schema names a draft that is not known here: use 2020-12 or draft-07');
  }
  return draft;
}

/** How deep a JSON value is nested; looks no deeper than `max` + 1. */
export function depthOf(value: unknown, max: number): number {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= max; depth++) {
    const next: unknown[] = [];
    for (const one of level) {
      if (typeof one !== 'object' || one === null) continue;
      for (const member of Object.values(one)) next.push(member);
    }
    if (next.length === 0) return depth;
    level = next;
  }
  return max + 1;
}

function explain(error: Error & { missingRef?: string }): string {
  if (error.missingRef !== undefined) {
    return (
      `$ref ${JSON.stringify(error.missingRef)} leads out of the schema, and nothing is fetched: ` +
      'put what it refers to into $defs'
    );
  }
  if (error.name === 'RE2JSSyntaxException') {
    return `a pattern is not understood, look-ahead and back-references among them: ${error.message}`;
  }
  return error.message;
}

function problemOf(error: ErrorObject): SchemaProblem {
  const { instancePath: path, message = 'does not fit', params } = error;
  const named: unknown = params['additionalProperty'] ?? params['unevaluatedProperty'];
  const which = typeof named === 'string' ? `: ${JSON.stringify(named)}` : '';
  const allowed: unknown = params['allowedValues'];
  const values = Array.isArray(allowed) ? `: ${JSON.stringify(allowed)}` : '';
  return {
    path: path.slice(0, MESSAGE_CHARS_MAX),
    message: `${message}${which}${values}`.slice(0, MESSAGE_CHARS_MAX),
  };
}
