import { ApiError, type Client } from '@posthorn/api';
import { describe, expect, test } from 'vitest';
import { startServer } from './harness.suite.ts';

/** What people may say about an endpoint's format, and what is refused because it could not be sent. */

const tenant = 'default';
const url = 'https://example.com/hooks';
const WHSK =
  'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
type Create = Parameters<Client['createEndpoint']>[0]['body'];

const SIGNATURE = { header: 'X-Sig', algorithm: 'hmac-sha256', encoding: 'hex' } as const;

async function refusal(promise: Promise<unknown>) {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiError)) throw new Error(`not refused: ${String(error)}`);
  return { code: error.code, field: error.problem?.['field'], detail: error.problem?.detail };
}

describe('an endpoint', () => {
  test('without a word about its format has the one of its tenant, at last standard', async () => {
    const { admin } = await startServer();
    const created = await admin.createEndpoint({ tenant, body: { url } });
    expect(created).toMatchObject({
      dialect: null,
      alias: null,
      contentType: null,
      fields: [],
      actorFields: null,
      custom: null,
      standardHeaders: false,
    });
    expect(created.secret).toMatch(/^whsec_/);
  });

  test('is read back as it was given, what was left out spelled out', async () => {
    const { admin } = await startServer();
    const body: Create = {
      url,
      dialect: 'custom',
      alias: 'hook-7',
      contentType: 'application/vnd.acme+json; charset=utf-8',
      fields: ['id'],
      actorFields: ['name'],
      custom: { signature: SIGNATURE },
      standardHeaders: true,
    };
    const { id } = await admin.createEndpoint({ tenant, body });
    expect(await admin.getEndpoint({ tenant, endpoint: id })).toMatchObject({
      ...body,
      custom: {
        body: 'envelope',
        idHeader: null,
        typeHeader: null,
        timestampHeader: null,
        timestampFormat: 'seconds',
        signature: { ...SIGNATURE, prefix: '', content: '{body}' },
      },
    });
  });

  test.each([
    ['ferriskey', /^[0-9a-f]{64}$/],
    ['logto', /^[0-9A-Za-z]{32}$/],
    ['casdoor', /^whsec_/],
    ['caisy', /^whsec_/],
  ] as const)('of %s gets a secret as that system makes them', async (dialect, form) => {
    const { admin } = await startServer();
    const created = await admin.createEndpoint({ tenant, body: { url, dialect } });
    expect(created.secret).toMatch(form);
  });

  test.each<[string, Partial<Create>, string, RegExp]>([
    ['custom without its format', { dialect: 'custom' }, 'custom', /needed/],
    ['a format that nobody sends', { custom: {} }, 'custom', /set it to null/],
    [
      'a format that leaves the body unsigned',
      { dialect: 'custom', custom: { signature: { ...SIGNATURE, content: '{id}' } } },
      'custom.signature.content',
      /\{body\}/,
    ],
    [
      'a header that the dialect sets',
      { dialect: 'ferriskey', headers: [{ name: 'X-FerrisKey-Signature', value: 'x' }] },
      'headers.0',
      /ferriskey sets it itself/,
    ],
    [
      'the same of logto',
      { dialect: 'logto', headers: [{ name: 'logto-signature-sha-256', value: 'x' }] },
      'headers.0',
      /reserved/,
    ],
    [
      'the same of an own format',
      { dialect: 'custom', custom: { idHeader: 'X-Id' }, headers: [{ name: 'x-id', value: 'x' }] },
      'headers.0',
      /reserved/,
    ],
    [
      'another content type where it is fixed',
      { dialect: 'ferriskey', contentType: 'text/plain' },
      'contentType',
      /leave it null/,
    ],
    [
      'an actor where there is no place',
      { dialect: 'caisy', actorFields: [] },
      'actorFields',
      /no place/,
    ],
    [
      'an actor beside bare data',
      { dialect: 'custom', custom: { body: 'data' }, actorFields: [] },
      'actorFields',
      /no place/,
    ],
    ['a secret that is no key', { dialect: 'casdoor', secret: 'password' }, 'secret', /whsec_/],
    [
      'an HMAC secret for ed25519',
      {
        dialect: 'custom',
        custom: { signature: { ...SIGNATURE, algorithm: 'ed25519' } },
        secret: WHSEC,
      },
      'secret',
      /whsk_/,
    ],
    [
      'standard headers with a secret too short for them',
      { dialect: 'logto', secret: 'short', standardHeaders: true },
      'standardHeaders',
      /24 to 64/,
    ],
  ])('with %s is refused', async (_, body, field, message) => {
    const { admin } = await startServer();
    const refused = await refusal(admin.createEndpoint({ tenant, body: { url, ...body } }));
    expect(refused).toEqual({
      code: 'invalid_request',
      field,
      detail: expect.stringMatching(message),
    });
  });

  test.each(['text', 'text/', 'text/html\r\nX: 1', 'a/b; c'])(
    'content type %j is none',
    async (contentType) => {
      const { admin } = await startServer();
      const refused = await refusal(admin.createEndpoint({ tenant, body: { url, contentType } }));
      expect(refused.code).toBe('invalid_request');
    },
  );
});

