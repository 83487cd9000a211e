import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Catalogue, defineEvents, type StandardSchema } from './catalogue-types.ts';
import type { Delivery } from './delivery.ts';
import { memory } from './idempotency/memory.ts';
import type { IdempotencyStore } from './idempotency/store.ts';
import { createReceiver, type QueuedMessage, type ReceiverOptions } from './receiver.ts';
import * as schemes from './schemes/index.ts';
import { createTestKit } from './testkit/index.ts';
import type { WebhookError } from './webhook-error.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

interface User {
  readonly id: string;
}

interface Events {
  'user.created': User;
  'user.deleted': { readonly id: string; readonly by: string };
  'order.paid': { readonly cents: number };
}

const kit = createTestKit<Events>({ scheme: schemes.standard(), secret: SECRET });
const created = () => kit.event('user.created', { id: 'u_1' });

/** A receiver that keeps its errors, with nothing on the console. */
function receiver(options: Partial<ReceiverOptions<Events>> = {}) {
  const errors: WebhookError[] = [];
  const made = createReceiver<Events>({ scheme: schemes.standard(), secrets: SECRET, ...options });
  made.onError((error) => errors.push(error));
  return Object.assign(made, { errors, codes: () => errors.map(({ code }) => code) });
}

/** A Standard Schema that wants a string `id`. */
const idSchema: StandardSchema<unknown, User> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { id } = (value ?? {}) as { id?: unknown };
      if (typeof id === 'string') return { value: { id: id.trim() } };
      return { issues: [{ message: 'must be a string', path: ['user', { key: 'id' }] }] };
    },
  },
};

function deferred() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

describe('dispatch', () => {
  test('by type, by pattern, by several, in the order of registration', async () => {
    const calls: string[] = [];
    const target = receiver()
      .on('user.created', () => calls.push('exact'))
      .on('user.*', () => calls.push('pattern'))
      .on(['order.paid', 'user.deleted'], () => calls.push('list'))
      .onAny(() => calls.push('any'))
      .onUnhandled(() => calls.push('unhandled'));
    expect((await created().send(target)).status).toBe(200);
    expect(calls).toEqual(['exact', 'pattern', 'any']);
  });

  test('a type without a handler is answered 200 and given to onUnhandled', async () => {
    const types: string[] = [];
    const target = receiver()
      .on('order.*', () => types.push('order'))
      .onUnhandled(({ type }) => types.push(type));
    expect((await created().send(target)).status).toBe(200);
    expect(types).toEqual(['user.created']);
  });

  test('the handler gets what was sent', async () => {
    const seen: Delivery<Events>[] = [];
    const target = receiver({ source: 'shop' }).onAny((delivery) => seen.push(delivery));
    const at = new Date(Math.floor(Date.now() / 1000) * 1000);
    await created().id('msg_7').at(at).header('x-own', 'a').send(target);
    expect(seen[0]).toMatchObject({
      id: 'msg_7',
      hasId: true,
      type: 'user.created',
      payload: { id: 'u_1' },
      source: 'shop',
      verified: { scheme: 'standard', id: 'msg_7', sentAt: at, keyIndex: 0 },
    });
    expect(seen[0]?.headers.get('X-Own')).toBe('a');
    expect(seen[0]?.at).toBeInstanceOf(Date);
  });

  test('handlers in series stop at the first that fails; in parallel all of them end', async () => {
    for (const [dispatch, expected] of [
      ['series', ['a']],
      ['parallel', ['a', 'b']],
    ] as const) {
      const calls: string[] = [];
      const target = receiver({ dispatch, idempotency: false })
        .onAny(() => {
          calls.push('a');
          throw new Error('first');
        })
        .onAny(async () => {
          calls.push('b');
          throw new Error('second');
        });
      expect((await created().send(target)).status).toBe(500);
      expect(calls).toEqual(expected);
    }
  });

  test('what a handler throws is the cause of the error that onError gets', async () => {
    const cause = new Error('the database is down');
    const target = receiver().onAny(() => Promise.reject(cause));
    const { status, body } = await created().send(target);
    expect({ status, body }).toEqual({ status: 500, body: '' });
    expect(target.errors[0]).toMatchObject({ code: 'handler_failed', cause });
    expect(target.errors[0]?.message).toContain('the database is down');
  });

  test('types narrow by exact name, pattern and list', () => {
    receiver()
      .on('user.created', ({ payload }) => expectTypeOf(payload).toEqualTypeOf<User>())
      .on('user.*', ({ type }) =>
        expectTypeOf(type).toEqualTypeOf<'user.created' | 'user.deleted'>(),
      )
      .on(['order.paid', 'user.deleted'], (delivery) => {
        if (delivery.type === 'order.paid') expectTypeOf(delivery.payload.cents).toBeNumber();
      })
      .onAny((delivery) => {
        switch (delivery.type) {
          case 'order.paid':
            expectTypeOf(delivery.payload).toEqualTypeOf<{ readonly cents: number }>();
        }
      })
      // @ts-expect-error: no such type in the catalogue
      .on('user.creatd', () => undefined);
    createReceiver({ scheme: schemes.standard(), secrets: SECRET }).on(
      'anything.at.all',
      ({ type, payload }) => {
        expectTypeOf(type).toEqualTypeOf<'anything.at.all'>();
        expectTypeOf(payload).toBeUnknown();
      },
    );
  });
});

