import { isEventType } from '@posthorn/wire';
import { depthOf, type JsonObject } from '../json-schema.ts';
import type { EventSample, EventType } from '../model.ts';
import { cutOut, DocumentError, escapeToken, isObject, putIn, resolve, takeOut } from './bundle.ts';

/**
 * A catalogue as documents that other tools read: OpenAPI 3.1 with `webhooks`, and a JSON Schema with
 * one definition for each type. What is written is read back as the same catalogue.
 */

export type Entry = Pick<
  EventType,
  'name' | 'group' | 'label' | 'description' | 'schema' | 'example' | 'archived'
>;

export interface DocumentInfo {
  readonly title: string;
  /** Changes with the catalogue. */
  readonly version: string;
}

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';
const DEPTH_MAX = 64;
const TIME = '2026-01-31T12:00:00.000Z';
/** What of an example has no place in the formats. */
const REST = 'x-posthorn-example';
const GROUP = 'x-posthorn-group';

// ---- OpenAPI -------------------------------------------------------------------------------------

/** Bodies are those of the dialect `standard`. */
export function toOpenApi(entries: readonly Entry[], { title, version }: DocumentInfo): JsonObject {
  const groups = [...new Set(entries.map(({ group }) => group))].filter((group) => group !== '');
  return {
    openapi: '3.1.0',
    info: { title, version },
    tags: groups.map((name) => ({ name })),
    webhooks: Object.fromEntries(
      entries.map((entry) => [entry.name, { post: operationOf(entry) }]),
    ),
  };
}

function operationOf(entry: Entry): JsonObject {
  const { name, group, label, description, archived, example } = entry;
  return {
    operationId: name,
    ...(label === '' ? {} : { summary: label }),
    ...(description === '' ? {} : { description }),
    ...(group === '' ? {} : { tags: [group] }),
    ...(archived ? { deprecated: true } : {}),
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['type', 'timestamp', 'data'],
            properties: {
              type: { const: name },
              timestamp: { type: 'string', format: 'date-time' },
              data: putIn(entry.schema, name),
            },
          },
          ...(example ? { example: { type: name, timestamp: TIME, data: example.data } } : {}),
        },
      },
    },
    responses: { '2XX': { description: 'Taken. Anything else is tried again.' } },
    ...restOf(example),
  };
}

// ---- JSON Schema ---------------------------------------------------------------------------------

/** Definitions are of `data`. */
export function toJsonSchema(entries: readonly Entry[], { title }: DocumentInfo): JsonObject {
  return {
    $schema: DRAFT,
    title,
    anyOf: entries.map(({ name }) => ({ $ref: `#/$defs/${escapeToken(name)}` })),
    $defs: Object.fromEntries(entries.map((entry) => [entry.name, definitionOf(entry)])),
  };
}

function definitionOf(entry: Entry): JsonObject {
  const { group, label, description, schema, archived, example } = entry;
  return {
    ...(label === '' ? {} : { title: label }),
    ...(description === '' ? {} : { description }),
    ...(group === '' ? {} : { [GROUP]: group }),
    ...(archived ? { deprecated: true } : {}),
    ...(example ? { examples: [example.data] } : {}),
    ...restOf(example),
    ...(schema ? { allOf: [putIn(schema, entry.name)] } : {}),
  };
}

function restOf(example: EventSample | null): JsonObject {
  if (!example) return {};
  const { data: _data, ...rest } = example;
  return Object.keys(rest).length > 0 ? { [REST]: rest } : {};
}

// ---- reading -------------------------------------------------------------------------------------

export interface Reading {
  readonly entries: Entry[];
  /** What could not be read; `path` is a JSON Pointer into the document. */
  readonly problems: { readonly path: string; readonly message: string }[];
}

/** Reads either. A document with problems should not be taken at all. */
export function fromDocument(document: JsonObject): Reading {
  if (depthOf(document, DEPTH_MAX) > DEPTH_MAX) {
    return failed('', `The document is nested deeper than ${DEPTH_MAX} levels.`);
  }
  const webhooks = document['webhooks'] ?? document['x-webhooks'];
  if (isObject(webhooks)) {
    const place = document['webhooks'] ? '/webhooks' : '/x-webhooks';
    return readAll(webhooks, place, (name, item) => fromPathItem(document, name, item));
  }
  for (const place of ['$defs', 'definitions']) {
    const definitions = document[place];
    if (!isObject(definitions)) continue;
    const wanted = named(document, place);
    const some = Object.entries(definitions).filter(([name]) => wanted?.has(name) ?? true);
    return readAll(Object.fromEntries(some), `/${place}`, (name, definition) =>
      fromDefinition(document, { name, definition, path: `/${place}/${escapeToken(name)}` }),
    );
  }
  const message =
    'The document has neither webhooks (OpenAPI 3.1) nor $defs (JSON Schema): nothing in it is an event type.';
  return failed('', message);
}

function failed(path: string, message: string): Reading {
  return { entries: [], problems: [{ path, message }] };
}

function readAll(
  items: JsonObject,
  place: string,
  read: (name: string, item: unknown) => Entry,
): Reading {
  const reading: Reading = { entries: [], problems: [] };
  for (const [name, item] of Object.entries(items)) {
    const path = `${place}/${escapeToken(name)}`;
    if (!isEventType(name)) {
      const message = `${name} is not a type of event: it must match [A-Za-z0-9][A-Za-z0-9._:/-]{0,127}.`;
      reading.problems.push({ path, message });
      continue;
    }
    try {
      reading.entries.push(read(name, item));
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      reading.problems.push({ path: error.path || path, message: `${error.message}.` });
    }
  }
  return reading;
}

