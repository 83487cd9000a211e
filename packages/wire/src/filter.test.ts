import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Condition,
  type Filter,
  FilterError,
  type FilterSubject,
  looksAtData,
  matchesFilter,
  type Operators,
  parseFilter,
} from './filter.ts';

const ORDER: FilterSubject = {
  type: 'order.paid',
  subject: 'o_1',
  actor: { id: 'u_1', roles: ['admin', 'sales'] },
  context: { ip: '203.0.113.7', session: null },
  data: {
    total: 120.5,
    currency: 'EUR',
    items: [
      { id: 7, name: 'Chair' },
      { id: 8, name: 'Table, round' },
    ],
    'a.b': 1,
    note: null,
    paid: true,
    '10': 'ten',
  },
};

describe('a condition', () => {
  const cases: [string, Condition, boolean][] = [
    ['type', 'order.paid', true],
    ['type', { prefix: 'order.', suffix: 'paid' }, true],
    ['type', { prefix: 'order.', suffix: 'open' }, false],
    ['subject', { in: ['o_2', 'o_1'] }, true],
    ['subject', { in: ['o_2', 1] }, false],
    ['actor.id', { ne: 'u_2' }, true],
    ['actor.id', { ne: 'u_1' }, false],
    ['actor.missing', { ne: 'u_1' }, true],
    ['actor.missing', null, false],
    ['context.session', null, true],
    ['context.session', { exists: true }, true],
    ['context.missing', { exists: false }, true],
    ['context.missing', { exists: true }, false],
    ['data.total', 120.5, true],
    ['data.total', '120.5', false],
    ['data.total', { gt: 120, lt: 121 }, true],
    ['data.total', { gte: 120.5, lte: 120.5 }, true],
    ['data.total', { gt: 120.5 }, false],
    ['data.total', { gt: '1' }, false],
    ['data.missing', { gt: 0 }, false],
    ['data.missing', { lte: 0 }, false],
    ['data.note', { gte: 0 }, false],
    ['data.currency', { gt: 'EUQ', lt: 'EUS' }, true],
    ['data.paid', true, true],
    ['data.paid', { ne: false }, true],
    ['data.items.0.id', 7, true],
    ['data.items.1.name', { contains: 'round' }, true],
    ['data.items.1.name', { contains: '' }, true],
    ['data.items.1.name', { contains: 7 }, false],
    ['data.items.2', { exists: false }, true],
    ['data.items.00.id', { exists: false }, true],
    ['data.items.-1', { exists: false }, true],
    ['data.items.length', { exists: false }, true],
    ['data.currency.length', { exists: false }, true],
    ['data.10', 'ten', true],
    ['data.a\\.b', 1, true],
    ['data.a.b', { exists: false }, true],
    ['data', { exists: true }, true],
    ['actor.roles', { contains: 'admin' }, true],
    ['actor.roles', { contains: 'adm' }, false],
    ['actor.roles', { all: [{ contains: 'admin' }, { contains: 'sales' }] }, true],
    ['actor.roles', { any: [{ contains: 'x' }, { contains: 'sales' }] }, true],
    ['actor.roles', { not: { contains: 'sales' } }, false],
    ['actor.roles', 'admin', false],
    ['data.constructor', { exists: false }, true],
    ['data.__proto__', { exists: false }, true],
    ['data.items.__proto__', { exists: false }, true],
  ];
  test.each(cases)('%s %j: %s', (path, condition, passes) => {
    expect(matchesFilter(parseFilter({ [path]: condition }), ORDER)).toBe(passes);
  });
});

