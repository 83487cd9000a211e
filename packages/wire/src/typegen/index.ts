import { type JsonSchema, jsonSchema, resolveRef } from '../json-schema.ts';

/**
 * TypeScript types from a catalogue: an OpenAPI document with webhooks, or a JSON Schema with one
 * definition for each event type. Posthorn exports both.
 */

type Schema = Readonly<Record<string, unknown>>;

export interface TypegenOptions {
  /** Where the document came from, for the first line. */
  readonly from?: string | undefined;
  /** Adds the schemas and a catalogue of them, so that payloads are checked when they arrive. */
  readonly schemas?: boolean | undefined;
}

/** A document that is no catalogue. */
export class TypegenError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TypegenError';
  }
}

interface EventSchema {
  readonly type: string;
  readonly description: string;
  readonly schema: unknown;
}

const DEPTH_MAX = 64;

/**
 * A module with one interface for each payload, and `Events` that maps types to them.
 *
 * @example createReceiver<Events>({ … }).on('user.created', ({ payload }) => payload.id)
 */
export function generateTypes(document: unknown, options: TypegenOptions = {}): string {
  const events = eventsOf(document);
  const writer = new Writer(document);
  for (const { type, schema, description } of events) writer.event(type, schema, description);
  const source = options.from === undefined ? '' : ` from ${oneLine(options.from)}`;
  const head = [
    `// Written by \`posthorn types\`${source}: run it again instead of editing.`,
    ...(options.schemas === true
      ? [
          "import type { Catalogue } from '@posthorn/wire';",
          "import { jsonSchema } from '@posthorn/wire/json-schema';",
        ]
      : []),
    '',
  ];
  const catalogue = options.schemas === true ? catalogueOf(events, writer, document) : [];
  return [...head, ...writer.lines(), ...catalogue].join('\n');
}

function eventsOf(document: unknown): EventSchema[] {
  if (!isObject(document)) throw new TypegenError('the document is not a JSON object');
  const webhooks = document['webhooks'] ?? document['x-webhooks'];
  if (isObject(webhooks)) {
    return Object.entries(webhooks).map(([type, item]) => webhookOf(document, type, item));
  }
  const place = ['$defs', 'definitions'].find((name) => isObject(document[name]));
  if (place === undefined) {
    const looked = 'webhooks (OpenAPI 3.1) or $defs (JSON Schema)';
    throw new TypegenError(`the document has no ${looked}: it is no catalogue of event types`);
  }
  const definitions = document[place] as Schema;
  const wanted = alternatives(document, place);
  return Object.entries(definitions)
    .filter(([name]) => wanted === undefined || wanted.has(name))
    .map(([type, schema]) => ({ type, schema, description: descriptionOf(schema) }));
}

/** The definitions that are events, if the root says which: others only help to describe them. */
function alternatives(document: Schema, place: string): ReadonlySet<string> | undefined {
  const list = document['anyOf'] ?? document['oneOf'];
  if (!Array.isArray(list)) return undefined;
  const prefix = `#/${place}/`;
  const names = list.flatMap((one: unknown) => {
    const ref = isObject(one) ? one['$ref'] : undefined;
    return typeof ref === 'string' && ref.startsWith(prefix)
      ? [ref.slice(prefix.length).replaceAll('~1', '/').replaceAll('~0', '~')]
      : [];
  });
  return names.length === 0 ? undefined : new Set(names);
}

function webhookOf(document: Schema, type: string, item: unknown): EventSchema {
  const path = resolved(document, item);
  const operation = Object.values(path).find((one) => isObject(one) && 'requestBody' in one);
  if (!isObject(operation)) return { type, schema: true, description: '' };
  const { content } = resolved(document, operation['requestBody']);
  const media = isObject(content)
    ? (content['application/json'] ?? Object.values(content)[0])
    : undefined;
  const schema = isObject(media) ? media['schema'] : true;
  const about = [operation['summary'], operation['description']].filter(
    (text): text is string => typeof text === 'string',
  );
  const payload = payloadOf(resolved(document, schema)) ?? schema ?? true;
  return { type, schema: payload, description: about.join('\n\n') };
}

/** Of our envelope only `data` reaches the handler as payload. */
function payloadOf(schema: Schema): unknown {
  const properties = schema['properties'];
  if (!isObject(properties) || !('data' in properties) || !('type' in properties)) return undefined;
  return properties['data'];
}

function resolved(document: Schema, value: unknown): Schema {
  let at = value;
  for (let i = 0; i < DEPTH_MAX && isObject(at) && typeof at['$ref'] === 'string'; i += 1) {
    at = resolveRef(document, at['$ref']);
  }
  return isObject(at) ? at : {};
}