/** The definitions that the document itself offers as alternatives; undefined = it offers none. */
function named(document: JsonObject, place: string): Set<string> | undefined {
  const alternatives = document['anyOf'] ?? document['oneOf'];
  if (!Array.isArray(alternatives)) return undefined;
  const prefix = `#/${place}/`;
  const names = alternatives.flatMap((one: unknown) => {
    const reference = isObject(one) ? one['$ref'] : undefined;
    const found = typeof reference === 'string' && reference.startsWith(prefix);
    return found
      ? [reference.slice(prefix.length).replaceAll('~1', '/').replaceAll('~0', '~')]
      : [];
  });
  return new Set(names);
}

const METHODS = ['post', 'put', 'patch', 'get', 'delete', 'head'];

function fromPathItem(document: JsonObject, name: string, given: unknown): Entry {
  const path = `/webhooks/${escapeToken(name)}`;
  const item = follow(document, given, path);
  const method = METHODS.find((one) => isObject(item[one]));
  if (method === undefined) throw new DocumentError(path, `${name} has no operation`);
  const operation = item[method] as JsonObject;
  const here = `${path}/${method}`;
  const media = mediaOf(document, operation, here);
  const whole = isObject(media['schema'])
    ? cutOut(media['schema'], document, `${here}/requestBody`)
    : {};
  const enveloped = dataOf(whole, name);
  const example = exampleOf(media, whole);
  const data = enveloped && isObject(example) && 'data' in example ? example['data'] : example;
  const { summary, description, tags } = operation;
  return {
    name,
    group: cut(Array.isArray(tags) ? tags[0] : undefined, 100),
    label: cut(summary ?? item['summary'], 200),
    description: cut(description ?? item['description'], 4000),
    schema: takeOut(enveloped ?? whole),
    example: sampleOf(data, operation[REST]),
    archived: operation['deprecated'] === true,
  };
}

/** The media type that is JSON, of a body that may be referred to. */
function mediaOf(document: JsonObject, operation: JsonObject, path: string): JsonObject {
  const given = operation['requestBody'];
  if (given === undefined) return {};
  const body = follow(document, given, `${path}/requestBody`);
  const content = isObject(body['content']) ? body['content'] : {};
  const type = Object.keys(content).find((key) => /^application\/([\w.+-]+\+)?json\b/i.test(key));
  const media = type === undefined ? undefined : content[type];
  return isObject(media) ? media : {};
}

/** A `$ref` to another part of the document, one step. */
function follow(document: JsonObject, value: unknown, path: string): JsonObject {
  const reference = isObject(value) ? value['$ref'] : undefined;
  const found = typeof reference === 'string' ? resolve(document, reference) : value;
  if (isObject(found)) return found;
  throw new DocumentError(
    path,
    typeof reference === 'string' ? `${reference} leads nowhere` : 'it is not an object',
  );
}

/** What lies in the envelope of the dialect `standard`, if it is that: the rest of it is ours. */
function dataOf(schema: JsonObject, name: string): JsonObject | undefined {
  const properties = schema['properties'];
  if (!isObject(properties)) return undefined;
  const { type, timestamp, data, ...others } = properties;
  const ours = isObject(type) && type['const'] === name && isObject(timestamp) && isObject(data);
  if (!ours || Object.keys(others).length > 0) return undefined;
  const definitions = schema['$defs'];
  return isObject(definitions) ? { ...data, $defs: definitions } : data;
}

function exampleOf(media: JsonObject, schema: JsonObject): unknown {
  if ('example' in media) return media['example'];
  const examples = media['examples'];
  if (isObject(examples)) {
    const [first] = Object.values(examples);
    if (isObject(first) && 'value' in first) return first['value'];
  }
  const inSchema = schema['examples'];
  return Array.isArray(inSchema) ? inSchema[0] : schema['example'];
}

function fromDefinition(
  document: JsonObject,
  { name, definition, path }: { name: string; definition: unknown; path: string },
): Entry {
  if (!isObject(definition)) throw new DocumentError(path, `${name} is not an object`);
  const whole = cutOut(definition, document, path);
  const {
    title,
    description,
    deprecated,
    examples,
    [GROUP]: group,
    [REST]: rest,
    ...schema
  } = whole;
  const [only, ...more] = Array.isArray(schema['allOf']) ? schema['allOf'] : [];
  const wrapped = isObject(only) && more.length === 0 && Object.keys(schema).length === 1;
  const example: unknown = Array.isArray(examples) ? examples[0] : undefined;
  return {
    name,
    group: cut(group, 100),
    label: cut(title, 200),
    description: cut(description, 4000),
    schema: takeOut(wrapped ? only : schema),
    example: sampleOf(example, rest),
    archived: deprecated === true,
  };
}

function sampleOf(data: unknown, rest: unknown): EventSample | null {
  if (data === undefined) return null;
  const { subject, actor, context } = isObject(rest) ? rest : {};
  return {
    data,
    ...(typeof subject === 'string' ? { subject } : {}),
    ...(isObject(actor) ? { actor } : {}),
    ...(isObject(context) ? { context } : {}),
  };
}

function cut(text: unknown, charsMax: number): string {
  return typeof text === 'string' ? text.slice(0, charsMax) : '';
}
