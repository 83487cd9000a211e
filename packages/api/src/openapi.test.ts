import { expect, test } from 'vitest';
import type { Json } from './openapi.ts';
import { openApiDocument } from './openapi.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations.ts';

const document = openApiDocument({ version: '1.2.3' });
const all = Object.entries<Operation>(operations);

/** Every object of a JSON value. */
function* objects(value: unknown): Generator<Json> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Json;
  for (const member of Object.values(value)) yield* objects(member);
}

test('every operation is described once, under its id', () => {
  const ids = [...objects(document['paths'])].flatMap((o) => o['operationId'] ?? []);
  expect(ids.sort()).toEqual(all.map(([id]) => id).sort());
});

test('every reference leads somewhere', () => {
  const { schemas } = document['components'] as { schemas: Json };
  const names = [...objects(document)].flatMap((o) => o['$ref'] ?? []);
  expect(names.length).toBeGreaterThan(50);
  for (const name of names) expect(schemas).toHaveProperty([String(name).split('/').at(-1) ?? '']);
});

test('requests show defaults as optional, answers as given', () => {
  const { schemas } = document['components'] as { schemas: Record<string, Json> };
  expect(schemas['EndpointCreate']?.['required']).toEqual(['url']);
  expect(schemas['Endpoint']?.['required']).toContain('enabled');
  expect(schemas['Endpoint']?.['properties']).not.toHaveProperty('secret');
});

test('every request refuses unknown fields and bounds its texts and arrays', () => {
  const requests = Object.values(document['paths'] as Record<string, Json>).flatMap((path) =>
    [...objects(path)].flatMap((o) => [o['requestBody'], o['parameters']].filter(Boolean)),
  );
  const { schemas } = document['components'] as { schemas: Json };
  const named = ['EndpointCreate', 'EndpointPatch', 'TenantInput', 'KeyCreate', 'RotateSecret'];
  for (const place of [...requests, ...named.map((name) => schemas[name])]) {
    for (const schema of objects(place)) {
      if (schema['properties']) expect(schema['additionalProperties']).toBe(false);
      if (schema['type'] === 'array') expect(schema).toHaveProperty('maxItems');
      const bounded = ['maxLength', 'pattern', 'enum', 'const'].some((key) => key in schema);
      if (schema['type'] === 'string') expect([schema, bounded]).toEqual([schema, true]);
    }
  }
});

test('paths name exactly their parameters, and nothing is named twice in one call', () => {
  for (const [, operation] of all) {
    const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    expect(Object.keys(operation.params.shape)).toEqual(names);
    const query = Object.keys(operation.query.shape);
    expect(query.filter((name) => names.includes(name) || name === 'body')).toEqual([]);
  }
});

test('dates are a format, not a page of regular expression', () => {
  expect(JSON.stringify(document)).not.toContain('02-29');
});
