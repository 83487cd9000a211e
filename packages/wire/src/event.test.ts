import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventDraft } from './event.ts';
import { EnvelopeError, isEventType, parseEvents } from './event.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (part: Uint8Array | undefined): string => new TextDecoder().decode(part);

function one(body: string): EventDraft {
  const [event] = parseEvents(bytes(body)).events;
  if (event === undefined) throw new Error('must hold: one event');
  return event;
}

function refusal(body: string | Uint8Array, limits = {}): EnvelopeError {
  try {
    parseEvents(typeof body === 'string' ? bytes(body) : body, limits);
  } catch (error) {
    if (error instanceof EnvelopeError) return error;
    throw error;
  }
  throw new Error(`was accepted: ${body}`);
}

/** The refusal of an event that has this beside a type. */
const field = (member: string): EnvelopeError => refusal(`{"type":"t",${member}}`);

describe('accepts', () => {
  test('every field of the envelope', () => {
    const event = one(`{
      "type": "user.created", "id": "a-1", "occurredAt": "2026-03-17T15:30:00.5+01:00",
      "subject": "üser", "actor": {"id": "x"}, "context": {"ip": "::1", "n": [1]},
      "headers": [{"name": "X-A", "value": "1"}, {"value": "2", "name": "x-a"}],
      "orderingKey": "k", "channels": ["a", "b"], "data": [1.0]
    }`);
    expect(event).toMatchObject({
      type: 'user.created',
      id: 'a-1',
      occurredAt: Date.UTC(2026, 2, 17, 14, 30, 0, 500),
      subject: 'üser',
      actor: { id: 'x' },
      context: { ip: '::1', n: [1] },
      headers: [
        { name: 'X-A', value: '1' },
        { name: 'x-a', value: '2' },
      ],
      orderingKey: 'k',
      channels: ['a', 'b'],
    });
    expect(text(event.data)).toBe('[1.0]');
  });

  test('a type alone: the rest is undefined and data is null', () => {
    const { data, raw, ...rest } = one(' {"type":"t"} ');
    expect(text(data)).toBe('null');
    expect(text(raw)).toBe('{"type":"t"}');
    expect(rest).toEqual({
      type: 't',
      id: undefined,
      occurredAt: undefined,
      subject: undefined,
      actor: undefined,
      context: undefined,
      headers: undefined,
      orderingKey: undefined,
      channels: undefined,
    });
  });

  test('an array, in order, each with its own bytes', () => {
    const body = bytes('[ {"type":"a","data":1} ,\n{"data":{"type":"x"},"type":"b"}]');
    const { events, array } = parseEvents(body);
    expect(array).toBe(true);
    expect(events.map((event) => [event.type, text(event.data), text(event.raw)])).toEqual([
      ['a', '1', '{"type":"a","data":1}'],
      ['b', '{"type":"x"}', '{"data":{"type":"x"},"type":"b"}'],
    ]);
    expect(parseEvents(bytes('{"type":"a"}')).array).toBe(false);
  });

  test('fields of one event never leak into the next', () => {
    const { events } = parseEvents(bytes('[{"type":"a","id":"1","data":1},{"type":"b"}]'));
    expect(events[1]?.id).toBeUndefined();
    expect(text(events[1]?.data)).toBe('null');
  });

  test('data as views into the body, whatever kind of array that is', () => {
    const inside = Buffer.from('..{"type":"t","data":"é"}..').subarray(2, -2);
    const [event] = parseEvents(inside).events;
    expect(text(event?.data)).toBe('"é"');
    expect(event?.data.buffer).toBe(inside.buffer);
  });

  test('names written with escapes', () => {
    const event = one('{"ty\\u0070e":"\\u0061.b","\\u0064ata":7}');
    expect(event.type).toBe('a.b');
    expect(text(event.data)).toBe('7');
  });

  test('headers as an object, in the order written, numbers among the names included', () => {
    const event = one('{"type":"t","headers":{"X-B":"b","1":"a","X-A":"\\u00e9"}}');
    expect(event.headers).toEqual([
      { name: 'X-B', value: 'b' },
      { name: '1', value: 'a' },
      { name: 'X-A', value: 'é' },
    ]);
  });

  test('repeated names inside data, and carries them', () => {
    expect(text(one('{"type":"t","data":{"a":1,"a":2,"__proto__":3}}').data)).toBe(
      '{"a":1,"a":2,"__proto__":3}',
    );
  });

  test('"__proto__" in actor and context without touching any prototype', () => {
    const { actor } = one('{"type":"t","actor":{"__proto__":{"x":1}}}');
    expect(Object.getPrototypeOf(actor)).toBe(Object.prototype);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test('the limits themselves', () => {
    const nested = `${'['.repeat(64)}${']'.repeat(64)}`;
    const astral = '😀'.repeat(128);
    const event = one(
      `{"type":"${'a'.repeat(128)}","id":"${'~'.repeat(128)}","subject":"${astral}","channels":[${Array(
        16,
      )
        .fill(`"${'\\u0041'.repeat(128)}"`)
        .join()}],"data":${nested}}`,
    );
    expect(event.subject).toBe(astral);
    expect(event.channels?.[15]).toBe('A'.repeat(128));
    const exact = bytes('{"type":"t"}');
    expect(parseEvents(exact, { eventBytesMax: 12 }).events).toHaveLength(1);
    expect(parseEvents(bytes('[{"type":"t"},{"type":"t"}]'), { eventsMax: 2 }).events).toHaveLength(
      2,
    );
  });

  test.each([
    '12345678901234567890',
    '1.0',
    '-0',
    '1e400',
    '{ "b" : 1 ,\t"a":\r\n2 }',
    '"\\ud800"',
    '"\\u0000"',
    '""',
    'null',
    'true',
  ])('data %s and keeps its bytes', (data) => {
    expect(text(one(`{"data": ${data} ,"type":"t"}`).data)).toBe(data);
  });

  test('any JSON as data, bytes identical', () => {
    const value = fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' });
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 3 }), (data, space) => {
        const json = JSON.stringify(data, null, space);
        const [event] = parseEvents(bytes(`{"type":"t","data":${json}}`)).events;
        expect(text(event?.data)).toBe(json);
      }),
      { numRuns: 300 },
    );
  });
});

