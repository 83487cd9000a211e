import type { StandardIssue, StandardSchema } from './catalogue-types.ts';

/**
 * JSON Schema as a Standard Schema, for the keywords that payloads of events are described with. A
 * schema that uses others is refused when it is made, never half applied: give such a one to a full
 * validator and use that as a Standard Schema.
 */

export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

type Issues = StandardIssue[];
type Path = readonly (string | number)[];
type Check = (value: unknown, path: Path, issues: Issues) => void;
type Keyword = (argument: never, schema: SchemaObject, context: Context) => Check;

type SchemaObject = { readonly [keyword: string]: unknown };

interface Context {
  readonly root: SchemaObject;
  /** Of each `$ref`, so that a schema may contain itself. */
  readonly refs: Map<string, Check>;
}

const ISSUES_MAX = 10;
const DEPTH_MAX = 128;

/** They say something to people, and nothing about the value. */
const ANNOTATIONS = new Set([
  '$schema',
  '$id',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'examples',
  'example',
  'default',
  'deprecated',
  'format',
  'readOnly',
  'writeOnly',
  'contentMediaType',
  'contentEncoding',
  // Applied by the keywords they belong to.
  'properties',
  'patternProperties',
]);

/**
 * @example
 * defineEvents({ 'user.created': jsonSchema<User>({ type: 'object', required: ['id'] }) })
 */
export function jsonSchema<T = unknown>(schema: JsonSchema): StandardSchema<unknown, T> {
  const root = typeof schema === 'object' ? schema : {};
  const check = compile(schema, { root, refs: new Map() });
  return {
    '~standard': {
      version: 1,
      vendor: 'posthorn',
      validate: (value) => {
        const issues: Issues = [];
        check(value, [], issues);
        return issues.length === 0
          ? { value: value as T }
          : { issues: issues.slice(0, ISSUES_MAX) };
      },
    },
  };
}

function compile(schema: unknown, context: Context): Check {
  if (schema === true) return () => undefined;
  if (schema === false) return (_, path, issues) => fail(issues, path, 'is not allowed');
  if (!isObject(schema)) throw new TypeError('a JSON Schema is an object or a boolean');
  const checks: Check[] = [];
  for (const [name, argument] of Object.entries(schema)) {
    const keyword = Object.hasOwn(KEYWORDS, name) ? KEYWORDS[name] : undefined;
    if (keyword !== undefined) checks.push(keyword(argument as never, schema, context));
    else if (!ANNOTATIONS.has(name) && !name.startsWith('x-')) throw unsupported(name);
  }
  const bound = objectCheck(schema, context);
  if (bound !== undefined) checks.push(bound);
  return (value, path, issues) => {
    if (issues.length >= ISSUES_MAX) return;
    if (path.length > DEPTH_MAX) return fail(issues, path, 'is nested too deeply');
    for (const check of checks) check(value, path, issues);
  };
}

function unsupported(keyword: string): TypeError {
  return new TypeError(
    `the keyword "${keyword}" of JSON Schema is not known here: use a full validator for this schema`,
  );
}

