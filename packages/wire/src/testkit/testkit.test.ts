import { describe, expect, test } from 'vitest';
import { createReceiver } from '../receiver.ts';
import * as schemes from '../schemes/index.ts';
import type { EventBuilder, Target } from './event-builder.ts';
import { createTestKit } from './kit.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const scheme = schemes.standard();
const kit = createTestKit({ scheme, secret: SECRET });
const good = kit.event('user.created', { id: 'u_1' });

function receiver() {
  const codes: string[] = [];
  const made = createReceiver({ scheme, secrets: SECRET }).onError(({ code }) => codes.push(code));
  return Object.assign(made, { codes });
}

const chaos: [string, EventBuilder, string][] = [
  ['tampered', good.tampered(), 'signature_mismatch'],
  ['reserialised', good.reserialised(), 'signature_mismatch'],
  ['wrongSecret', good.wrongSecret(), 'signature_mismatch'],
  ['expired', good.expired(), 'timestamp_too_old'],
  ['fromFuture', good.fromFuture(), 'timestamp_in_future'],
  ['unsigned', good.unsigned(), 'missing_header'],
];

test.each(chaos)('%s is refused for its reason', async (_, event, code) => {
  const target = receiver();
  expect((await event.send(target)).status).toBeGreaterThanOrEqual(400);
  expect(target.codes).toEqual([code]);
});

test('a change makes a copy: the good one stays good', async () => {
  expect((await good.send(receiver())).status).toBe(200);
});

test('a request goes to a receiver, a function, an object with fetch, and nothing is lost', async () => {
  const handle = async (request: Request) =>
    new Response(`${await request.text()} ${request.headers.get('x-own')}`, { status: 207 });
  const targets: Target[] = [handle, { fetch: handle }];
  for (const target of targets) {
    const { status, body } = await kit.raw('a').header('X-Own', 'b').chunked(1).send(target);
    expect({ status, body }).toEqual({ status: 207, body: 'a b' });
  }
});

describe('fromCapture', () => {
  const capture = {
    headers: [
      { name: 'Host', value: 'inbox.example.com' },
      { name: 'Webhook-Id', value: 'msg_old' },
      { name: 'Webhook-Timestamp', value: '1700000000' },
      { name: 'Webhook-Signature', value: 'v1,old' },
      { name: 'X-Own', value: 'kept' },
    ],
    body: { encoding: 'base64', text: btoa('{"type":"user.created","data":{}}') },
  } as const;

  test('signs what an inbox captured anew', async () => {
    const own: (string | undefined)[] = [];
    const target = receiver().on('user.created', ({ headers }) => own.push(headers.get('x-own')));
    expect((await kit.fromCapture(capture).send(target)).status).toBe(200);
    expect(own).toEqual(['kept']);
  });

  test('or sends it as it was', async () => {
    const { raw, headers } = await kit.fromCapture(capture).unsigned().parts();
    expect(new TextDecoder().decode(raw)).toBe('{"type":"user.created","data":{}}');
    expect(headers).toMatchObject({ 'webhook-id': 'msg_old', 'webhook-signature': 'v1,old' });
    expect(headers).not.toHaveProperty('host');
    expect((await kit.fromCapture(capture).unsigned().send(receiver())).status).toBe(401);
  });
});
