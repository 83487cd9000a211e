import { createServer, type RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { createReceiver, createVerifier, schemes, type WebhookError } from '@posthorn/wire';
import { express } from '@posthorn/wire/express';
import { fastify } from '@posthorn/wire/fastify';
import { hono } from '@posthorn/wire/hono';
import { conformance, createTestKit } from '@posthorn/wire/testkit';
import express5 from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, test } from 'vitest';

/**
 * What other receivers do wrong in silence, one test each: a sender that is told of success although
 * nothing was done, a request that hangs, a forgery that passes.
 */

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const scheme = schemes.standard();
const kit = createTestKit({ scheme, secret: SECRET });
const good = () => kit.event('user.created', { id: 'u_1' });
const require = createRequire(import.meta.url);

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
}

function quiet(handler: () => unknown = () => undefined) {
  const codes: string[] = [];
  const receiver = createReceiver({ scheme, secrets: SECRET })
    .onAny(handler)
    .onError(({ code }) => codes.push(code));
  return { receiver, codes };
}

describe.each([
  ['Express 4', require('express4') as typeof express5],
  ['Express 5', express5],
])('mounted after express.json(), %s', (_, framework) => {
  test('is told at once with the fix in the hint, and is no 2xx', async () => {
    const hints: (string | undefined)[] = [];
    const receiver = createReceiver({ scheme, secrets: SECRET })
      .onAny(() => expect.unreachable())
      .onError(({ hint }) => hints.push(hint));
    const app = framework();
    app.use(framework.json());
    app.post('/in', express(receiver));
    const started = performance.now();
    const { status } = await good().send(await listen(app));
    expect(status).toBe(500);
    expect(performance.now() - started).toBeLessThan(1000);
    expect(hints[0]).toContain('captureRawBody');
  });

  test('a parser that leaves the body alone does no harm', async () => {
    const { receiver } = quiet();
    const app = framework();
    app.use(framework.json());
    app.post('/in', express(receiver));
    // express.json() only reads application/json; Casdoor's form header carries JSON too.
    const other = good().header('content-type', 'application/x-www-form-urlencoded');
    expect((await other.send(await listen(app))).status).toBe(200);
  });
});

test('a handler that threw is run again by the retry: the claim is released', async () => {
  let calls = 0;
  const { receiver } = quiet(() => {
    calls += 1;
    if (calls === 1) throw new Error('crashed');
  });
  const results = await good().duplicated(receiver, 2);
  expect(results.map(({ status }) => status)).toEqual([500, 200]);
  expect(calls).toBe(2);
});

test('a valid signature of what is not JSON is refused, and nothing is left unhandled', async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  const { receiver, codes } = quiet();
  const app = express5();
  app.post('/in', express(receiver));
  expect((await kit.raw('this is text').send(await listen(app))).status).toBe(400);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', onUnhandled);
  expect(codes).toEqual(['invalid_json']);
  expect(unhandled).toEqual([]);
});