test('changed bytes are refused as JSON.parse does, and nothing but EnvelopeError is thrown', () => {
  const sample = bytes(
    '[{"type":"a.b","id":"x","occurredAt":"2026-03-17T14:30:00Z","headers":{"A":"é"},"channels":["c"],"actor":{"n":1},"data":{"k":[1.0,"\\u0041"]}}]',
  );
  const edit = fc.tuple(fc.nat(sample.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(), (edits, cut) => {
      const body = sample.slice(0, cut % 3 === 0 ? cut % sample.length : sample.length);
      for (const [at, byte] of edits) if (at < body.length) body[at] = byte;
      let json = true;
      try {
        JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
      } catch {
        json = false;
      }
      try {
        parseEvents(body);
        expect(json).toBe(true);
      } catch (error) {
        if (!(error instanceof EnvelopeError)) throw error;
        // Broken JSON may be met behind a field that is refused already; the reverse must not
        // happen.
        if (error.code === 'invalid_json') expect(json).toBe(false);
      }
    }),
    { numRuns: 3000 },
  );
});

describe('refuses', () => {
  test.each([
    ['', /the body is empty/],
    [' \n', /the body is empty/],
    ['\ufeff{"type":"t"}', /byte order mark/],
    ['{"type":"t"', /expected "," or "}", found the end of the body/],
    ['{"type":"t"}{', /nothing more after the JSON value/],
    ['{"type":"t",}', /field name in double quotes/],
    ['[{"type":"t"},]', /expected a JSON value/],
    ['{"type":"t","data":[01]}', /^data: invalid JSON at byte 21/],
    ['tru', /invalid JSON at byte 3/],
  ])('%j as invalid JSON', (body, message) => {
    const error = refusal(body);
    expect(error.code).toBe('invalid_json');
    expect(error.message).toMatch(message);
  });

  test('invalid UTF-8, and says where', () => {
    const error = refusal(Buffer.from('{"type":"t","data":"a\xff"}', 'latin1'));
    expect(error).toMatchObject({ code: 'invalid_json', field: 'data', offset: 21 });
    expect(error.message).toMatch(/not valid UTF-8/);
  });

  test.each(['[]', '[ ]'])('an empty array %s', (body) => {
    const error = refusal(body);
    expect(error).toMatchObject({ code: 'invalid_request', index: undefined });
    expect(error.message).toMatch(/at least one event/);
  });

  test.each(['1', '"a"', 'null', 'true'])('%s, which is no object', (body) => {
    expect(refusal(body)).toMatchObject({ code: 'invalid_request', index: undefined, offset: 0 });
    expect(refusal(`[{"type":"t"},${body}]`)).toMatchObject({ code: 'invalid_request', index: 1 });
  });

  test('arrays inside the array', () => {
    expect(refusal('[[{"type":"t"}]]')).toMatchObject({ code: 'invalid_request', index: 0 });
  });

  test('too many events, before reading more of them', () => {
    const error = refusal(`[${'{"type":"t"},'.repeat(500)}broken`);
    expect(error).toMatchObject({ code: 'invalid_request', index: undefined });
    expect(error.message).toBe('more than 500 events in one request: split the array');
  });

  test('an event that is too large, and names it', () => {
    const error = refusal('[{"type":"t"},{"type":"t","data":1}]', { eventBytesMax: 12 });
    expect(error).toMatchObject({ code: 'payload_too_large', index: 1, offset: 14 });
    expect(error.message).toMatch(/event 1 has 21 bytes, more than 12/);
    expect(refusal(`{"type":"t","data":"${'x'.repeat(1_048_576)}"}`).code).toBe(
      'payload_too_large',
    );
  });

  test('data nested too deep', () => {
    const nested = `${'['.repeat(65)}${']'.repeat(65)}`;
    expect(field(`"data":${nested}`)).toMatchObject({ code: 'invalid_request', field: 'data' });
  });

  test.each(['foo', '__proto__', 'constructor', 'toString', 'Type', 'type ', ''])(
    'the unknown field %j',
    (name) => {
      const error = field(`${JSON.stringify(name)}:1`);
      expect(error).toMatchObject({ code: 'invalid_request', field: name, offset: 12 });
      expect(error.message).toMatch(/is not a field of an event/);
    },
  );

  test('an unknown field with a name of a megabyte, and shortens it', () => {
    const error = field(`"${'é'.repeat(500_000)}":1`);
    expect(error.message.length).toBeLessThan(300);
    expect(error.message).toMatch(/^"é{20,}.*…" is not a field/);
  });

  test.each(['"type":"u"', '"ty\\u0070e":"t"'])('a field given twice: %s', (again) => {
    const error = field(again);
    expect(error).toMatchObject({ code: 'invalid_request', field: 'type' });
    expect(error.message).toMatch(/type is given twice/);
  });

  test('an event without a type, and names its index', () => {
    const error = refusal('[{"type":"t"},{"data":1}]');
    expect(error).toMatchObject({ code: 'invalid_request', index: 1, field: 'type' });
    expect(error.message).toBe(
      'event 1: type is missing: every event needs one, such as "user.created"',
    );
  });

  test.each(['', '.a', '-a', 'a b', 'a\\n', 'ü', 'a*', 'a'.repeat(129), '\\u0000'])(
    'the type "%s"',
    (type) => {
      expect(refusal(`{"type":"${type}"}`)).toMatchObject({
        code: 'invalid_request',
        field: 'type',
      });
    },
  );

  test.each([
    ['id', ['1', 'null', '""', '"a b"', '"a\\n"', '"é"', `"${'a'.repeat(129)}"`]],
    [
      'occurredAt',
      ['1773757800000', 'null', '"yesterday"', '"2026-03-17"', '"2026-03-17T14:30:00"'],
    ],
    ['subject', ['1', 'null', '{}', `"${'a'.repeat(257)}"`, '"\\ud800"', '"a\\u0000"']],
    ['orderingKey', ['1', '[]', `"${'é'.repeat(257)}"`, '"\\udc00\\ud800"']],
    ['actor', ['null', '[]', '"alice"', '1']],
    ['context', ['null', '[]', 'true']],
    [
      'channels',
      ['"a"', 'null', '{}', '[1]', '["a",null]', `["${'a'.repeat(129)}"]`, '["\\u0000"]'],
    ],
    ['channels', [`[${Array(17).fill('"a"').join()}]`]],
    ['headers', ['null', '"a"', '1', '[1]', '["a"]', '[[]]', '[{}]', '{"A":1}', '{"A":null}']],
    [
      'headers',
      ['[{"name":"A"}]', '[{"name":"A","value":1}]', '[{"name":"A","value":"b","x":"c"}]'],
    ],
    [
      'headers',
      ['[{"name":"A","name":"B","value":"c"}]', '{"A":"1","A":"2"}', '{"A":"1","\\u0041":"2"}'],
    ],
    ['headers', ['{"Host":"x"}', '[{"name":"WebHook-ID","value":"x"}]', '{"a b":"x"}', '{"":"x"}']],
    [
      'headers',
      ['{"A":"b\\r\\nC: d"}', '{"A":"\\u0000"}', '{"A":"\\u010a"}', '{"A\\r":"b"}', '{"é":"b"}'],
    ],
    ['headers', [`[${Array(33).fill('{"name":"A","value":"b"}').join()}]`]],
    ['headers', [`{${Array.from({ length: 33 }, (_, i) => `"A${i}":"b"`).join()}}`]],
  ])('a wrong %s', (name, values) => {
    for (const value of values) {
      const error = field(`"${name}":${value}`);
      expect(error, value).toMatchObject({
        code: 'invalid_request',
        field: name,
        index: undefined,
      });
      expect(error.offset).toBeGreaterThanOrEqual(12);
      expect(error.message.startsWith(`${name} `)).toBe(true);
    }
  });

  test('a string of a megabyte for a short field, without decoding it', () => {
    expect(field(`"id":"${'a'.repeat(1_000_000)}"`).message).toMatch(/at most 128 characters/);
  });

  test('a header value without repeating it', () => {
    expect(field('"headers":{"Authorization":"hunter2\\n"}').message).not.toMatch(/hunter2/);
  });
});

test.each(['user.created', 'mfa/setup/verify', 'MOIM:product.created', 'PostSignIn', '0', 'a_b-c'])(
  'isEventType takes %s',
  (name) => expect(isEventType(name)).toBe(true),
);

test('isEventType refuses a line break at the end', () => expect(isEventType('a\n')).toBe(false));
