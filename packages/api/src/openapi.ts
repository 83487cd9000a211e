import { z } from 'zod';
import { type ErrorCode, Problem } from './errors.ts';
import { PROBLEM_MEDIA_TYPE } from './media-types.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations.ts';
import { PROBLEM_STATUS, problemCodes } from './problems.ts';

/** JSON as OpenAPI and JSON Schema 2020-12 use it. */
export type Json = { [key: string]: unknown };

export interface OpenApiInfo {
  readonly version: string;
  readonly serverUrl?: string;
}

/**
 * The contract as an OpenAPI 3.1 document. Requests are described as they may be sent (defaults are
 * optional), answers as they are given; schemas with an id become components.
 */
export function openApiDocument(info: OpenApiInfo): Json {
  const components = new Components();
  const paths: Record<string, Json> = {};
  for (const [id, operation] of Object.entries<Operation>(operations)) {
    paths[operation.path] ??= {};
    const path = paths[operation.path] as Json;
    path[operation.method.toLowerCase()] = describe(id, operation, components);
  }
  const tags = new Set(Object.values<Operation>(operations).map((operation) => operation.tag));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Posthorn',
      version: info.version,
      description: 'Events in, signed webhooks out, nothing lost.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: info.serverUrl ?? '/' }],
    tags: [...tags].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key, `phk_…`.' },
      },
      schemas: components.sorted(),
    },
  };
}

function describe(id: string, operation: Operation, components: Components): Json {
  const open = operation.scope === 'public';
  return {
    operationId: id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    security: open ? [] : [{ key: [] }],
    ...(open ? {} : { 'x-posthorn-scope': operation.scope }),
    parameters: parameters(id, operation, components),
    ...(operation.body ? { requestBody: requestBody(operation.body, components) } : {}),
    responses: responses(operation, components),
  };
}

function requestBody(body: z.ZodType, components: Components): Json {
  return {
    required: !body.safeParse(undefined).success,
    content: { 'application/json': { schema: components.schema(body, 'input') } },
  };
}

function parameters(id: string, operation: Operation, components: Components): Json[] {
  const list: Json[] = [];
  const places = [
    ['path', operation.params],
    ['query', operation.query],
  ] as const;
  for (const [place, object] of places) {
    for (const [name, type] of Object.entries(object.shape)) {
      const schema = components.schema(type as z.ZodType, 'input');
      const required = place === 'path';
      list.push({ name, in: place, required, schema });
    }
  }
  if (id === 'publishEvents') {
    const schema = { type: 'string', minLength: 1, maxLength: 256 };
    const description = 'The same as `id` of a single event.';
    list.push({ name: 'Idempotency-Key', in: 'header', required: false, description, schema });
  }
  return list;
}

function responses(operation: Operation, components: Components): Json {
  const answers: Record<string, Json> = {};
  for (const [status, spec] of Object.entries(operation.responses)) {
    const content = spec.body && {
      [spec.contentType ?? 'application/json']: { schema: components.schema(spec.body, 'output') },
    };
    answers[status] = { description: spec.description, ...(content ? { content } : {}) };
  }
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of problemCodes(operation)) {
    const status = PROBLEM_STATUS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const problem = { [PROBLEM_MEDIA_TYPE]: { schema: components.schema(Problem, 'output') } };
  for (const [status, codes] of byStatus) {
    const here = answers[status];
    if (here) here['content'] = { ...(here['content'] as Json), ...problem };
    else answers[status] = { description: `Problem: ${codes.join(', ')}.`, content: problem };
  }
  return answers;
}

/** Named schemas, each once. */
class Components {
  readonly #schemas = new Map<string, string>();

  /** The JSON Schema of a type, with references to components; throws when one id means two things. */
  schema(type: z.ZodType, io: 'input' | 'output'): unknown {
    // As a member, so that a type with an id is a reference and not the document itself.
    const document = z.toJSONSchema(z.strictObject({ it: type }), {
      io,
      override: simplify,
    }) as Json;
    const text = JSON.stringify(document).replaceAll('"#/$defs/', '"#/components/schemas/');
    const { properties, $defs } = JSON.parse(text) as { properties: Json; $defs?: Json };
    for (const [id, schema] of Object.entries($defs ?? {})) this.#add(id, schema);
    return properties['it'];
  }

  #add(id: string, schema: unknown): void {
    const text = JSON.stringify(schema);
    const known = this.#schemas.get(id);
    if (known !== undefined && known !== text) throw new Error(`two schemas are named ${id}`);
    this.#schemas.set(id, text);
  }

  sorted(): Json {
    const ids = [...this.#schemas.keys()].sort();
    return Object.fromEntries(ids.map((id) => [id, JSON.parse(this.#schemas.get(id) as string)]));
  }
}

/** `format: date-time` says it; zod's pattern for it is 300 characters long. */
function simplify({ jsonSchema }: { jsonSchema: Json }): void {
  if (jsonSchema['format'] === 'date-time') delete jsonSchema['pattern'];
}