describe('changing the dialect', () => {
  test('keeps any secret where any text is one', async () => {
    const { admin } = await startServer();
    const { id: endpoint, secret } = await admin.createEndpoint({ tenant, body: { url } });
    await admin.updateEndpoint({ tenant, endpoint, body: { dialect: 'logto' } });
    expect(await admin.getEndpointSecret({ tenant, endpoint })).toMatchObject({ secret });
  });

  test('is refused while the secret does not fit, and works after rotating to one that does', async () => {
    const { admin } = await startServer();
    const body = { url, dialect: 'ferriskey' } as const;
    const { id: endpoint } = await admin.createEndpoint({ tenant, body });
    const change = () => admin.updateEndpoint({ tenant, endpoint, body: { dialect: 'standard' } });
    expect(await refusal(change())).toMatchObject({
      code: 'invalid_request',
      field: 'secret',
      detail: expect.stringContaining('rotate it to a fitting one first'),
    });
    await admin.rotateEndpointSecret({ tenant, endpoint, body: { secret: WHSEC } });
    expect(await change()).toMatchObject({ dialect: 'standard' });
  });

  test('is refused for an old secret that signs on, and says how to end that', async () => {
    const { admin } = await startServer();
    const body = { url, dialect: 'logto', standardHeaders: true } as const;
    const { id: endpoint } = await admin.createEndpoint({ tenant, body });
    await admin.rotateEndpointSecret({ tenant, endpoint, body: { secret: WHSEC } });
    const changed = admin.updateEndpoint({ tenant, endpoint, body: { dialect: 'standard' } });
    expect((await refusal(changed)).detail).toContain('rotate with overlapS 0');
  });

  test('to one that reserves a header of the endpoint is refused', async () => {
    const { admin } = await startServer();
    const headers = [{ name: 'Content-Type', value: 'text/plain' }];
    const { id: endpoint } = await admin.createEndpoint({ tenant, body: { url, headers } });
    const changed = admin.updateEndpoint({ tenant, endpoint, body: { dialect: 'ferriskey' } });
    expect(await refusal(changed)).toMatchObject({ field: 'headers.0' });
  });
});

describe('secrets', () => {
  test('of a format with one signature are replaced at once', async () => {
    const { admin } = await startServer();
    const body = { url, dialect: 'logto' } as const;
    const { id: endpoint, secret } = await admin.createEndpoint({ tenant, body });
    const rotated = await admin.rotateEndpointSecret({ tenant, endpoint });
    expect(rotated.secret).not.toBe(secret);
    expect(rotated.secret).toMatch(/^[0-9A-Za-z]{32}$/);
    expect(rotated.previous).toEqual([]);
  });

  test('that are any text show what verifies the standard headers', async () => {
    const { admin } = await startServer();
    const body = { url, dialect: 'ferriskey', standardHeaders: true } as const;
    const { id: endpoint, secret } = await admin.createEndpoint({ tenant, body });
    const shown = await admin.getEndpointSecret({ tenant, endpoint });
    expect(shown.standardSecret).toBe(`whsec_${Buffer.from(secret).toString('base64')}`);
    const rotated = await admin.rotateEndpointSecret({ tenant, endpoint });
    expect(rotated.previous).toMatchObject([{ secret }]);
  });

  test('that only look like keys are shown without a public key', async () => {
    const { admin } = await startServer();
    const body = { url, dialect: 'logto', secret: 'whsk_no key at all' } as const;
    const { id: endpoint } = await admin.createEndpoint({ tenant, body });
    expect(await admin.getEndpointSecret({ tenant, endpoint })).toMatchObject({
      publicKey: null,
      standardSecret: null,
    });
  });

  test('of ed25519 show the public key', async () => {
    const { admin } = await startServer();
    const custom = { signature: { ...SIGNATURE, algorithm: 'ed25519' } } as const;
    const body = { url, dialect: 'custom', custom, secret: WHSK } as const;
    const { id: endpoint } = await admin.createEndpoint({ tenant, body });
    const { publicKey } = await admin.getEndpointSecret({ tenant, endpoint });
    expect(publicKey).toBe('whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=');
  });
});

describe('a tenant', () => {
  test('hands its dialect down, and its children theirs', async () => {
    const { admin } = await startServer();
    await admin.putTenant({
      tenant: 'top',
      body: { defaults: { dialect: 'logto' }, alias: 'Top' },
    });
    await admin.putTenant({ tenant: 'low', body: { parent: 'top' } });
    expect(await admin.getTenant({ tenant: 'top' })).toMatchObject({
      alias: 'Top',
      defaults: { dialect: 'logto' },
    });
    const { secret } = await admin.createEndpoint({ tenant: 'low', body: { url } });
    expect(secret).toMatch(/^[0-9A-Za-z]{32}$/);
  });

  test('cannot hand down custom', async () => {
    const { admin } = await startServer();
    const put = admin.putTenant({ tenant: 'top', body: { defaults: { dialect: 'custom' } } });
    expect(await refusal(put)).toMatchObject({
      code: 'invalid_request',
      field: 'defaults.dialect',
    });
  });

  test('cannot hand down what an endpoint below could not send with, whoever is asked', async () => {
    const { admin } = await startServer();
    await admin.putTenant({ tenant: 'top', body: { defaults: { dialect: 'ferriskey' } } });
    await admin.putTenant({ tenant: 'low', body: { parent: 'top' } });
    const { id } = await admin.createEndpoint({ tenant: 'low', body: { url } });
    const other = { url, dialect: 'ferriskey' } as const;
    await admin.createEndpoint({ tenant: 'top', body: other });

    const put = admin.putTenant({ tenant: 'top', body: { defaults: { dialect: 'standard' } } });
    expect(await refusal(put)).toMatchObject({
      code: 'conflict',
      detail: expect.stringContaining(id),
    });
    const moved = admin.putTenant({ tenant: 'low', body: { parent: null } });
    expect(await refusal(moved)).toMatchObject({ code: 'conflict' });

    await admin.updateEndpoint({ tenant: 'low', endpoint: id, body: { dialect: 'ferriskey' } });
    await admin.putTenant({ tenant: 'top', body: { defaults: { dialect: 'standard' } } });
  });
});
