import { describe, expect, test } from 'vitest';
import { DIALECT_NAMES, DialectError, type DialectName, type ParsedEvent } from '../message.ts';
import { dialects } from './index.ts';

/** What real systems were seen to send, and what others may: read as it is meant, or refused. */

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function parse(name: DialectName, body: string | Uint8Array, headers: [string, string][] = []) {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const list = headers.map(([header, value]) => ({ name: header, value }));
  return dialects[name].parse({ method: 'POST', headers: list, body: bytes });
}

/** `data` as its text, so that it can be compared. */
function says(parsed: ParsedEvent) {
  return { ...parsed, data: text(parsed.data) };
}

describe('casdoor', () => {
  const record = (change: object) =>
    JSON.stringify({
      action: 'login',
      name: 'n1',
      createdTime: '2025-03-05T08:43:22+08:00',
      ...change,
    });

  test('a body that a user reported, without language, response and detail', () => {
    const body = String.raw`{"id":0,"owner":"test","name":"","createdTime":"2025-03-05T08:43:22+08:00","organization":"test","clientIp":"192.168.0.100","user":"abc","method":"POST","requestUri":"/","action":"update-user","language":"zh","object":"{\"owner\":\"test\",\"avatar\":\"https://\",\"displayName\":\"alice\"}","statusCode":200,"isTriggered":false,"extendedUser":null}`;
    expect(says(parse('casdoor', body, [['Webhook-Id', 'evt_1']]))).toMatchObject({
      type: 'update-user',
      occurredAt: Date.parse('2025-03-05T00:43:22Z'),
      id: 'evt_1',
      tenant: 'test',
      actor: { name: 'abc' },
      context: { clientIp: '192.168.0.100', timezone: '+08:00', language: 'zh' },
      data: '{"owner":"test","avatar":"https://","displayName":"alice"}',
    });
  });

  test.each([
    ['no JSON', '"GET /api"', '"GET /api"'],
    ['an object that somebody parsed already', '{"a": 1.0}', '{"a": 1.0}'],
    ['nothing', '""', 'null'],
    ['null', 'null', 'null'],
    [
      'JSON with numbers beyond doubles',
      JSON.stringify('[12345678901234567890]'),
      '[12345678901234567890]',
    ],
    ['JSON that is nested too deep to be read', JSON.stringify('['.repeat(65)), undefined],
  ])('an object that is %s', (_, object, data) => {
    const body = record({}).replace('{', `{"object":${object},`);
    expect(text(parse('casdoor', body).data)).toBe(data ?? object);
  });

  test('a time that is empty, as records of old versions have', () => {
    expect(parse('casdoor', record({ createdTime: '' })).occurredAt).toBeUndefined();
  });
});

test('casdoor-docs: the documented payload, line breaks and all', () => {
  const body =
    '{\n"event": "login",\n"timestamp": 1709452800,\n"user": {\n"id": "12345",\n"username": "johndoe"\n}\n}';
  expect(says(parse('casdoor-docs', body))).toMatchObject({
    type: 'login',
    occurredAt: 1_709_452_800_000,
    data: '{\n"id": "12345",\n"username": "johndoe"\n}',
  });
});

describe('ferriskey', () => {
  test('the documented example', () => {
    const body = `{
  "event": "user.created",
  "timestamp": "2026-03-17T14:30:00.000Z",
  "resource_id": "01914b3c-5678-7f5a-b456-000000000002",
  "data": {
    "username": "alice"
  }
}`;
    const id = '019cfa6f-0000-7000-8000-000000000000';
    expect(says(parse('ferriskey', body, [['X-FerrisKey-Delivery-Id', id]]))).toEqual({
      type: 'user.created',
      occurredAt: Date.UTC(2026, 2, 17, 14, 30),
      id,
      tenant: undefined,
      endpoint: undefined,
      subject: '01914b3c-5678-7f5a-b456-000000000002',
      actor: undefined,
      context: { timestamp: '2026-03-17T14:30:00.000Z' },
      data: '{\n    "username": "alice"\n  }',
    });
  });

  test.each(['{"a":1}', '"01914b3c-5678-7f5a-b456-00000000000c"', '["a","b"]', 'null'])(
    'data of any kind: %s',
    (data) => {
      expect(text(parse('ferriskey', `{"event":"a.b","data":${data}}`).data)).toBe(data);
    },
  );
});