describe('middleware', () => {
  test('wraps the handlers, the first registered outermost', async () => {
    const calls: string[] = [];
    const target = receiver()
      .use(async (_, next) => {
        calls.push('in');
        await next();
        calls.push('out');
      })
      .use((_, next) => {
        calls.push('second');
        return next();
      })
      .onAny(() => calls.push('handler'));
    await created().send(target);
    expect(calls).toEqual(['in', 'second', 'handler', 'out']);
  });

  test('one that does not call next answers without the handlers', async () => {
    const target = receiver()
      .use(() => undefined)
      .onAny(() => expect.unreachable());
    expect((await created().send(target)).status).toBe(200);
  });

  test('one that does not await next is no success', async () => {
    const target = receiver()
      .use((_, next) => {
        void next();
      })
      .onAny(() => new Promise((resolve) => setTimeout(resolve, 5)));
    expect((await created().send(target)).status).toBe(500);
  });

  test('one that calls next twice fails, and the handlers ran once', async () => {
    let calls = 0;
    const target = receiver()
      .use(async (_, next) => {
        await next();
        await next();
      })
      .onAny(() => {
        calls += 1;
      });
    expect((await created().send(target)).status).toBe(500);
    expect(calls).toBe(1);
  });
});

describe('catalogue', () => {
  const events = defineEvents({ 'user.created': idSchema }) as Catalogue<Events>;

  test('the payload is what the schema made of it', async () => {
    const payloads: unknown[] = [];
    const target = receiver({ events }).on('user.created', ({ payload }) => payloads.push(payload));
    await kit.event('user.created', { id: ' u_1 ' }).send(target);
    expect(payloads).toEqual([{ id: 'u_1' }]);
  });

  test('a payload that does not fit is refused, with the place in the message', async () => {
    const target = receiver({ events }).onAny(() => expect.unreachable());
    const { status } = await kit.raw('{"type":"user.created","data":{"id":7}}').send(target);
    expect(status).toBe(422);
    expect(target.codes()).toEqual(['schema_mismatch']);
    expect(target.errors[0]?.message).toContain('user.id: must be a string');
  });

  test('warn tells it and goes on; off does not look', async () => {
    for (const [validate, codes] of [
      ['warn', ['schema_mismatch']],
      ['off', []],
    ] as const) {
      const payloads: unknown[] = [];
      const target = receiver({ events, validate }).onAny(({ payload }) => payloads.push(payload));
      expect((await kit.raw('{"type":"user.created","data":7}').send(target)).status).toBe(200);
      expect(payloads).toEqual([7]);
      expect(target.codes()).toEqual(codes);
    }
  });

  test('an unknown type is taken, or refused if told so', async () => {
    const unknown = kit.raw('{"type":"constructor","data":7}');
    expect((await unknown.send(receiver({ events }))).status).toBe(200);
    const strict = receiver({ events, onUnknown: 'error' });
    expect((await unknown.send(strict)).status).toBe(422);
    expect(strict.codes()).toEqual(['unknown_event']);
  });
});

