import type { JsonObject } from '../json-schema.ts';

/**
 * Cutting a schema out of a document, and putting one in, without its references breaking. A schema
 * of the catalogue stands alone: what it refers to lies in its own `$defs`.
 */

const DEFINITIONS_MAX = 300;
const URN = 'urn:posthorn:event-type:';
const REFERENCES = ['$ref', '$dynamicRef', '$recursiveRef'];

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A document that cannot be taken; `path` is a JSON Pointer to where. */
export class DocumentError extends Error {
  readonly path: string;
  constructor(path: string, message: string) {
    super(message);
    this.name = 'DocumentError';
    this.path = path;
  }
}

/**
 * The schema at a place of a document, with all that it refers to there as its own `$defs`. Throws
 * `DocumentError` for a reference that leads nowhere.
 */
export function cutOut(schema: JsonObject, document: JsonObject, path: string): JsonObject {
  const cut = new Cut(document);
  const own = cut.rewrite(schema, path) as JsonObject;
  if (cut.definitions.size === 0) return own;
  const known = isObject(own['$defs']) ? own['$defs'] : {};
  return { ...own, $defs: { ...known, ...Object.fromEntries(cut.definitions) } };
}

class Cut {
  /** By name, in the order they were met. */
  readonly definitions = new Map<string, unknown>();
  readonly #document: JsonObject;
  readonly #names = new Map<string, string>();

  constructor(document: JsonObject) {
    this.#document = document;
  }

  /** A part with an `$id` is a document of its own: its references are its own affair. */
  rewrite(value: unknown, path: string): unknown {
    if (Array.isArray(value)) return value.map((item, i) => this.rewrite(item, `${path}/${i}`));
    if (!isObject(value) || typeof value['$id'] === 'string') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => {
        const here = `${path}/${escapeToken(key)}`;
        const refers = REFERENCES.includes(key) && typeof member === 'string';
        return [key, refers ? this.#refer(member, here) : this.rewrite(member, here)];
      }),
    );
  }

  #refer(reference: string, path: string): string {
    if (!reference.startsWith('#')) {
      throw new DocumentError(
        path,
        `${reference} leads out of the document, and nothing is fetched`,
      );
    }
    const known = this.#names.get(reference);
    if (known !== undefined) return `#/$defs/${escapeToken(known)}`;
    const target = resolve(this.#document, reference);
    if (target === undefined) throw new DocumentError(path, `${reference} leads nowhere`);
    if (this.#names.size === DEFINITIONS_MAX) {
      throw new DocumentError(path, `it needs more than ${DEFINITIONS_MAX} definitions`);
    }
    const name = this.#nameOf(reference);
    this.#names.set(reference, name);
    this.definitions.set(name, true);
    this.definitions.set(name, this.rewrite(target, reference.slice(1)));
    return `#/$defs/${escapeToken(name)}`;
  }

  #nameOf(reference: string): string {
    const last = unescapeToken(reference.split('/').at(-1) ?? '') || 'root';
    for (let n = 1; ; n++) {
      const name = n === 1 ? last : `${last}_${n}`;
      if (!this.definitions.has(name)) return name;
    }
  }
}

/** What a `#/a/b` or `#` points at; undefined = nothing. */
export function resolve(document: JsonObject, reference: string): unknown {
  let at: unknown = document;
  for (const token of reference.split('/').slice(1)) {
    const key = unescapeToken(token);
    if (Array.isArray(at)) at = at[Number(key)];
    else if (isObject(at) && Object.hasOwn(at, key)) at = at[key];
    else return undefined;
  }
  return at;
}

export function escapeToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Also from the percent-encoding of a URI fragment. */
function unescapeToken(token: string): string {
  let text = token;
  try {
    text = decodeURIComponent(token);
  } catch {
    // Not percent-encoded: taken as it stands.
  }
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** A schema of the catalogue as a part of a document: its references must not be the document's. */
export function putIn(schema: JsonObject | null, name: string): JsonObject {
  if (schema === null) return {};
  if (typeof schema['$id'] === 'string') return schema;
  const standsAlone = schema['$schema'] !== undefined || refers(schema);
  return standsAlone ? { $id: URN + encodeURIComponent(name), ...schema } : schema;
}

/** The inverse of `putIn`; a schema that allows everything is none. */
export function takeOut(schema: JsonObject): JsonObject | null {
  const { $id, ...rest } = schema;
  const own = typeof $id === 'string' && $id.startsWith(URN) ? rest : schema;
  return Object.keys(own).length === 0 ? null : own;
}

function refers(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(refers);
  if (!isObject(value)) return false;
  return Object.entries(value).some(([key, member]) => REFERENCES.includes(key) || refers(member));
}