describe('against standardwebhooks', () => {
  const verifier = createVerifier({ scheme, secrets: SECRET });
  const theirs = new Webhook(SECRET);
  const body = Buffer.from('{"type":"a"}');
  const at = new Date();
  const sign = (raw: Uint8Array) => scheme.sign({ raw, id: 'msg_1', at, secret: SECRET });
  const refusal = (promise: Promise<unknown>) =>
    promise.then(
      () => 'ok',
      (error: WebhookError) => error.code,
    );

  test('a Headers object is read', async () => {
    const headers = new Headers(await sign(body));
    expect((await verifier.verify(body, headers)).id).toBe('msg_1');
    expect(() => theirs.verify(body, headers as never)).toThrow('Missing required headers');
  });

  test('a Uint8Array is a body', async () => {
    const raw = new Uint8Array(body);
    expect((await verifier.verify(raw, await sign(raw))).id).toBe('msg_1');
    expect(() => theirs.verify(raw as never, {} as never)).toThrow();
  });

  test('a body that is not UTF-8 is verified by its bytes', async () => {
    const raw = Buffer.from([0x22, 0xff, 0x22]);
    const headers = await sign(raw);
    expect((await verifier.verify(raw, headers)).id).toBe('msg_1');
    expect(() => theirs.verify(raw, headers)).toThrow();
  });

  test('a form body is a refusal with a code, not a SyntaxError', async () => {
    const { receiver, codes } = quiet();
    expect((await kit.raw('a=b').send(receiver)).status).toBe(400);
    expect(codes).toEqual(['invalid_json']);
  });

  test('a timestamp with letters behind is refused', async () => {
    const headers = await sign(body);
    const junk = { ...headers, 'webhook-timestamp': `${headers['webhook-timestamp']}abc` };
    expect(await refusal(verifier.verify(body, junk))).toBe('malformed_header');
    // Theirs reads it with parseInt and accepts.
    expect(theirs.verify(body, junk)).toEqual({ type: 'a' });
  });

  test('an empty secret is refused when the program starts', () => {
    expect(() => createVerifier({ scheme, secrets: 'whsec_' })).toThrow(/empty/);
    // 1.0.0, which svix 1.x still brings along, takes it: anybody could sign.
    const { Webhook: old } = createRequire(require.resolve('svix'))('standardwebhooks');
    expect(() => new old('whsec_')).not.toThrow();
  });

  test('a secret whose base64 has junk in it is refused, not shortened in silence', () => {
    expect(() => createVerifier({ scheme, secrets: `${SECRET.slice(0, -4)}*aSw` })).toThrow(
      /canonical base64/,
    );
  });
});

test('Hono: a middleware that read the JSON leaves the exact bytes', async () => {
  const bodies: string[] = [];
  const receiver = createReceiver({ scheme, secrets: SECRET }).onAny(({ raw }) =>
    bodies.push(Buffer.from(raw).toString()),
  );
  const app = new Hono();
  app.use(async (c, next) => {
    await c.req.json();
    await next();
  });
  app.post('/', hono(receiver));
  const body = '{ "type":"a", "data": { "n": 1.0, "big": 12345678901234567890 } }';
  expect((await kit.raw(body).send(app)).status).toBe(200);
  expect(bodies).toEqual([body]);
});

test('Fastify: exact bytes inside the plugin, and other routes still parse JSON', async () => {
  const { receiver } = quiet();
  const app = Fastify();
  app.register(fastify(receiver, { path: '/in' }));
  app.post('/json', async (request) => ({ parsed: (request.body as { a: number }).a }));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  closers.push(() => void app.close());
  const odd = good().header('content-type', 'application/vnd.own+json; charset=utf-16');
  expect((await odd.send(`${url}/in`)).status).toBe(200);
  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":7}' };
  expect(await (await fetch(`${url}/json`, json)).json()).toEqual({ parsed: 7 });
});

describe('the conformance suite', () => {
  test('finds what is wrong with a server that believes everybody', async () => {
    const url = await listen((req, res) => {
      req.resume().on('end', () => res.writeHead(200).end());
    });
    const failures = await conformance({ url, secret: SECRET }).run();
    expect(failures.map(({ name }) => name)).toContain('a changed body is refused');
    expect(failures.length).toBeGreaterThan(20);
  });

  test('finds the lax points of a server over standardwebhooks', async () => {
    const webhook = new Webhook(SECRET);
    const url = await listen(async (req, res) => {
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      try {
        webhook.verify(Buffer.concat(chunks), req.headers as Record<string, string>);
        res.writeHead(204).end();
      } catch {
        res.writeHead(400).end();
      }
    });
    const failures = await conformance({ url, secret: SECRET }).run();
    expect(failures.map(({ name }) => name).sort()).toEqual([
      'a body with a byte order mark is taken',
      'a repeated webhook-timestamp is refused',
      'a timestamp written +1700000000 is refused',
      'a timestamp written 1700000000.9 is refused',
      'a timestamp written 1700000000abc is refused',
      'a timestamp written 1700000000e0 is refused',
      'a valid signature of nothing is refused',
      'at most 16 signatures are looked at',
    ]);
  });

  test('passes by URL alone on a server of ours', async () => {
    const { receiver } = quiet();
    const app = express5();
    app.post('/in', express(receiver));
    expect(await conformance({ url: await listen(app), secret: SECRET }).run()).toEqual([]);
  });
});