describe('idempotency', () => {
  test('a retry of what is done is answered 200 and not run', async () => {
    let calls = 0;
    const target = receiver().onAny(() => {
      calls += 1;
    });
    const results = await created().duplicated(target, 3);
    expect(results.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(calls).toBe(1);
  });

  test('keys of different sources do not meet in one store', async () => {
    const idempotency = memory();
    let calls = 0;
    for (const source of ['a', 'b']) {
      const target = receiver({ source, idempotency }).onAny(() => {
        calls += 1;
      });
      await created().id('msg_1').send(target);
    }
    expect(calls).toBe(2);
  });

  test('a resend by a person can be let through', async () => {
    let calls = 0;
    const target = receiver({ rerun: ({ headers }) => headers.get('x-resend') === 'yes' }).onAny(
      () => {
        calls += 1;
      },
    );
    const event = created();
    await event.send(target);
    await event.send(target);
    await event.header('x-resend', 'yes').send(target);
    expect(calls).toBe(2);
  });

  test('a store that is down gives 503 with Retry-After, and no handler runs', async () => {
    const down = () => Promise.reject(new Error('connection refused'));
    const idempotency: IdempotencyStore = { claim: down, complete: down, release: down };
    const target = receiver({ idempotency }).onAny(() => expect.unreachable());
    const { status, headers } = await created().send(target);
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('30');
    expect(target.codes()).toEqual(['store_failed']);
  });

  test('work that is done but cannot be recorded is acknowledged, and told', async () => {
    const idempotency: IdempotencyStore = {
      ...memory(),
      claim: async () => ({ state: 'new', token: 't' }),
      complete: () => Promise.reject(new Error('gone')),
    };
    const target = receiver({ idempotency }).onAny(() => undefined);
    expect((await created().send(target)).status).toBe(200);
    expect(target.codes()).toEqual(['store_failed']);
  });

  test('a sender without ids has no duplicates, unless a key is made for it', async () => {
    const secret = '0123456789abcdef0123456789abcdef';
    const scheme = schemes.logto();
    const logto = createTestKit({ scheme, secret });
    for (const [idempotencyKey, expected] of [
      [undefined, 2],
      [({ id }: Delivery) => id, 1],
    ] as const) {
      let calls = 0;
      const target = createReceiver({ scheme, secrets: secret, idempotencyKey }).onAny(
        (delivery) => {
          expect(delivery.hasId).toBe(false);
          expect(delivery.id).toMatch(/^sha256:[0-9a-f]{64}$/);
          calls += 1;
        },
      );
      await logto.event('User.Created', { id: 'u' }).duplicated(target, 2);
      expect(calls).toBe(expected);
    }
  });

  test('a handler that ends after its time was over is done: the retry is a duplicate', async () => {
    const { opened, open } = deferred();
    let calls = 0;
    const target = receiver({ handlerTimeoutMs: 10 }).onAny(async () => {
      calls += 1;
      await opened;
    });
    const event = created();
    expect((await event.send(target)).status).toBe(503);
    open();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await event.send(target)).status).toBe(200);
    expect(calls).toBe(1);
  });
});

