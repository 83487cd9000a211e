import { describe, expect, test } from 'vitest';
import { type Golden, headersOf, readGolden } from '../dialects/golden.suite.ts';
import { dialects } from '../dialects/index.ts';
import { headerBag } from '../header-bag.ts';
import type { DialectName } from '../message.ts';
import { createReceiver } from '../receiver.ts';
import { createTestKit } from '../testkit/index.ts';
import { createVerifier } from '../verifier.ts';
import * as schemes from './index.ts';
import type { Scheme, Verified } from './scheme.ts';

/** The receiving side against the golden messages of the sending side, byte for byte. */

const formats: [DialectName, Scheme][] = [
  ['standard', schemes.standard()],
  ['logto', schemes.logto()],
  ['ferriskey', schemes.ferriskey()],
  ['casdoor', schemes.casdoor()],
  ['casdoor-docs', schemes.casdoor()],
  ['cand', schemes.cand()],
  ['caisy', schemes.caisy()],
];

function requestOf({ headers, body }: Golden) {
  const bag = headerBag(headersOf(headers));
  return { raw: Buffer.from(body), headers: bag, url: '/', method: 'POST' };
}

const UNVERIFIED: Verified = { scheme: '', id: undefined, sentAt: undefined, keyIndex: 0 };

describe.each(formats)('%s', (name, scheme) => {
  const goldens = readGolden(name);

  test('there are golden messages', () => expect(goldens.length).toBeGreaterThan(0));

  test.each(goldens)('reads what its sender wrote: $name', (golden) => {
    const says = dialects[name].parse({
      method: golden.method,
      headers: headersOf(golden.headers),
      body: Buffer.from(golden.body),
    });
    const described = scheme.describe(requestOf(golden), { ...UNVERIFIED, id: says.id });
    expect(described.type).toBe(says.type);
    expect(described.id).toBe(says.id);
    expect(described.at?.getTime()).toBe(says.occurredAt);
    expect(described.payload).toEqual(JSON.parse(Buffer.from(says.data).toString()));
    expect(described.subject).toBe(says.subject);
  });
});

describe.each([
  ['logto', schemes.logto()],
  ['ferriskey', schemes.ferriskey()],
  ['standard', schemes.standard()],
] as const)('%s, signed by the sending side', (name, scheme) => {
  test.each(readGolden(name).filter(({ secrets }) => secrets.length > 0))(
    '$name',
    async (golden) => {
      const { timestampS, secrets, body } = golden;
      // Senders take any text as a secret; receivers want one that cannot be guessed.
      const secret = secrets[0] ?? '';
      if (secret.length < 16) return;
      const now = () => timestampS * 1000;
      const verifier = createVerifier({ scheme, secrets: secret, now });
      const headers = headersOf(golden.headers);
      expect((await verifier.verify(body, headers)).keyIndex).toBe(0);
      expect((await verifier.safeVerify(`${body} `, headers)).ok).toBe(false);
    },
  );
});

test("Casdoor's object, JSON in a string, is the payload, whatever the content type says", async () => {
  const secret = 'a secret of sixteen or more';
  const kit = createTestKit({ scheme: schemes.casdoor(), secret });
  const payloads: unknown[] = [];
  const receiver = createReceiver({ scheme: schemes.casdoor(), secrets: secret }).on(
    'update-user',
    ({ payload }) => payloads.push(payload),
  );
  const event = kit.event('update-user', { owner: 'built-in', name: 'alice' });
  const form = event.header('content-type', 'application/x-www-form-urlencoded');
  expect((await event.send(receiver)).status).toBe(200);
  expect((await form.id('another').send(receiver)).status).toBe(200);
  expect(payloads).toEqual([{ owner: 'built-in', name: 'alice' }]);
});

test("canD's module and type are one name, and its URL is the secret", async () => {
  const secret = '0123456789abcdef0123456789abcdef';
  const scheme = schemes.cand();
  const url = `http://receiver.test/cand/${secret}`;
  const kit = createTestKit({ scheme, secret, url });
  const types: string[] = [];
  const receiver = createReceiver({ scheme, secrets: secret })
    .on('MOIM:product.*', ({ type }) => types.push(type))
    .onError(() => undefined);
  const event = kit.event('MOIM:product.created', { id: 'CP:AK290DKFJD' });
  expect((await event.send(receiver)).status).toBe(200);
  const { raw, headers } = await event.parts();
  expect((await receiver.receive({ raw, headers, url: '/cand/guess' })).status).toBe(401);
  expect(types).toEqual(['MOIM:product.created']);
});

test.each(formats.map(([, scheme]) => scheme))(
  '$name: a body of another format is refused',
  (scheme) => {
    const request = { ...requestOf({ headers: [], body: '[1]' } as unknown as Golden) };
    if (scheme.name === 'standard') {
      expect(scheme.describe(request, UNVERIFIED).payload).toEqual([1]);
      return;
    }
    expect(() => scheme.describe(request, UNVERIFIED)).toThrow(
      expect.objectContaining({ code: 'invalid_json', hint: expect.any(String) }),
    );
  },
);