describe('a filter', () => {
  const eur = { 'data.currency': 'EUR' };
  const dear = { 'data.total': { gte: 1000 } };
  test.each<[string, unknown, boolean]>([
    ['several paths must all hold', { ...eur, 'data.paid': true }, true],
    ['several paths must all hold', { ...eur, ...dear }, false],
    ['all', { all: [eur, { type: 'order.paid' }] }, true],
    ['all', { all: [eur, dear] }, false],
    ['any', { any: [dear, eur] }, true],
    ['any', { any: [dear, { type: 'x' }] }, false],
    ['not', { not: dear }, true],
    ['not', { not: { any: [dear, eur] } }, false],
  ])('%s: %j is %s', (_, filter, passes) => {
    expect(matchesFilter(parseFilter(filter), ORDER)).toBe(passes);
  });

  test('of an event without anything but a type', () => {
    expect(matchesFilter(parseFilter({ 'data.x': 1 }), { type: 'a' })).toBe(false);
    expect(matchesFilter(parseFilter({ subject: { exists: false } }), { type: 'a' })).toBe(true);
  });

  test('is kept as it was given', () => {
    const given = { all: [{ type: { in: ['a', 'b'] } }, { not: { 'data.x': { gt: 1 } } }] };
    expect(parseFilter(given)).toEqual(given);
  });

  test('says whether data must be parsed for it', () => {
    expect(looksAtData(parseFilter({ type: 'a', 'actor.id': 1 }))).toBe(false);
    expect(looksAtData(parseFilter({ not: { any: [{ type: 'a' }, { 'data.x': 1 }] } }))).toBe(true);
    expect(looksAtData(parseFilter({ data: { exists: true } }))).toBe(true);
  });
});

