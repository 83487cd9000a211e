import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Header, headerValue } from '../header.ts';
import type { WireEndpoint, WireEvent, WireTenant } from '../message.ts';
import { importKey, SignatureError, verify } from '../signature.ts';
import { VERSION } from '../version.ts';
import { headersOf, PLAIN, readGolden } from './golden.suite.ts';
import { dialects } from './index.ts';

const read = (path: string): unknown =>
  JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
const { standard } = dialects;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const event: WireEvent = {
  id: 'evt_1',
  type: 'user.created',
  tenant: 'default',
  occurredAt: 0,
  meta: '',
  data: bytes('1'),
};
const endpoint: WireEndpoint = { ...PLAIN, id: 'ep_1' };
const tenant: WireTenant = { id: 'default', alias: null, parent: null };
const keys = [importKey(`whsec_${Buffer.alloc(32).toString('base64')}`)];
const attempt = {
  event,
  endpoint,
  tenant,
  extra: [],
  body: bytes('{}'),
  webhookId: 'evt_1',
  timestampS: 7,
  keys,
};

const render = (of: WireEvent) => standard.body({ event: of, endpoint, tenant });

test.each(readGolden('standard'))('every key verifies the golden message: $name', (one) => {
  const body = new TextEncoder().encode(one.body);
  const header = (name: string) => headerValue(headersOf(one.headers), name);
  for (const secret of one.secrets) {
    const result = verify({
      id: header('webhook-id'),
      timestamp: header('webhook-timestamp'),
      signature: header('webhook-signature'),
      body,
      keys: [importKey(secret)],
      nowS: one.timestampS,
    });
    expect(result.ok).toBe(true);
  }
});

test('a body has memory of its own, for it is kept and handed to threads', () => {
  const body = render(event);
  expect(body.byteLength).toBe(body.buffer.byteLength);
});

test('the body of an event without data says null', () => {
  const body = render({ ...event, data: new Uint8Array(0) });
  expect(Buffer.from(body).toString()).toBe(
    '{"type":"user.created","timestamp":"1970-01-01T00:00:00.000Z","data":null}',
  );
});

test('the body carries bytes that are no text untouched, and leaves its input alone', () => {
  const data = Uint8Array.of(0x22, 0xff, 0x22);
  const body = render({ ...event, data });
  expect([...body.subarray(-4)]).toEqual([0x22, 0xff, 0x22, 0x7d]);
  expect([...data]).toEqual([0x22, 0xff, 0x22]);
});

test.each(['a"b', 'ü', '', 'a\n'])('refuses to print the type %j', (type) => {
  expect(() => render({ ...event, type })).toThrow(/valid type/);
});

test('refuses a time that has no text', () => {
  expect(() => render({ ...event, occurredAt: Number.NaN })).toThrow(RangeError);
});

test('each attempt signs anew: another second, another signature, the same id', () => {
  const signature = (headers: Header[]): string | undefined => headers[4]?.value;
  const first = standard.headers(attempt);
  const second = standard.headers({ ...attempt, timestampS: 8 });
  expect(signature(first)).not.toBe(signature(second));
  expect(first[2]).toEqual(second[2]);
});

test('never sends an unsigned message', () => {
  expect(() => standard.headers({ ...attempt, keys: [] })).toThrow(SignatureError);
});

test('refuses a webhook id that could move the border of what is signed', () => {
  expect(() => standard.headers({ ...attempt, webhookId: 'evt_1.7' })).toThrow(SignatureError);
});

test('the version is the one of package.json', () => {
  expect(read('../../package.json')).toMatchObject({ version: VERSION });
});
