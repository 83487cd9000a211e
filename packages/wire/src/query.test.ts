import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  matchesQuery,
  parseQuery,
  QueryError,
  type QuerySubject,
  type QueryValue,
} from './query.ts';

const NOW = Date.UTC(2026, 10, 27, 12);

/** A request as plain fields. */
const fields: Record<string, QueryValue[]> = {
  method: ['POST'],
  path: ['/orders/42:a'],
  'headers.x-event': ['push', 'ping'],
  'query.hub.mode': ['subscribe'],
  'body.type': ['user.created'],
  'body.user.id': [42],
  'body.user.name': ['Ada "the" *'],
  'body.empty': [null],
  'body.ok': [true],
  status: [503],
  created: [NOW - 1_800_000],
};
const subject: QuerySubject = {
  values: (path) => fields[path.join('.')] ?? [],
  texts: () => ['POST', '/orders/42:a', 'Invoice PAID in full'],
};
const fits = (text: string) => matchesQuery(parseQuery(text), subject, NOW);

test.each([
  '',
  'method:POST headers.x-event:push body.user.id:42 created:[now-1h TO now]',
  'method:post',
  'body.type == "user.created"',
  "body.type=='user.created'",
  'body.type:user.*',
  'body.type:*.created',
  'headers.X-Event:ping',
  'query.hub.mode:subscribe',
  'path:/orders/42:a',
  'status>=500',
  'status > 502.5 status<504',
  'status:[500 TO *]',
  'created:2026-11-27*',
  'created > now-45m',
  'created>=2026-11-27 created<2026-11-27T12:00:00Z',
  'body.user.name:"Ada \\"the\\" *"',
  'body.empty:null',
  'body.empty:*',
  'body.ok:true',
  'invoice',
  '"paid in"',
  'inv*full',
  'NOT method:GET',
  '-method:GET',
  'method:GET OR status:503',
  '(method:GET OR method:POST) AND NOT (status:200 OR status:404)',
  'body.nothing != "x"',
  'NOT body.nothing:*',
])('fits: %s', (text) => expect(fits(text)).toBe(true));

test.each([
  'method:GET',
  'body.type == "USER.CREATED"',
  'body.type:user',
  'body.user.id:4',
  'status<500',
  'status:[100 TO 400]',
  'created:[* TO now-2h]',
  'created > now',
  'body.user.name:"Ada \\"the\\" b"',
  'body.nothing:*',
  'body.type != "user.created"',
  'refund',
  'method:POST status:200',
  'method:GET OR status:200',
  'body.ok > 0',
  'body.type > 5',
])('does not fit: %s', (text) => expect(fits(text)).toBe(false));

test.each([
  ['metod:POST', /"metod" at 1 is no field/],
  ['method:', /ends where something should follow/],
  ['(method:POST', /parenthesis at 1 is not closed/],
  ['method:POST)', /closes nothing/],
  ['"open', /quote at 1 is not closed/],
  ['status:[1 TO', /not closed/],
  ['status:[1-2]', /not \[a TO b\]/],
  ['created > yesterday', /is no time/],
  ['AND method:POST', /has nothing before it/],
  ['x'.repeat(1001), /longer than 1000/],
  [Array.from({ length: 51 }, () => 'a').join(' '), /More than 50 terms/],
  [`${'('.repeat(12)}a${')'.repeat(12)}`, /More than 10/],
  [`${'-'.repeat(50)}a`, /More than 10/],
])('refuses %s', (text, message) => {
  expect(() => parseQuery(text)).toThrow(QueryError);
  expect(() => parseQuery(text)).toThrow(message);
});

test('whatever is typed, it is a query or a QueryError, and asking it is quick', () => {
  const piece = fc.constantFrom(
    ...[
      'method',
      ':',
      '==',
      '>',
      '(',
      ')',
      ' ',
      'AND',
      'OR',
      'NOT',
      '-',
      '*',
      '"',
      '[',
      ' TO ',
      ']',
    ],
    ...['body.a', 'now-1h', '\\', 'é'],
  );
  const typed = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.array(piece).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(typed, (text) => {
      try {
        fits(text);
      } catch (error) {
        expect(error).toBeInstanceOf(QueryError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('stars cost no more than the text is long', () => {
  const glob = `body:${'a*'.repeat(200)}b`;
  const long: QuerySubject = { values: () => ['a'.repeat(100_000)], texts: () => [] };
  const started = performance.now();
  expect(matchesQuery(parseQuery(glob), long, NOW)).toBe(false);
  expect(performance.now() - started).toBeLessThan(50);
});
