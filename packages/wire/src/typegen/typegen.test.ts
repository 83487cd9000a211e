import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { generateTypes, TypegenError } from './index.ts';

const user = {
  type: 'object',
  description: 'Who it is about.',
  required: ['id'],
  properties: {
    id: { type: 'string' },
    'full name': { type: ['string', 'null'], description: 'Ends */ nothing' },
    tags: { type: 'array', items: { enum: ['a', 'b'] } },
    parent: { $ref: '#/$defs/user' },
    extra: { type: 'object', additionalProperties: { type: 'number' } },
  },
};

const jsonSchema = {
  anyOf: [{ $ref: '#/$defs/user.created' }, { $ref: '#/$defs/mfa~1setup' }],
  $defs: {
    user,
    'user.created': { title: 'User created', allOf: [{ $ref: '#/$defs/user' }] },
    'mfa/setup': { anyOf: [{ const: 'on' }, { type: 'null' }] },
  },
};

const openApi = {
  openapi: '3.1.0',
  components: { schemas: { User: user } },
  webhooks: {
    'user.created': {
      post: {
        summary: 'User created',
        requestBody: {
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: {
                  type: { const: 'user.created' },
                  timestamp: { type: 'string' },
                  data: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } },
                },
              },
            },
          },
        },
      },
    },
    'foreign.event': {
      post: {
        requestBody: {
          content: { 'application/json': { schema: { type: 'object', properties: { x: {} } } } },
        },
      },
    },
    'no.body': { post: {} },
  },
};

describe('a JSON Schema', () => {
  test('gives one type for each event, and one for what they refer to', () => {
    expect(generateTypes(jsonSchema, { from: 'catalogue.json' })).toBe(
      [
        '// Written by `posthorn types` from catalogue.json: run it again instead of editing.',
        '',
        '/** User created */',
        'export type UserCreated = User;',
        '',
        '/** Who it is about. */',
        'export interface User {',
        '  id: string;',
        '  /** Ends *\\/ nothing */',
        '  "full name"?: string | null;',
        '  tags?: ("a" | "b")[];',
        '  parent?: User;',
        '  extra?: Record<string, number>;',
        '}',
        '',
        'export type MfaSetup = "on" | null;',
        '',
        '/** Event types and their payloads. */',
        'export interface Events {',
        '  "user.created": UserCreated;',
        '  "mfa/setup": MfaSetup;',
        '}',
        '',
      ].join('\n'),
    );
  });
});

describe('an OpenAPI document', () => {
  test('gives the data of our envelope, and whole bodies of others', () => {
    const text = generateTypes(openApi);
    expect(text).toContain('/** User created */\nexport interface UserCreated {\n  n: number;\n}');
    expect(text).toContain('export interface ForeignEvent {\n  x?: unknown;\n}');
    expect(text).toContain('export type NoBody = unknown;');
  });
});

test('what it writes compiles, strictly, with schemas and hostile names', () => {
  const hostile = {
    $defs: {
      ...jsonSchema.$defs,
      'a"; throw 1; //': { description: '*/ throw 1 /*', type: 'string' },
      Events: { type: 'object', properties: { 'x": 1; "y': { const: 'a"b' } } },
      events: { allOf: [{ type: 'object', properties: { a: true } }, { required: ['a'] }] },
      '123': {
        type: 'array',
        prefixItems: [{ type: 'string' }],
        items: { anyOf: [{ type: 'null' }, { type: 'number' }] },
      },
      empty: { type: 'object', additionalProperties: false },
    },
  };
  const here = dirname(fileURLToPath(import.meta.url));
  // Inside the package, so that its own name resolves.
  const directory = mkdtempSync(join(here, '../../.typegen-'));
  try {
    const file = join(directory, 'events.ts');
    const use = `
const id: string = (null as unknown as Events['user.created']).id;
console.log(id, Object.keys(events.schemas));
`;
    writeFileSync(file, generateTypes(hostile, { schemas: true }) + use);
    const tsc = fileURLToPath(
      new URL('../../../../node_modules/typescript/bin/tsc', import.meta.url),
    );
    const options = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--target',
      'es2023',
      '--lib',
      'es2023',
    ];
    const module = [
      '--module',
      'nodenext',
      '--types',
      'node',
      '--customConditions',
      '@posthorn/source',
    ];
    const imports = ['--allowImportingTsExtensions', '--ignoreConfig'];
    execFileSync(process.execPath, [tsc, ...options, ...module, ...imports, file], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    throw new Error((error as { stdout?: string }).stdout ?? String(error));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.each([
  [7, /not a JSON object/],
  [{}, /no webhooks/],
  [{ $defs: { a: { $ref: '#/$defs/b' } } }, /leads nowhere/],
])('%j is refused', (document, message) => {
  expect(() => generateTypes(document)).toThrow(message);
});

test('a document that is no catalogue is told by a TypegenError', () => {
  expect(() => generateTypes([])).toThrow(TypegenError);
});

test('a schema that cannot be checked at run time is refused with schemas, and typed without', () => {
  const document = { $defs: { a: { type: 'object', contains: true } } };
  expect(generateTypes(document)).toContain('export type A =');
  expect(() => generateTypes(document, { schemas: true })).toThrow(/"contains"/);
});
