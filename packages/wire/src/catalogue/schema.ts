import type { JsonObject } from './preset.ts';

/** JSON Schema in short, for the payloads of the presets. */

export const text: JsonObject = { type: 'string' };
export const uuid: JsonObject = { type: 'string', format: 'uuid' };
export const time: JsonObject = { type: 'string', format: 'date-time' };
/** Milliseconds since the Unix epoch. */
export const ms: JsonObject = { type: 'integer' };
export const integer: JsonObject = { type: 'integer' };
export const flag: JsonObject = { type: 'boolean' };
export const anyObject: JsonObject = { type: 'object' };

export function nullable(schema: JsonObject): JsonObject {
  return { ...schema, type: [schema['type'], 'null'] };
}

export function list(items: JsonObject): JsonObject {
  return { type: 'array', items };
}

/** All of these members are there; a later version may send more. */
export function object(properties: JsonObject, optional: readonly string[] = []): JsonObject {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', required, properties };
}

/**
 * The kinds of values that a sample has, none of them needed: for systems that take any part of a
 * thing as the whole of a request.
 */
export function like(sample: unknown): JsonObject {
  if (Array.isArray(sample)) return sample.length === 0 ? { type: 'array' } : list(like(sample[0]));
  if (typeof sample === 'object' && sample !== null) {
    const members = Object.entries(sample).map(([name, value]) => [name, like(value)]);
    return { type: 'object', properties: Object.fromEntries(members) };
  }
  return { type: typeof sample };
}