describe('logto', () => {
  test('a logged body, whose keys the database sorted', () => {
    const body =
      '{"ip":"::1","data":{"id":"xz7nbya58wb7","lastSignInAt":1727746674050},"event":"User.Data.Updated","hookId":"1exbl3nls4x8qwk5y1vhu","createdAt":"2024-10-01T01:37:55.070Z","userAgent":"node"}';
    expect(says(parse('logto', body))).toMatchObject({
      type: 'User.Data.Updated',
      occurredAt: Date.UTC(2024, 9, 1, 1, 37, 55, 70),
      endpoint: '1exbl3nls4x8qwk5y1vhu',
      context: { ip: '::1', userAgent: 'node' },
      data: '{"id":"xz7nbya58wb7","lastSignInAt":1727746674050}',
    });
  });

  test('keys that a later version may add are kept', () => {
    const body =
      '{"event":"User.Created","createdAt":"2026-01-01T00:00:00.000Z","newKey":[1],"data":1}';
    expect(says(parse('logto', body))).toMatchObject({ context: { newKey: [1] }, data: '1' });
  });

  test('the sample that its console sends', () => {
    const body =
      '{"event":"PostSignIn","hookId":"h","createdAt":"2026-01-01T00:00:00.000Z","userAgent":"node","sessionId":"fake-session-id","userId":"fake-id","user":{"id":"fake-id"}}';
    expect(says(parse('logto', body))).toMatchObject({
      actor: { id: 'fake-id' },
      context: { sessionId: 'fake-session-id' },
      data: '{"user":{"id":"fake-id"}}',
    });
  });
});

describe('cand', () => {
  test('the documented shape', () => {
    const body =
      '{"module":"MOIM","type":"product.created","context":{"originCommunityId":"C1","userId":"U1","communityId":"C2","profileId":"P1"},"payload":{"id":"CP:AK290DKFJD"}}';
    expect(says(parse('cand', body))).toMatchObject({
      type: 'MOIM:product.created',
      occurredAt: undefined,
      id: undefined,
      tenant: 'C2',
      actor: { id: 'U1', profileId: 'P1' },
      context: { originCommunityId: 'C1', communityId: 'C2' },
      data: '{"id":"CP:AK290DKFJD"}',
    });
  });

  test('without a context', () => {
    expect(parse('cand', '{"module":"MOIM","type":"a.b"}')).toMatchObject({
      type: 'MOIM:a.b',
      tenant: undefined,
      actor: undefined,
      context: undefined,
    });
  });
});

describe('caisy', () => {
  const body = (trigger: string) => `{"event_id":"e1","webhook":{"trigger":"${trigger}"}}`;

  test.each([
    ['project_member_assinged', 'project_member_assigned'],
    ['project_member_assigned', 'project_member_assigned'],
    ['project_member_deassinged', 'project_member_deassigned'],
    ['PROJECT_MEMBER_DEASSINGED', 'project_member_deassigned'],
    ['document_update', 'document_update'],
    ['something_new', 'something_new'],
  ])('the trigger %s is %s', (trigger, type) => {
    expect(parse('caisy', body(trigger)).type).toBe(type);
  });

  test.each(['__proto__', 'constructor', 'toString'])('%s is no known misspelling', (trigger) => {
    if (trigger.startsWith('_')) expect(() => parse('caisy', body(trigger))).toThrow(DialectError);
    else expect(parse('caisy', body(trigger)).type).toBe(trigger);
  });
});

describe.each(DIALECT_NAMES.filter((name) => name !== 'custom'))('%s refuses', (name) => {
  test.each([
    ['cut JSON', '{"event":'],
    ['two values', '{}{}'],
    ['a byte order mark', '\ufeff{}'],
    ['invalid UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['100,000 brackets', '['.repeat(100_000)],
    ['100,000 nested objects', '{"a":'.repeat(100_000)],
    ['text', 'hello'],
  ])('%s', (_, body) => {
    expect(() => parse(name, body)).toThrow(DialectError);
  });

  if (name === 'raw') return;
  test.each([
    ['nothing', ''],
    ['an array', '[]'],
    ['an object without a type', '{"data":1}'],
    ['a type that is no text', '{"type":1,"event":1,"action":1,"webhook":{"trigger":1}}'],
    [
      'a type with a line break',
      String.raw`{"type":"a\nb","event":"a\nb","action":"a\nb","webhook":{"trigger":"a\nb"}}`,
    ],
    [
      'a key given twice',
      '{"type":"a","event":"a","action":"a","x":1,"x":2,"webhook":{"trigger":"a"}}',
    ],
  ])('%s', (_, body) => {
    expect(() => parse(name, body)).toThrow(DialectError);
  });
});

test('the name __proto__ is a member like others', () => {
  const parsed = parse(
    'standard',
    '{"type":"a.b","data":{"__proto__":1},"actor":{"__proto__":{"x":1}}}',
  );
  expect(text(parsed.data)).toBe('{"__proto__":1}');
  expect(Object.keys(parsed.actor ?? {})).toEqual(['__proto__']);
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

test('an id that comes twice is no id', () => {
  const twice: [string, string][] = [
    ['webhook-id', 'a'],
    ['Webhook-Id', 'b'],
  ];
  expect(parse('standard', '{"type":"a.b"}', twice).id).toBeUndefined();
});

test('custom without its description says so', () => {
  expect(() => parse('custom', '{"type":"a.b"}')).toThrow(/needs its description/);
});
