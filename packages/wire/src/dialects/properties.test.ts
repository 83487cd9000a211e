import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CustomFormat } from '../custom-format.ts';
import {
  DIALECT_NAMES,
  DialectError,
  type ParsedEvent,
  type ReceivedRequest,
  type RenderInput,
} from '../message.ts';
import { anyInput } from './arbitrary.suite.ts';
import { headersOf, readGolden } from './golden.suite.ts';
import { dialects } from './index.ts';

const CUSTOM: CustomFormat = {
  body: 'envelope',
  idHeader: null,
  typeHeader: null,
  timestampHeader: null,
  timestampFormat: 'seconds',
  signature: null,
};
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const absent = (bytes: Uint8Array) => bytes.length === 0 || text(bytes) === 'null';

/** How exactly a format keeps a time; 0 = it does not. */
const RESOLUTION_MS = {
  standard: 1,
  casdoor: 1000,
  'casdoor-docs': 1000,
  ferriskey: 1,
  cand: 0,
  logto: 1,
  caisy: 0,
  raw: 0,
  custom: 1,
};
/** What stands for the data when there is none. */
const NOTHING: Partial<Record<string, string>> = {
  cand: '{}',
  caisy: '{"blueprint_id":"","document_id":"","document_status_id":0}',
};

describe.each(DIALECT_NAMES)('%s', (name) => {
  const dialect = dialects[name];
  const custom = name === 'custom' ? CUSTOM : null;
  const endpointOf = (input: RenderInput) => ({ ...input.endpoint, custom });
  const render = (input: RenderInput) => dialect.body({ ...input, endpoint: endpointOf(input) });
  const parse = (body: Uint8Array): ParsedEvent =>
    dialect.parse({ method: 'POST', headers: [], body, ...(custom ? { custom } : {}) });

  test('any event renders, reads back, and renders to the same bytes again', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const body = render(input);
        const says = parse(body);
        const { subject, actor, context } = says;
        const again = render({
          ...input,
          event: {
            ...input.event,
            type: says.type ?? input.event.type,
            occurredAt: says.occurredAt ?? input.event.occurredAt,
            meta: JSON.stringify({ subject, actor, context }),
            data: says.data,
          },
        });
        expect(text(again)).toBe(text(body));
      }),
      { numRuns: 300 },
    );
  });

  test('what was read back is what was sent', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { event } = input;
        const says = parse(render(input));
        const last = (type: string | undefined) => type?.split(':').at(-1);
        if (name === 'cand') expect(last(says.type)).toBe(last(event.type));
        else if (name !== 'raw') expect(says.type).toBe(event.type);
        const spelled = /"(createdAt|timestamp|createdTime)":"/.test(event.meta);
        const resolution = RESOLUTION_MS[name];
        if (resolution === 0) expect(says.occurredAt).toBeUndefined();
        else if (!spelled) {
          expect(says.occurredAt).toBe(Math.floor(event.occurredAt / resolution) * resolution);
        }
        // These two spread data over the body, or take a part of it.
        if (name === 'logto' || name === 'casdoor-docs') return;
        const sent = absent(event.data) ? (NOTHING[name] ?? 'null') : text(event.data);
        expect(text(says.data)).toBe(sent);
      }),
      { numRuns: 300 },
    );
  });

  test('the body is JSON that holds every number as it was spelled', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const data = new TextEncoder().encode(
          '{"user":{"a":1.0,"b":12345678901234567890},"application":{"c":1e400}}',
        );
        const body = text(render({ ...input, event: { ...input.event, data } }));
        expect(() => JSON.parse(body)).not.toThrow();
        for (const number of ['1.0', '12345678901234567890']) expect(body).toContain(number);
      }),
    );
  });

  test('chosen fields are sent with their bytes, and no other ones', () => {
    fc.assert(
      fc.property(anyInput, ({ event, endpoint, tenant }) => {
        const data = new TextEncoder().encode('{"secret":"s3cr3t","user":{"n":1.0},"z":2}');
        const chosen = { ...endpoint, custom, fields: name === 'casdoor-docs' ? ['n'] : ['user'] };
        const body = text(dialect.body({ event: { ...event, data }, endpoint: chosen, tenant }));
        expect(body).not.toContain('s3cr3t');
        expect(body).toMatch(/\\?"n\\?":1\.0/);
      }),
    );
  });

  test('whatever a stranger sends, it is read or refused, never a crash', () => {
    const golden = readGolden(name);
    const request: fc.Arbitrary<ReceivedRequest> = fc
      .record({
        one: fc.constantFrom(...golden),
        junk: fc.uint8Array({ maxLength: 8 }),
        at: fc.nat(),
        cut: fc.nat(),
        form: fc.boolean(),
      })
      .map(({ one, junk, at, cut, form }) => {
        const bytes = new TextEncoder().encode(one.body);
        const start = at % (bytes.length + 1);
        const body = Uint8Array.from([
          ...bytes.subarray(0, start),
          ...junk,
          ...bytes.subarray(start + (cut % 8)),
        ]);
        const headers = form
          ? [{ name: 'Content-Type', value: 'application/x-www-form-urlencoded' }]
          : headersOf(one.headers);
        const format = one.endpoint.custom;
        return { method: one.method, headers, body, ...(format ? { custom: format } : {}) };
      });
    fc.assert(
      fc.property(request, (received) => {
        try {
          dialect.parse(received);
        } catch (error) {
          expect(error).toBeInstanceOf(DialectError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('so with any bytes, and with any JSON of the wrong kinds', () => {
    const keys = ['type', 'event', 'action', 'createdTime', 'timestamp', 'createdAt', 'data'];
    const more = ['object', 'extendedUser', 'context', 'webhook', 'scope', 'module', 'hookId'];
    const wrong = fc
      .dictionary(fc.constantFrom(...keys, ...more), fc.jsonValue({ maxDepth: 3 }))
      .map((value) => new TextEncoder().encode(JSON.stringify(value)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), wrong), (body) => {
        try {
          parse(body);
        } catch (error) {
          expect(error).toBeInstanceOf(DialectError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