describe('order', () => {
  test('messages of one key are worked on one after another, others beside them', async () => {
    const gates = [deferred(), deferred(), deferred()];
    const started: string[] = [];
    const target = receiver({ order: ({ payload }) => (payload as User).id }).onAny(
      async ({ payload }) => {
        started.push((payload as User).id);
        await gates[started.length - 1]?.opened;
      },
    );
    const send = (id: string) => kit.event('user.created', { id }).send(target);
    const first = send('a');
    await until(() => started.length === 1);
    const all = [first, send('a'), send('b')];
    await until(() => started.length === 2);
    expect(started).toEqual(['a', 'b']);
    for (const gate of gates) gate.open();
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(started).toEqual(['a', 'b', 'a']);
  });

  test('who waited until its time was over is not begun behind the answer', async () => {
    const { opened, open } = deferred();
    let calls = 0;
    const target = receiver({ order: () => 'one', handlerTimeoutMs: 20 }).onAny(() => {
      calls += 1;
      return opened;
    });
    const results = await Promise.all([created().send(target), created().send(target)]);
    expect(results.map(({ status }) => status)).toEqual([503, 503]);
    open();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(calls).toBe(1);
  });
});

describe('queued', () => {
  function queue() {
    const messages: QueuedMessage[] = [];
    const enqueue = async (message: QueuedMessage): Promise<void> => {
      messages.push(message);
    };
    return { messages, queue: { durable: true, enqueue } as const };
  }

  test('answers 202 when the queue has it, and works on it in process()', async () => {
    const seen: string[] = [];
    const { messages, queue: durable } = queue();
    const target = receiver({ ack: 'queued', queue: durable }).onAny(({ id, payload }) =>
      seen.push(id, (payload as User).id),
    );
    expect((await created().id('msg_1').send(target)).status).toBe(202);
    expect(seen).toEqual([]);
    for (const message of messages) expect(await target.process(message)).toBe('handled');
    expect(seen).toEqual(['msg_1', 'u_1']);
    for (const message of messages) expect(await target.process(message)).toBe('duplicate');
  });

  test('a queue that does not take it is no 2xx', async () => {
    const target = receiver({
      ack: 'queued',
      queue: { durable: true, enqueue: () => Promise.reject(new Error('disk full')) },
    });
    expect((await created().send(target)).status).toBe(503);
    expect(target.codes()).toEqual(['queue_failed']);
  });

  test('a forged request never reaches the queue', async () => {
    const { messages, queue: durable } = queue();
    const target = receiver({ ack: 'queued', queue: durable });
    expect((await created().tampered().send(target)).status).toBe(401);
    expect(messages).toEqual([]);
  });

  test('process throws when the handler fails, so that the queue tries again', async () => {
    const { messages, queue: durable } = queue();
    let calls = 0;
    const target = receiver({ ack: 'queued', queue: durable }).onAny(() => {
      calls += 1;
      if (calls === 1) throw new Error('not yet');
    });
    await created().send(target);
    const [message] = messages as [QueuedMessage];
    await expect(target.process(message)).rejects.toMatchObject({ code: 'handler_failed' });
    expect(await target.process(message)).toBe('handled');
  });

  test('answering first without a durable queue is refused when the program starts', () => {
    expect(() => receiver({ ack: 'queued' })).toThrow(/durable/);
    const lossy = { durable: false, enqueue: async () => undefined };
    expect(() => receiver({ ack: 'queued', queue: lossy as never })).toThrow(/durable/);
  });
});

