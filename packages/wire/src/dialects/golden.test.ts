import { describe, expect, test } from 'vitest';
import { DIALECT_NAMES } from '../message.ts';
import { importSecret } from '../secret-kind.ts';
import { type Golden, headersOf, inputOf, readGolden } from './golden.suite.ts';
import { dialects } from './index.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

function requestOf(one: Golden) {
  const { custom } = one.endpoint;
  return {
    method: one.method,
    headers: headersOf(one.headers),
    body: new TextEncoder().encode(one.body),
    ...(custom ? { custom } : {}),
  };
}

describe.each(DIALECT_NAMES)('%s', (name) => {
  const dialect = dialects[name];
  const golden = readGolden(name);

  test('has golden messages, each with a name of its own', () => {
    expect(golden.length).toBeGreaterThanOrEqual(4);
    expect(new Set(golden.map((one) => one.name)).size).toBe(golden.length);
  });

  test.each(golden)('body: $name', (one) => {
    const body = dialect.body(inputOf(one));
    expect(text(body)).toBe(one.body);
  });

  test.each(golden)('headers: $name', (one) => {
    const kind = dialect.traits.secret(one.endpoint.custom ?? null);
    const headers = dialect.headers({
      ...inputOf(one),
      body: new TextEncoder().encode(one.body),
      webhookId: one.webhookId,
      timestampS: one.timestampS,
      keys: one.secrets.map((secret) => importSecret(kind, secret)),
      extra: headersOf(one.extra),
    });
    expect(headers.map((header) => [header.name, header.value])).toEqual(one.headers);
  });

  test.each(golden)('parse: $name', (one) => {
    const { data, ...says } = dialect.parse(requestOf(one));
    expect({ ...says, data: text(data) }).toEqual(one.parsed);
  });

  test.each(golden)('what was parsed makes the same body again: $name', (one) => {
    const input = inputOf(one);
    const says = dialect.parse(requestOf(one));
    const { subject, actor, context } = says;
    const event = {
      ...input.event,
      type: says.type ?? input.event.type,
      occurredAt: says.occurredAt ?? input.event.occurredAt,
      meta: JSON.stringify({ subject, actor, context }),
      data: says.data,
    };
    // Chosen fields were chosen already, under the names that they were sent with.
    const { actorFields } = input.endpoint;
    const endpoint = { ...input.endpoint, fields: [], actorFields: actorFields && [] };
    expect(text(dialect.body({ ...input, event, endpoint }))).toBe(one.body);
  });
});