describe('what is refused, and where', () => {
  const deep = (levels: number): unknown =>
    levels === 0 ? { type: 'a' } : { not: deep(levels - 1) };
  test.each<[unknown, string, RegExp]>([
    [null, '', /an object such as/],
    [[], '', /an object such as/],
    ['type', '', /an object such as/],
    [{}, '', /use null for no filter/],
    [{ all: [] }, 'all', /leave it out/],
    [{ all: { type: 'a' } }, 'all', /must be a list/],
    [{ all: [{ type: 'a' }], type: 'b' }, '', /stands alone/],
    [{ any: [{ type: 'a' }, {}] }, 'any.1', /is empty/],
    [{ tipe: 'a' }, '', /leads nowhere: paths begin with/],
    [{ '__proto__.x': 1 }, '', /leads nowhere/],
    [{ 'type.x': 1 }, '', /type is a text/],
    [{ [`data.${'x'.repeat(300)}`]: 1 }, '', /longer than 256/],
    [{ type: {} }, 'type', /is empty/],
    [{ type: ['a'] }, 'type', /a condition is/],
    [{ type: { regex: '.*' } }, 'type.regex', /is no operator/],
    [{ type: { eq: {} } }, 'type.eq', /must be a text, a number/],
    [{ type: { in: 'a' } }, 'type.in', /must be a list/],
    [{ type: { in: Array(101).fill('a') } }, 'type.in', /more than 100/],
    [{ type: { gt: true } }, 'type.gt', /a number or a text/],
    [{ type: { prefix: 1 } }, 'type.prefix', /must be a text/],
    [{ type: { exists: 'yes' } }, 'type.exists', /true or false/],
    [{ type: { eq: Number.NaN } }, 'type.eq', /must be a text, a number/],
    [{ type: 'x'.repeat(1025) }, 'type', /longer than 1024/],
    [deep(8), 'not.not.not.not.not.not.not.not', /deeper than 8/],
    [
      { type: { not: { not: { not: { not: { not: { not: { not: { not: 'a' } } } } } } } } },
      'type.not.not.not.not.not.not.not',
      /deeper than 8/,
    ],
    [
      { any: Array(100).fill({ type: 'a', subject: 'b' }) },
      'any.50.type',
      /more than 100 conditions/,
    ],
  ])('%j at "%s"', (filter, path, message) => {
    const read = () => parseFilter(filter);
    expect(read).toThrow(FilterError);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: 'invalid', path }));
  });

  test('but not seven levels, nor a hundred conditions', () => {
    expect(() => parseFilter(deep(7))).not.toThrow();
    const hundred = { any: Array(50).fill({ type: 'a', subject: 'b' }) };
    expect(() => parseFilter(hundred)).not.toThrow();
  });

  test('whatever is sent, it is read or refused', () => {
    const names = ['all', 'any', 'not', 'type', 'data.x', 'eq', 'in', 'gt', 'exists', 'contains'];
    const { filter } = fc.letrec((tie) => ({
      filter: fc.oneof(
        { maxDepth: 12 },
        fc.jsonValue(),
        fc.dictionary(fc.constantFrom(...names), tie('filter'), { maxKeys: 3 }),
        fc.array(tie('filter'), { maxLength: 3 }),
      ),
    }));
    fc.assert(
      fc.property(filter, (value) => {
        try {
          matchesFilter(parseFilter(value), ORDER);
        } catch (error) {
          expect(error).toBeInstanceOf(FilterError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

// ---- against an evaluator that says it in the plainest way ---------------------------------------

function naive(filter: Filter, subject: FilterSubject): boolean {
  return Object.entries(filter).every(([name, content]) => {
    if (name === 'all')
      return (content as Filter[]).filter((one) => !naive(one, subject)).length === 0;
    if (name === 'any')
      return (content as Filter[]).filter((one) => naive(one, subject)).length > 0;
    if (name === 'not') return naive(content as Filter, subject) === false;
    return naiveCondition(look(subject, name.split('.')), content as Condition);
  });
}

function look(value: unknown, [first, ...rest]: string[]): unknown {
  if (first === undefined) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  const own = Object.entries(value).find(([name]) => name === first);
  return own && look(own[1], rest);
}

function naiveCondition(value: unknown, condition: Condition): boolean {
  if (typeof condition !== 'object' || condition === null) return Object.is(value, condition);
  const same = (a: unknown, b: unknown) =>
    JSON.stringify([a]) === JSON.stringify([b]) && a !== undefined;
  const alike = (a: unknown, b: unknown) =>
    typeof a === typeof b && ['string', 'number'].includes(typeof a);
  const tests: Record<string, (operand: never) => boolean> = {
    eq: (operand) => same(value, operand),
    ne: (operand) => !same(value, operand),
    in: (operand: unknown[]) => operand.filter((one) => same(value, one)).length > 0,
    gt: (operand) => alike(value, operand) && (value as number) > operand,
    gte: (operand) =>
      alike(value, operand) && ((value as number) > operand || same(value, operand)),
    lt: (operand) => alike(value, operand) && (value as number) < operand,
    lte: (operand) =>
      alike(value, operand) && ((value as number) < operand || same(value, operand)),
    exists: (operand) => operand === (value !== undefined),
    prefix: (operand: string) =>
      typeof value === 'string' && value.slice(0, operand.length) === operand,
    suffix: (operand: string) =>
      typeof value === 'string' &&
      value.length >= operand.length &&
      value.slice(value.length - operand.length) === operand,
    contains: (operand: unknown) =>
      Array.isArray(value)
        ? value.filter((one) => same(one, operand)).length > 0
        : typeof value === 'string' &&
          typeof operand === 'string' &&
          value.split(operand).length > (operand === '' ? -1 : 1),
    all: (operand: Condition[]) => operand.every((one) => naiveCondition(value, one)),
    any: (operand: Condition[]) => operand.some((one) => naiveCondition(value, one)),
    not: (operand: Condition) => !naiveCondition(value, operand),
  };
  return Object.entries(condition).every(([name, operand]) => tests[name]?.(operand as never));
}

describe('agrees with an evaluator that says it in the plainest way', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 6 });
  const scalar = fc.oneof(text, fc.integer({ min: 0, max: 3 }), fc.boolean(), fc.constant(null));
  const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }));
  const data = fc.dictionary(
    fc.constantFrom('x', 'y'),
    fc.oneof(value, fc.dictionary(fc.constant('z'), value)),
  );
  const subject: fc.Arbitrary<FilterSubject> = fc.record(
    { type: text, subject: text, actor: data, context: data, data: fc.oneof(data, fc.array(data)) },
    { requiredKeys: ['type'] },
  );
  const bound = fc.oneof(text, fc.integer({ min: 0, max: 3 }));
  const operator = (condition: fc.Arbitrary<Condition>): fc.Arbitrary<Operators> => {
    const several = fc.array(condition, { minLength: 1, maxLength: 2 });
    const operands = {
      eq: scalar,
      ne: scalar,
      in: fc.array(scalar, { minLength: 1, maxLength: 3 }),
      gt: bound,
      gte: bound,
      lt: bound,
      lte: bound,
      exists: fc.boolean(),
      prefix: text,
      suffix: text,
      contains: scalar,
      all: several,
      any: several,
      not: condition,
    };
    const each = Object.entries(operands) as [string, fc.Arbitrary<unknown>][];
    return fc.oneof(...each.map(([name, operand]) => operand.map((one) => ({ [name]: one }))));
  };
  const path = fc.constantFrom(
    'type',
    'subject',
    'actor.x',
    'context.y',
    'data',
    'data.x',
    'data.x.z',
    'data.x.0',
    'data.0.x',
  );
  const { filter } = fc.letrec<{ filter: Filter; condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 2 },
      scalar,
      fc
        .array(operator(tie('condition')), { minLength: 1, maxLength: 2 })
        .map((operators): Operators => Object.assign({}, ...operators)),
    ),
    filter: fc.oneof(
      { maxDepth: 2 },
      fc.dictionary(path, tie('condition'), { minKeys: 1, maxKeys: 2 }),
      fc.record({ all: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ any: fc.array(tie('filter'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ not: tie('filter') }),
    ) as fc.Arbitrary<Filter>,
  }));

  test('on any filter and event', () => {
    let passed = 0;
    fc.assert(
      fc.property(filter, subject, (one, event) => {
        const expected = naive(one, event);
        passed += expected ? 1 : 0;
        expect(matchesFilter(parseFilter(JSON.parse(JSON.stringify(one))), event)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
    // Neither answer is rare, or agreeing would mean little.
    expect(passed).toBeGreaterThan(500);
    expect(passed).toBeLessThan(4500);
  });

  test('on parts of texts that repeat themselves', () => {
    const long = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 60 });
    fc.assert(
      fc.property(long, text, (haystack, needle) => {
        const found = matchesFilter(parseFilter({ subject: { contains: needle } }), {
          type: 't',
          subject: haystack,
        });
        expect(found).toBe(haystack.includes(needle));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the cost', () => {
  const steps = (filter: unknown, subject: FilterSubject): number => {
    const meter = { stepsLeft: Number.MAX_SAFE_INTEGER };
    matchesFilter(parseFilter(filter), subject, meter);
    return Number.MAX_SAFE_INTEGER - meter.stepsLeft;
  };
  const hostile = (chars: number): FilterSubject => ({ type: 't', data: { x: 'a'.repeat(chars) } });
  const needle = `${'a'.repeat(1023)}b`;

  test('of a search grows with the text, not with the text times the part', () => {
    const small = steps({ 'data.x': { contains: needle } }, hostile(10_000));
    const large = steps({ 'data.x': { contains: needle } }, hostile(1_000_000));
    expect(large).toBeLessThan(1_000_000 + 2000);
    expect(large / small).toBeLessThan(101);
  });

  test('of the worst filter over the largest event is what a hundred searches read', () => {
    const conditions = Array.from({ length: 100 }, () => ({ contains: needle }));
    const worst = steps({ 'data.x': { any: conditions } }, hostile(1_000_000));
    expect(worst).toBeLessThan(100 * (1_000_000 + 2000));
  });

  test('of lists is their length, once for each condition', () => {
    const list = { type: 't', data: { x: Array(500_000).fill(0) } };
    expect(steps({ 'data.x': { contains: 1 } }, list)).toBeLessThan(500_100);
  });

  test('of what does not look at data does not depend on it', () => {
    const filter = { type: { prefix: 'x' }, 'actor.id': 'u' };
    expect(steps(filter, hostile(1_000_000))).toBe(steps(filter, { type: 't' }));
  });

  test('is refused when the meter runs out, and shared by those that share the meter', () => {
    const filter = parseFilter({ 'data.x': { contains: needle } });
    const meter = { stepsLeft: 1_500_000 };
    expect(matchesFilter(filter, hostile(1_000_000), meter)).toBe(false);
    expect(() => matchesFilter(filter, hostile(1_000_000), meter)).toThrow(
      expect.objectContaining({ code: 'too_costly' }),
    );
  });
});
