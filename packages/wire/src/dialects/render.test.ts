import { describe, expect, test } from 'vitest';
import type { CustomFormat } from '../custom-format.ts';
import { DIALECT_NAMES, DialectError, type RenderInput, type WireEndpoint } from '../message.ts';
import { importSecret, makeSecret } from '../secret-kind.ts';
import { SignatureError } from '../signature.ts';
import { PLAIN } from './golden.suite.ts';
import { dialects } from './index.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (body: Uint8Array) => new TextDecoder().decode(body);

function input(data: string, endpoint: Partial<WireEndpoint> = {}, meta = ''): RenderInput {
  return {
    event: { id: 'evt_1', type: 'a.b', tenant: 't', occurredAt: 0, meta, data: bytes(data) },
    endpoint: { ...PLAIN, id: 'ep_1', ...endpoint },
    tenant: { id: 't', alias: null, parent: null },
  };
}

describe('a form', () => {
  const contentType = 'application/x-www-form-urlencoded';

  test.each([
    ['nested data', '{"a":{"b":1}}', /data\.a/],
    ['a list in it', '{"a":[1]}', /data\.a/],
    ['no object', '[1]', /an object/],
    ['a text', '"x"', /an object/],
  ])('cannot hold %s, and says what to do', (_, data, message) => {
    for (const name of ['standard', 'raw'] as const) {
      const render = () => dialects[name].body(input(data, { contentType }));
      expect(render).toThrow(DialectError);
      expect(render).toThrow(message);
    }
  });

  test('of a nested actor is refused, naming it', () => {
    const one = input('{}', { contentType, actorFields: [] }, '{"actor":{"tags":["a"]}}');
    expect(() => dialects.standard.body(one)).toThrow(/actor\.tags/);
  });

  test.each(['casdoor', 'casdoor-docs', 'cand', 'caisy', 'logto'] as const)(
    '%s says so and sends JSON',
    (name) => {
      const one = input('{"a":{"b":1}}', { contentType });
      expect(() => JSON.parse(text(dialects[name].body(one)))).not.toThrow();
    },
  );
});

describe.each(DIALECT_NAMES)('%s', (name) => {
  const { body, headers, traits } = dialects[name];
  const custom: CustomFormat = {
    body: 'envelope',
    idHeader: 'X-Id',
    typeHeader: null,
    timestampHeader: null,
    timestampFormat: 'seconds',
    signature: {
      header: 'X-Sig',
      algorithm: 'hmac-sha256',
      encoding: 'hex',
      prefix: '',
      content: '{body}',
    },
  };
  const own = name === 'custom' ? { custom } : {};
  const kind = traits.secret(own.custom ?? null);
  const attempt = (change: object = {}) => ({
    ...input('{"a":1}', own),
    body: bytes('{"a":1}'),
    webhookId: 'evt_1',
    timestampS: 7,
    keys: [importSecret(kind, makeSecret(kind))],
    extra: [],
    ...change,
  });

  test('changes nothing of what it is given', () => {
    const one = input('{"a":1}', own, '{"actor":{"id":"u"},"context":{"ip":"::1"}}');
    const before = structuredClone(one);
    const first = text(body(one));
    expect(one).toEqual(before);
    expect(text(body(one))).toBe(first);
  });

  test('sends each header once, and the reserved ones as it makes them', () => {
    const reserved = traits.reserved(own.custom ?? null);
    const extra = [...reserved, 'X-Mine', 'x-mine'].map((header) => ({
      name: header,
      value: 'forged',
    }));
    const sent = headers(attempt({ extra }));
    const names = sent.map((header) => header.name.toLowerCase());
    const once = traits.lowerCase ? names.filter((one) => one !== 'x-mine') : names;
    expect(new Set(once).size).toBe(once.length);
    for (const header of sent) {
      if (reserved.includes(header.name.toLowerCase())) expect(header.value).not.toBe('forged');
    }
  });

  test('names in lower case where its system writes them so', () => {
    const extra = [{ name: 'X-Mine', value: '1' }];
    const sent = headers(attempt({ extra })).map((header) => header.name);
    if (traits.lowerCase) expect(sent).toEqual(sent.map((header) => header.toLowerCase()));
    else expect(sent).toContain('X-Mine');
  });

  test('adds the headers of Standard Webhooks when asked, each once', () => {
    const endpoint = { ...PLAIN, ...own, id: 'ep_1', standardHeaders: true };
    const sent = headers(attempt({ endpoint })).map((header) => header.name);
    for (const header of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
      expect(sent.filter((one) => one === header)).toHaveLength(1);
    }
  });

  test('never sends unsigned what is to be signed', () => {
    const signs = ['standard', 'ferriskey', 'logto', 'custom'].includes(name);
    if (signs) expect(() => headers(attempt({ keys: [] }))).toThrow(SignatureError);
    else expect(headers(attempt({ keys: [] })).join()).not.toContain('signature');
    const endpoint = { ...PLAIN, ...own, id: 'ep_1', standardHeaders: true };
    expect(() => headers(attempt({ endpoint, keys: [] }))).toThrow(SignatureError);
  });
});

test('custom without a format cannot be rendered', () => {
  expect(() => dialects.custom.body(input('{}'))).toThrow(/no custom format/);
});

test('a key of the wrong kind is refused, not used', () => {
  const ed25519 = importSecret('ed25519', makeSecret('ed25519'));
  const attempt = { ...input('{}'), body: bytes('{}'), webhookId: 'e', timestampS: 7, extra: [] };
  expect(() => dialects.logto.headers({ ...attempt, keys: [ed25519] })).toThrow(SignatureError);
  expect(() => dialects.ferriskey.headers({ ...attempt, keys: [ed25519] })).toThrow(SignatureError);
});

test('a module of canD with a colon is none: both are read back from the first colon on', () => {
  const context = (module: string) => JSON.stringify({ context: { module } });
  const sent = (type: string, module: string) => {
    const { event, ...rest } = input('{}', {}, context(module));
    const body = dialects.cand.body({ ...rest, event: { ...event, type } });
    const { type: read } = dialects.cand.parse({ method: 'POST', headers: [], body });
    return { ...(JSON.parse(text(body)) as { module: string; type: string }), read };
  };
  expect(sent('0', '0:')).toMatchObject({ module: 'MOIM', type: '0', read: 'MOIM:0' });
  expect(sent('0::0', 'SHOP')).toMatchObject({ module: 'SHOP', type: ':0', read: 'SHOP::0' });
});
