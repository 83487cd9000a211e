import { expect, test } from 'vitest';
import { SchemaCompiler } from '../json-schema.ts';
import { type Entry, fromDocument, toJsonSchema, toOpenApi } from './documents.ts';

const INFO = { title: 'Shop', version: '7' };

const PLAIN: Entry = {
  name: 'user.created',
  group: 'Users',
  label: 'User created',
  description: 'Somebody signed up.',
  schema: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
  example: { data: { id: 'u_1' }, subject: 'u_1', actor: { name: 'alice' } },
  archived: false,
};
const BARE: Entry = {
  name: 'mfa/setup/verify',
  group: '',
  label: '',
  description: '',
  schema: null,
  example: null,
  archived: true,
};
const TREE: Entry = {
  ...BARE,
  name: 'tree.grown',
  schema: {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A tree',
    allOf: [{ $ref: '#/definitions/node' }],
    definitions: {
      node: { type: 'object', properties: { child: { $ref: '#/definitions/node' } } },
    },
  },
  example: { data: null },
};
const ENTRIES = [PLAIN, BARE, TREE];

test.each([
  ['OpenAPI', toOpenApi(ENTRIES, INFO)],
  ['JSON Schema', toJsonSchema(ENTRIES, INFO)],
])('%s: what is written is read back as the same catalogue', (_, document) => {
  const plain = JSON.parse(JSON.stringify(document));
  expect(fromDocument(plain)).toEqual({ entries: ENTRIES, problems: [] });
});

test('the OpenAPI document describes the body that the dialect standard sends', () => {
  const document = toOpenApi([PLAIN], INFO);
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { title: 'Shop', version: '7' },
    tags: [{ name: 'Users' }],
  });
  const { post } = (document['webhooks'] as Record<string, { post: object }>)['user.created'] ?? {};
  expect(post).toMatchObject({
    operationId: 'user.created',
    summary: 'User created',
    tags: ['Users'],
    requestBody: {
      content: {
        'application/json': {
          schema: { properties: { type: { const: 'user.created' }, data: PLAIN.schema } },
          example: { type: 'user.created', data: { id: 'u_1' } },
        },
      },
    },
  });
});

test('definitions of the JSON Schema can be applied as they stand in it', () => {
  const document = toJsonSchema(ENTRIES, INFO);
  const { check } = new SchemaCompiler().compile({
    ...document,
    anyOf: [{ $ref: '#/$defs/tree.grown' }],
  });
  expect(check({ child: { child: {} } })).toEqual([]);
  expect(check({ child: { child: 1 } })).not.toEqual([]);
});

/** As others write it: bodies by reference, shared components, no envelope. */
const FOREIGN = {
  openapi: '3.1.0',
  webhooks: {
    'order.paid': { $ref: '#/components/pathItems/order' },
    'user.joined': {
      post: {
        summary: 'Joined',
        requestBody: {
          content: {
            'application/vnd.x+json': {
              schema: { $ref: '#/components/schemas/User' },
              examples: { one: { value: { id: 1 } } },
            },
          },
        },
      },
    },
  },
  components: {
    pathItems: { order: { post: { requestBody: { $ref: '#/components/requestBodies/order' } } } },
    requestBodies: {
      order: {
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: { by: { $ref: '#/components/schemas/User' }, example: true },
              example: { by: { id: 2 } },
            },
          },
        },
      },
    },
    schemas: {
      User: {
        type: 'object',
        properties: { id: { type: 'integer' }, boss: { $ref: '#/components/schemas/User' } },
      },
    },
  },
};

test('a foreign OpenAPI document: each type stands alone with what it refers to', () => {
  const { entries, problems } = fromDocument(FOREIGN);
  expect(problems).toEqual([]);
  const user = {
    type: 'object',
    properties: { id: { type: 'integer' }, boss: { $ref: '#/$defs/User' } },
  };
  expect(entries).toMatchObject([
    {
      name: 'order.paid',
      schema: { properties: { by: { $ref: '#/$defs/User' } }, $defs: { User: user } },
      example: { data: { by: { id: 2 } } },
    },
    {
      name: 'user.joined',
      label: 'Joined',
      schema: { $ref: '#/$defs/User', $defs: { User: user } },
      example: { data: { id: 1 } },
    },
  ]);
  const [, joined] = entries;
  const { check } = new SchemaCompiler().compile(joined?.schema ?? {});
  expect(check({ id: 1, boss: { id: 'x' } })).toMatchObject([{ path: '/boss/id' }]);
});

test('a foreign JSON Schema: what it offers as alternatives are the types, the rest is shared', () => {
  const document = {
    definitions: {
      'user.created': { properties: { user: { $ref: '#/definitions/User' } } },
      User: { type: 'object' },
    },
    oneOf: [{ $ref: '#/definitions/user.created' }],
  };
  expect(fromDocument(document)).toMatchObject({
    entries: [
      {
        name: 'user.created',
        schema: {
          properties: { user: { $ref: '#/$defs/User' } },
          $defs: { User: { type: 'object' } },
        },
      },
    ],
    problems: [],
  });
});

test('problems name their place, and the rest is still read', () => {
  const post = (schema: object) => ({
    post: { requestBody: { content: { 'application/json': { schema } } } },
  });
  const webhooks = {
    'not a type': post({}),
    'a.remote': post({ properties: { x: { $ref: 'https://example.com/x.json' } } }),
    'a.lost': post({ $ref: '#/components/schemas/Lost' }),
    'a.empty': {},
    'a.good': post({}),
  };
  const { entries, problems } = fromDocument({ webhooks });
  expect(entries.map(({ name }) => name)).toEqual(['a.good']);
  expect(problems).toMatchObject([
    { path: '/webhooks/not a type' },
    { path: '/webhooks/a.remote/post/requestBody/properties/x/$ref' },
    { path: '/webhooks/a.lost/post/requestBody/$ref' },
    { path: '/webhooks/a.empty' },
  ]);
});

test('a document that is neither says what is looked for', () => {
  expect(fromDocument({ openapi: '3.1.0', paths: {} }).problems[0]?.message).toMatch(
    /neither webhooks .* nor \$defs/,
  );
  let deep: object = {};
  for (let i = 0; i < 10_000; i++) deep = { deep };
  expect(fromDocument({ webhooks: deep }).problems[0]?.message).toMatch(/deeper than 64/);
});

test('definitions that multiply are bounded', () => {
  const schemas: Record<string, object> = {};
  for (let i = 0; i < 1000; i++) schemas[`S${i}`] = { $ref: `#/components/schemas/S${i + 1}` };
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/S0' } } };
  const webhooks = { 'a.b': { post: { requestBody: { content } } } };
  const { problems } = fromDocument({ webhooks, components: { schemas } });
  expect(problems).toMatchObject([{ message: 'it needs more than 300 definitions.' }]);
});