describe('answers', () => {
  test('a stranger learns the code only if told so, never message or hint', async () => {
    const hidden = receiver();
    expect((await created().tampered().send(hidden)).body).toBe('');
    const shown = receiver({ expose: 'code' });
    expect((await created().tampered().send(shown)).body).toBe('{"error":"signature_mismatch"}');
    expect(shown.errors[0]?.hint).toBeDefined();
  });

  test('receive never throws, whatever it is given', async () => {
    const target = receiver();
    for (const raw of [undefined, null, {}, 7]) {
      const reply = await target.receive({ raw: raw as unknown as string, headers: {} });
      expect(reply).toMatchObject({ status: 500, outcome: 'failed' });
    }
    const reply = await target.receive({
      raw: () => Promise.reject(new Error('socket')),
      headers: {},
    });
    expect(reply.status).toBe(500);
  });

  test('a vault that is down is our fault: 503, so that the sender comes again', async () => {
    const secrets = () => Promise.reject(new Error('the vault is down'));
    const target = receiver({ secrets });
    const { status, headers } = await created().send(target);
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('30');
    expect(target.codes()).toEqual(['secrets_failed']);
  });

  test('an onError that fails is told to the log and harms nothing', async () => {
    const lines: string[] = [];
    const target = createReceiver({
      scheme: schemes.standard(),
      secrets: SECRET,
      log: { error: (line) => lines.push(line) },
    })
      .onError(() => {
        throw new Error('listener');
      })
      .onAny(() => undefined);
    expect((await created().tampered().send(target)).status).toBe(401);
    expect(lines.join()).toContain('onError itself failed: listener');
  });

  test('without onError each kind of error is logged once, with its hint', async () => {
    const lines: string[] = [];
    const target = createReceiver({
      scheme: schemes.standard(),
      secrets: SECRET,
      log: { error: (line) => lines.push(line) },
    });
    await created().tampered().duplicated(target, 3);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/signature_mismatch: .*Hint: /);
  });

  test('waitUntil hands work to the platform, and its failure to onError', async () => {
    const kept: Promise<unknown>[] = [];
    const target = receiver().onAny(({ waitUntil }) =>
      waitUntil(Promise.reject(new Error('later'))),
    );
    const { raw, headers } = await created().parts();
    const waitUntil = (promise: Promise<unknown>) => kept.push(promise);
    expect((await target.receive({ raw, headers, waitUntil })).status).toBe(200);
    await Promise.all(kept);
    expect(target.codes()).toEqual(['handler_failed']);
  });
});

describe('senders', () => {
  test("Slack's URL verification is answered by itself", async () => {
    const secret = '0123456789abcdef0123456789abcdef';
    const slack = createTestKit({ scheme: schemes.slack(), secret });
    const target = createReceiver({ scheme: schemes.slack(), secrets: secret }).onAny(() =>
      expect.unreachable(),
    );
    const { status, body } = await slack
      .raw('{"type":"url_verification","challenge":"c0ffee"}')
      .send(target);
    expect({ status, body }).toEqual({ status: 200, body: 'c0ffee' });
  });

  test("Stripe's retries differ in their bytes and are duplicates all the same", async () => {
    const secret = `whsec_${'0123456789abcdef'.repeat(2)}`;
    const stripe = createTestKit({ scheme: schemes.stripe(), secret });
    let calls = 0;
    const target = createReceiver({ scheme: schemes.stripe(), secrets: secret }).on(
      'invoice.paid',
      () => {
        calls += 1;
      },
    );
    for (const pending of [2, 1]) {
      const body = `{"id":"evt_1","type":"invoice.paid","pending_webhooks":${pending},"data":{"object":{}}}`;
      expect((await stripe.raw(body).send(target)).status).toBe(200);
    }
    expect(calls).toBe(1);
  });

  test("GitHub's types carry the action", async () => {
    const secret = '0123456789abcdef0123456789abcdef';
    const github = createTestKit({ scheme: schemes.github(), secret });
    const types: string[] = [];
    const target = createReceiver({ scheme: schemes.github(), secrets: secret }).onAny(({ type }) =>
      types.push(type),
    );
    await github.event('issues.opened', { action: 'opened' }).send(target);
    await github.event('push', { ref: 'x' }).send(target);
    const form = `payload=${encodeURIComponent('{"action":"closed"}')}`;
    await github
      .raw(form)
      .header('content-type', 'application/x-www-form-urlencoded')
      .header('x-github-event', 'issues')
      .send(target);
    expect(types).toEqual(['issues.opened', 'push', 'issues.closed']);
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