const KEYWORDS: Readonly<Record<string, Keyword>> = {
  type: (types: string | readonly string[]) => {
    const allowed = typeof types === 'string' ? [types] : types;
    return when(
      (value) => !allowed.some((type) => isOfType(value, type)),
      `must be ${allowed.join(' or ')}`,
    );
  },
  const: (wanted: unknown) =>
    when((value) => !isSame(value, wanted), `must be ${JSON.stringify(wanted)}`),
  enum: (values: readonly unknown[]) =>
    when(
      (value) => !values.some((one) => isSame(one, value)),
      `must be one of ${JSON.stringify(values).slice(0, 200)}`,
    ),
  required: (names: readonly string[]) => (value, path, issues) => {
    if (!isObject(value)) return;
    for (const name of names) {
      if (!Object.hasOwn(value, name)) fail(issues, [...path, name], 'is missing');
    }
  },
  items: (schema: unknown, { prefixItems }, context) => {
    const check = compile(schema, context);
    const from = Array.isArray(prefixItems) ? prefixItems.length : 0;
    return (value, path, issues) => {
      if (!Array.isArray(value)) return;
      for (let i = from; i < value.length; i += 1) check(value[i], [...path, i], issues);
    };
  },
  prefixItems: (schemas: readonly unknown[], _, context) => {
    const checks = schemas.map((schema) => compile(schema, context));
    return (value, path, issues) => {
      if (!Array.isArray(value)) return;
      for (const [i, check] of checks.entries()) {
        if (i < value.length) check(value[i], [...path, i], issues);
      }
    };
  },
  // Handled together with `properties`.
  additionalProperties: () => () => undefined,
  minProperties: (min: number) =>
    sized(isObject, (v) => Object.keys(v).length >= min, `at least ${min} members`),
  maxProperties: (max: number) =>
    sized(isObject, (v) => Object.keys(v).length <= max, `at most ${max} members`),
  minItems: (min: number) => sized(Array.isArray, (v) => v.length >= min, `at least ${min} items`),
  maxItems: (max: number) => sized(Array.isArray, (v) => v.length <= max, `at most ${max} items`),
  uniqueItems: (unique: boolean) =>
    sized(
      Array.isArray,
      (v) => !unique || v.every((one, i) => !v.slice(0, i).some((other) => isSame(one, other))),
      'no item twice',
    ),
  minLength: (min: number) =>
    sized(isText, (v) => [...v].length >= min, `at least ${min} characters`),
  maxLength: (max: number) =>
    sized(isText, (v) => [...v].length <= max, `at most ${max} characters`),
  pattern: (pattern: string) => {
    const expression = new RegExp(pattern, 'u');
    return when((v) => isText(v) && !expression.test(v), `must match ${pattern}`);
  },
  minimum: (min: number) =>
    when((v) => typeof v === 'number' && v < min, `must be at least ${min}`),
  maximum: (max: number) => when((v) => typeof v === 'number' && v > max, `must be at most ${max}`),
  exclusiveMinimum: (min: number) =>
    when((v) => typeof v === 'number' && v <= min, `must be above ${min}`),
  exclusiveMaximum: (max: number) =>
    when((v) => typeof v === 'number' && v >= max, `must be below ${max}`),
  multipleOf: (of: number) =>
    when((v) => typeof v === 'number' && !Number.isInteger(v / of), `must be a multiple of ${of}`),
  allOf: (schemas: readonly unknown[], _, context) => {
    const checks = schemas.map((schema) => compile(schema, context));
    return (value, path, issues) => {
      for (const check of checks) check(value, path, issues);
    };
  },
  anyOf: (schemas: readonly unknown[], _, context) =>
    count(schemas, context, { fits: (n) => n > 0, message: 'fits none of the alternatives' }),
  oneOf: (schemas: readonly unknown[], _, context) =>
    count(schemas, context, { fits: (n) => n === 1, message: 'must fit exactly one alternative' }),
  not: (schema: unknown, _, context) =>
    count([schema], context, { fits: (n) => n === 0, message: 'is of a kind that is not allowed' }),
  $ref: (ref: string, _, context) => {
    const known = context.refs.get(ref);
    if (known !== undefined) return known;
    let check: Check = () => undefined;
    context.refs.set(ref, (value, path, issues) => check(value, path, issues));
    check = compile(resolveRef(context.root, ref), context);
    return check;
  },
};

/** `properties`, `patternProperties` and `additionalProperties` only make sense together. */
function objectCheck(schema: SchemaObject, context: Context): Check | undefined {
  const { properties, patternProperties, additionalProperties } = schema;
  const named = Object.entries((properties ?? {}) as SchemaObject).map(
    ([name, sub]) => [name, compile(sub, context)] as const,
  );
  const patterns = Object.entries((patternProperties ?? {}) as SchemaObject).map(
    ([pattern, sub]) => [new RegExp(pattern, 'u'), compile(sub, context)] as const,
  );
  const rest =
    additionalProperties === undefined ? undefined : compile(additionalProperties, context);
  if (named.length === 0 && patterns.length === 0 && rest === undefined) return undefined;
  const names = new Set(named.map(([name]) => name));
  return (value, path, issues) => {
    if (!isObject(value)) return;
    for (const [name, check] of named) {
      if (Object.hasOwn(value, name)) check(value[name], [...path, name], issues);
    }
    for (const [name, member] of Object.entries(value)) {
      const matching = patterns.filter(([pattern]) => pattern.test(name));
      for (const [, check] of matching) check(member, [...path, name], issues);
      if (!names.has(name) && matching.length === 0) rest?.(member, [...path, name], issues);
    }
  };
}

function count(
  schemas: readonly unknown[],
  context: Context,
  rule: { readonly fits: (count: number) => boolean; readonly message: string },
): Check {
  const checks = schemas.map((schema) => compile(schema, context));
  return (value, path, issues) => {
    const fitting = checks.filter((check) => {
      const found: Issues = [];
      check(value, path, found);
      return found.length === 0;
    });
    if (!rule.fits(fitting.length)) fail(issues, path, rule.message);
  };
}

/** What a `#/…` pointer leads to. Throws if there is nothing. */
export function resolveRef(root: unknown, ref: string): unknown {
  if (!ref.startsWith('#')) throw new TypeError(`"${ref}" leads out of the document`);
  const parts = ref.slice(1).split('/').slice(1);
  let at: unknown = root;
  for (const part of parts) {
    const name = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (!isObject(at) || !Object.hasOwn(at, name)) throw new TypeError(`"${ref}" leads nowhere`);
    at = at[name];
  }
  return at;
}

function when(wrong: (value: unknown) => boolean, message: string): Check {
  return (value, path, issues) => {
    if (wrong(value)) fail(issues, path, message);
  };
}

function sized<T>(
  is: (value: unknown) => value is T,
  fits: (value: T) => boolean,
  what: string,
): Check {
  return when((value) => is(value) && !fits(value), `must have ${what}`);
}

function fail(issues: Issues, path: Path, message: string): void {
  issues.push({ message, path });
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  if (type === 'integer') return Number.isInteger(value);
  return typeof value === type;
}

function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** Equality of JSON values; the order of members says nothing. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((one, i) => isSame(one, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]));
}