/** Names types as it meets them; a `$ref` becomes a type of its own, so recursion ends. */
class Writer {
  readonly #document: unknown;
  readonly #taken = new Set<string>(['Events']);
  readonly #refs = new Map<string, string>();
  readonly #declarations: string[] = [];
  readonly #events: { readonly type: string; readonly name: string }[] = [];

  constructor(document: unknown) {
    this.#document = document;
  }

  event(type: string, schema: unknown, description: string): void {
    const name = this.#name(type);
    this.#declare(name, schema, description === '' ? descriptionOf(schema) : description);
    this.#events.push({ type, name });
  }

  nameOf(type: string): string {
    return this.#events.find((one) => one.type === type)?.name ?? 'unknown';
  }

  lines(): string[] {
    const map = this.#events.map(({ type, name }) => `  ${JSON.stringify(type)}: ${name};`);
    return [
      ...this.#declarations,
      '/** Event types and their payloads. */',
      'export interface Events {',
      ...map,
      '}',
      '',
    ];
  }

  #declare(name: string, schema: unknown, description: string): void {
    const place = this.#declarations.push('') - 1;
    const body = this.#type(schema, 0);
    const doc = comment(description, '');
    // Only a plain object can be an interface, which editors show by name.
    const plain = body.startsWith('{') && body.endsWith('}') && !isCompound(body);
    const declaration = plain
      ? `export interface ${name} ${body}\n`
      : `export type ${name} = ${body};\n`;
    this.#declarations[place] = `${doc}${declaration}`;
  }

  #type(schema: unknown, depth: number): string {
    if (schema === false) return 'never';
    if (!isObject(schema) || depth > DEPTH_MAX) return 'unknown';
    const ref = schema['$ref'];
    if (typeof ref === 'string') return this.#ref(ref);
    if ('const' in schema) return literal(schema['const']);
    if (Array.isArray(schema['enum'])) return union(schema['enum'].map(literal));
    const parts = this.#parts(schema, depth);
    const type = parts.length === 0 ? 'unknown' : intersection(parts);
    return schema['nullable'] === true ? union([type, 'null']) : type;
  }

  #parts(schema: Schema, depth: number): string[] {
    const parts: string[] = [];
    const own = this.#ownType(schema, depth);
    if (own !== undefined) parts.push(own);
    for (const keyword of ['anyOf', 'oneOf']) {
      const list = schema[keyword];
      if (Array.isArray(list)) parts.push(union(list.map((one) => this.#type(one, depth + 1))));
    }
    const all = schema['allOf'];
    if (Array.isArray(all)) parts.push(...all.map((one) => this.#type(one, depth + 1)));
    return parts.filter((part) => part !== 'unknown');
  }

  #ownType(schema: Schema, depth: number): string | undefined {
    const { type } = schema;
    if (Array.isArray(type)) {
      return union(type.map((one) => this.#ownType({ ...schema, type: one }, depth) ?? 'unknown'));
    }
    if (type === 'string') return 'string';
    if (type === 'number' || type === 'integer') return 'number';
    if (type === 'boolean') return 'boolean';
    if (type === 'null') return 'null';
    if (type === 'array' || 'items' in schema || 'prefixItems' in schema) {
      return this.#array(schema, depth);
    }
    if (type === 'object' || 'properties' in schema || 'additionalProperties' in schema) {
      return this.#object(schema, depth);
    }
    return undefined;
  }

  #array(schema: Schema, depth: number): string {
    const { items, prefixItems } = schema;
    const rest = items === undefined ? 'unknown' : this.#type(items, depth + 1);
    if (Array.isArray(prefixItems)) {
      const first = prefixItems.map((one) => this.#type(one, depth + 1));
      return items === false
        ? `[${first.join(', ')}]`
        : `[${first.join(', ')}, ...${group(rest)}[]]`;
    }
    return `${group(rest)}[]`;
  }

  #object(schema: Schema, depth: number): string {
    const properties = isObject(schema['properties']) ? schema['properties'] : {};
    const required = new Set(Array.isArray(schema['required']) ? schema['required'] : []);
    const members = Object.entries(properties).map(([name, sub]) => {
      const doc = comment(descriptionOf(sub), '  ');
      const type = indent(this.#type(sub, depth + 1));
      return `${doc}  ${propertyName(name)}${required.has(name) ? '' : '?'}: ${type};\n`;
    });
    const rest = schema['additionalProperties'] ?? (members.length === 0 ? true : undefined);
    const index = this.#index(schema, rest, depth);
    if (members.length === 0) return index ?? 'Record<string, never>';
    const object = `{\n${members.join('')}}`;
    return index === undefined ? object : intersection([object, index]);
  }

  /** Members without a name of their own. */
  #index(schema: Schema, rest: unknown, depth: number): string | undefined {
    const patterns = isObject(schema['patternProperties'])
      ? Object.values(schema['patternProperties'])
      : [];
    const open = isObject(rest) || (rest === true && !isObject(schema['properties']));
    const kinds = [...patterns, ...(open ? [rest] : [])];
    if (kinds.length === 0) return undefined;
    return `Record<string, ${union(kinds.map((one) => this.#type(one, depth + 1)))}>`;
  }

  #ref(ref: string): string {
    const known = this.#refs.get(ref);
    if (known !== undefined) return known;
    const name = this.#name(ref.split('/').at(-1) ?? 'Root');
    this.#refs.set(ref, name);
    const target = resolveRef(this.#document, ref);
    this.#declare(name, target, descriptionOf(target));
    return name;
  }

  /** `user.created` -> `UserCreated`; a second one of that name gets a number. */
  #name(text: string): string {
    const words = text.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
    const joined = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
    const base = /^[A-Za-z]/.test(joined) ? joined : `Event${joined}`;
    let name = base;
    for (let n = 2; this.#taken.has(name); n += 1) name = `${base}${n}`;
    this.#taken.add(name);
    return name;
  }
}

/** The schemas themselves; what they refer to comes along. */
function catalogueOf(events: readonly EventSchema[], writer: Writer, document: unknown): string[] {
  const { $defs, definitions, components } = isObject(document) ? document : {};
  const shared = Object.entries({ $defs, definitions, components }).filter(
    ([name, value]) => value !== undefined && JSON.stringify(document).includes(`"#/${name}/`),
  );
  const list = events.map(({ type, schema }) => {
    const own = isObject(schema) ? { ...schema, ...Object.fromEntries(shared) } : schema;
    const text = isObject(own) && JSON.stringify(schema).includes('"$ref"') ? own : schema;
    assertUsable(type, text);
    const json = JSON.stringify(text, null, 2).replaceAll('\n', '\n    ');
    return `    ${JSON.stringify(type)}: jsonSchema<${writer.nameOf(type)}>(${json}),`;
  });
  return [
    '/** Give it to `createReceiver` as `events`: payloads are then checked when they arrive. */',
    'export const events: Catalogue<Events> = {',
    '  schemas: {',
    ...list,
    '  },',
    '};',
    '',
  ];
}

/** A module that throws when it is loaded is worth less than an error now. */
function assertUsable(type: string, schema: unknown): void {
  try {
    jsonSchema(schema as JsonSchema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TypegenError(`the schema of ${type} cannot be checked at run time: ${reason}`);
  }
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function descriptionOf(schema: unknown): string {
  if (!isObject(schema)) return '';
  const texts = [schema['title'], schema['description']].filter(
    (text): text is string => typeof text === 'string' && text !== '',
  );
  return texts.join('\n\n');
}

/** A comment that no description can end. */
function comment(text: string, margin: string): string {
  if (text === '') return '';
  const lines = text.replaceAll('*/', '*\\/').split(/\r\n|\r|\n|\u2028|\u2029/);
  if (lines.length === 1) return `${margin}/** ${lines[0]} */\n`;
  const body = lines.map((line) => `${margin} *${line === '' ? '' : ` ${line}`}`).join('\n');
  return `${margin}/**\n${body}\n${margin} */\n`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n\u2028\u2029]/g, ' ');
}

function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function literal(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    return Array.isArray(value)
      ? `[${value.map(literal).join(', ')}]`
      : `{ ${Object.entries(value)
          .map(([name, one]) => `${propertyName(name)}: ${literal(one)}`)
          .join('; ')} }`;
  }
  return value === undefined ? 'undefined' : JSON.stringify(value);
}

function union(types: readonly string[]): string {
  const unique = [...new Set(types)];
  if (unique.includes('unknown') || unique.length === 0) return 'unknown';
  return unique.length === 1 ? (unique[0] as string) : unique.map(group).join(' | ');
}

function intersection(types: readonly string[]): string {
  const unique = [...new Set(types)];
  return unique.length === 1 ? (unique[0] as string) : unique.map(group).join(' & ');
}

/** In brackets where it would read differently as a part of another type. */
function group(type: string): string {
  return isCompound(type) ? `(${type})` : type;
}

/** Whether `|` or `&` stands outside of all brackets and texts. */
function isCompound(type: string): boolean {
  let depth = 0;
  for (let i = 0; i < type.length; i += 1) {
    const char = type.charAt(i);
    if (char === '"') i = endOfText(type, i);
    else if ('{[(<'.includes(char)) depth += 1;
    else if ('}])>'.includes(char)) depth -= 1;
    else if (depth === 0 && (char === '|' || char === '&')) return true;
  }
  return false;
}

function endOfText(type: string, start: number): number {
  let at = start + 1;
  while (at < type.length && type[at] !== '"') at += type[at] === '\\' ? 2 : 1;
  return at;
}

function indent(type: string): string {
  return type.replaceAll('\n', '\n  ');
}
