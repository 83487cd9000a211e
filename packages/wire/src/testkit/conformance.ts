import type { Delivery } from '../delivery.ts';
import { memory } from '../idempotency/memory.ts';
import { createReceiver, type ReceiverOptions, type RequestReceiver } from '../receiver.ts';
import { standard } from '../schemes/standard.ts';
import { generateSecret, publicKey } from '../signature.ts';
import type { EventBuilder, SendResult } from './event-builder.ts';
import { createTestKit } from './kit.ts';

/**
 * The cases a receiver must stand, each of them a failure of a library in use. They run against any
 * server: mounted with a receiver of this package, or, for those that need no look inside, by URL.
 */

export interface Mounted {
  readonly url: string;
  close(): Promise<void> | void;
}

/** Starts a server that hands its requests to the receiver. */
export type Mount = (receiver: RequestReceiver) => Promise<Mounted>;

export interface ConformanceOptions {
  readonly mount: Mount;
  /** The same with a body parser in front of it, where that is a mistake one can make. */
  readonly mountBehindParser?: Mount | undefined;
}

/** A server that is there already, of any make, for Standard Webhooks with this secret. */
export interface ServerOptions {
  readonly url: string;
  readonly secret: string;
}

export interface ConformanceCase {
  readonly name: string;
  run(): Promise<void>;
}

/** `test` and `describe` of node:test, Vitest, Jest, Mocha. */
export interface Runner {
  describe(name: string, body: () => void): unknown;
  test(name: string, body: () => Promise<void>): unknown;
}

export interface ConformanceSuite {
  readonly cases: readonly ConformanceCase[];
  /** Declares every case as a test of this runner. */
  register(name: string, runner: Runner): void;
  /** Runs all of them; the names and reasons of those that failed. */
  run(): Promise<readonly { readonly name: string; readonly error: unknown }[]>;
}

/**
 * @example
 * import { describe, test } from 'node:test';
 * conformance({ mount }).register('my server', { describe, test });
 */
export function conformance(options: ConformanceOptions | ServerOptions): ConformanceSuite {
  const cases = 'mount' in options ? mountedCases(options) : urlCases(options);
  return {
    cases,
    register: (name, { describe, test }) => {
      describe(name, () => {
        for (const one of cases) test(one.name, () => one.run());
      });
    },
    run: async () => {
      const failures: { name: string; error: unknown }[] = [];
      for (const { name, run } of cases) {
        await run().catch((error: unknown) => failures.push({ name, error }));
      }
      return failures;
    },
  };
}

const BODY_BYTES_MAX = 65_536;
const HANDLER_TIMEOUT_MS = 200;
const LEASE_MS = 60_000;

/** What every case has at hand. */
interface World {
  readonly secret: string;
  good(): EventBuilder;
  raw(body: Uint8Array | string): EventBuilder;
  send(event: EventBuilder): Promise<SendResult>;
}

interface StatusCase {
  readonly name: string;
  readonly expect: (status: number) => boolean;
  readonly wanted: string;
  readonly event: (world: World) => EventBuilder;
}

const ok = (status: number) => status >= 200 && status < 300;
const refusal = (status: number) => status >= 400 && status < 500;

function good(name: string, event: StatusCase['event']): StatusCase {
  return { name, expect: ok, wanted: 'a 2xx', event };
}

function bad(name: string, event: StatusCase['event']): StatusCase {
  return { name, expect: refusal, wanted: 'a 4xx', event };
}

/** Judged by the answer alone, so they run against any server. */
const STATUS_CASES: readonly StatusCase[] = [
  good('a good request is taken', (w) => w.good()),
  good('a body in many pieces is taken', (w) => w.good().chunked(7)),
  good('a body with a byte order mark is taken', (w) => w.good().withBom()),
  good('white space in the body is kept', (w) =>
    w.raw('{ "type": "user.created",\r\n  "data": { "a": 1.0 } }\n'),
  ),
  bad('a changed body is refused', (w) => w.good().tampered()),
  bad('a body that was parsed and printed again is refused', (w) => w.good().reserialised()),
  bad('another secret is refused', (w) => w.good().wrongSecret()),
  bad('no signature is refused', (w) => w.good().unsigned()),
  bad('an old timestamp is refused', (w) => w.good().expired()),
  bad('a timestamp in the future is refused', (w) => w.good().fromFuture()),
  bad('a valid signature of what is not JSON is refused', (w) => w.raw('type=user.created')),
  bad('a valid signature of bytes that are not UTF-8 is refused', (w) =>
    w.raw(Uint8Array.of(0x22, 0xff, 0x22)),
  ),
  bad('a valid signature of nothing is refused', (w) => w.raw('')),
];

function headerCases(): StatusCase[] {
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
  return [
    ...names.map((name) => bad(`an empty ${name} is refused`, (w) => w.good().header(name, ''))),
    ...['v1,', 'v1', ',', 'v0,abc', 'v1a,AAAA'].map((value) =>
      bad(`the signature ${JSON.stringify(value)} is refused`, (w) =>
        w.good().header('webhook-signature', value),
      ),
    ),
  ];
}

/** Cases that change the headers after signing, which a builder cannot say. */
interface HeaderCase {
  readonly name: string;
  readonly expect: (status: number) => boolean;
  change(headers: Record<string, string>): Record<string, string>;
}

const JUNK = `v1,${'A'.repeat(43)}=`;

/** The right number to lenient parsers, so only a strict one refuses it. */
const TIMESTAMPS: readonly ((digits: string) => string)[] = [
  (digits) => `${digits}abc`,
  (digits) => `${digits}.9`,
  (digits) => `${digits}e0`,
  (digits) => `+${digits}`,
  (digits) => `0x${Number(digits).toString(16)}`,
];

const CHANGED_HEADERS: readonly HeaderCase[] = [
  ...TIMESTAMPS.map((spell) => ({
    name: `a timestamp written ${spell('1700000000')} is refused`,
    expect: refusal,
    change: (headers: Record<string, string>) => ({
      ...headers,
      'webhook-timestamp': spell(headers['webhook-timestamp'] ?? ''),
    }),
  })),
  ...['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => ({
    name: `a missing ${name} is refused`,
    expect: refusal,
    change: ({ [name]: _, ...rest }: Record<string, string>) => rest,
  })),
  ...['webhook-id', 'webhook-timestamp'].map((name) => ({
    name: `a repeated ${name} is refused`,
    expect: refusal,
    change: (headers: Record<string, string>) => ({
      ...headers,
      [name]: `${headers[name]}, ${headers[name]}`,
    }),
  })),
  {
    name: 'one valid signature of two is enough',
    expect: ok,
    change: (headers) => ({
      ...headers,
      'webhook-signature': `${JUNK} ${headers['webhook-signature']}`,
    }),
  },
  {
    name: 'at most 16 signatures are looked at',
    expect: refusal,
    change: (headers) => ({
      ...headers,
      'webhook-signature': `${`${JUNK} `.repeat(16)}${headers['webhook-signature']}`,
    }),
  },
];

function checkStatus(status: number, wanted: Pick<StatusCase, 'expect' | 'wanted'>): void {
  if (!wanted.expect(status)) throw new Error(`expected ${wanted.wanted}, got ${status}`);
}

async function sendChanged(world: World, url: string, one: HeaderCase): Promise<void> {
  const { raw, headers } = await world.good().parts(url);
  const response = await fetch(url, { method: 'POST', headers: one.change(headers), body: raw });
  await response.arrayBuffer();
  checkStatus(response.status, {
    expect: one.expect,
    wanted: one.expect === ok ? 'a 2xx' : 'a 4xx',
  });
}

function worldFor(url: string, secret: string): World {
  const kit = createTestKit({ scheme: standard(), secret });
  return {
    secret,
    good: () => kit.event('user.created', { id: 'u_1', amount: 1 }),
    raw: (body) => kit.raw(body),
    send: (event) => event.send(url),
  };
}

function urlCases({ url, secret }: ServerOptions): ConformanceCase[] {
  return [
    ...[...STATUS_CASES, ...headerCases()].map((one) => ({
      name: one.name,
      run: async () => {
        const world = worldFor(url, secret);
        checkStatus((await world.send(one.event(world))).status, one);
      },
    })),
    ...CHANGED_HEADERS.map((one) => ({
      name: one.name,
      run: () => sendChanged(worldFor(url, secret), url, one),
    })),
  ];
}

/** One receiver on a server of its own, and what its handler saw. */
interface Stage extends World {
  readonly url: string;
  readonly seen: Delivery[];
  readonly codes: string[];
}

type Handler = (delivery: Delivery, call: number) => unknown;

interface Play {
  readonly mount: Mount;
  readonly options?: Partial<ReceiverOptions<Record<string, unknown>>>;
  readonly handler?: Handler;
}

async function onStage(play: Play, act: (stage: Stage) => Promise<void>): Promise<void> {
  const { mount, options, handler } = play;
  const secret = generateSecret('whsec');
  const seen: Delivery[] = [];
  const codes: string[] = [];
  const receiver = createReceiver({
    scheme: standard(),
    secrets: secret,
    bodyBytesMax: BODY_BYTES_MAX,
    ...options,
  })
    .onAny((delivery) => {
      seen.push(delivery);
      return handler?.(delivery, seen.length);
    })
    .onError(({ code }) => codes.push(code));
  const { url, close } = await mount(receiver);
  try {
    await act({ ...worldFor(url, secret), url, seen, codes });
  } finally {
    await close();
  }
}

function mountedCases(options: ConformanceOptions): ConformanceCase[] {
  const { mount, mountBehindParser } = options;
  return [
    ...[...STATUS_CASES, ...headerCases()].map((one) => ({
      name: one.name,
      run: () =>
        onStage({ mount }, async (stage) => {
          const { status } = await stage.send(one.event(stage));
          checkStatus(status, one);
          equal(stage.seen.length, ok(status) ? 1 : 0, 'calls of the handler');
        }),
    })),
    ...CHANGED_HEADERS.map((one) => ({
      name: one.name,
      run: () => onStage({ mount }, (stage) => sendChanged(stage, stage.url, one)),
    })),
    ...bodyCases(mount),
    ...keyCases(mount),
    ...workCases(mount),
    ...(mountBehindParser === undefined ? [] : [behindParser(mountBehindParser)]),
  ];
}

function bodyCases(mount: Mount): ConformanceCase[] {
  return [
    {
      name: '1.0 and a 20-digit integer reach the handler byte for byte',
      run: () =>
        onStage({ mount }, async (stage) => {
          const body = '{"type":"n","data":{"a":1.0,"b":12345678901234567890}}';
          equal((await stage.send(stage.raw(body))).status, 200, 'status');
          equal(new TextDecoder().decode(stage.seen[0]?.raw), body, 'body');
        }),
    },
    {
      name: 'a body above the bound is refused with 413, not read to its end',
      run: () =>
        onStage({ mount }, async (stage) => {
          const body = JSON.stringify({ type: 'n', data: 'x'.repeat(BODY_BYTES_MAX) });
          equal((await stage.send(stage.raw(body))).status, 413, 'status');
          equal(stage.codes.join(), 'body_too_large', 'code');
          equal((await stage.send(stage.good())).status, 200, 'status of the next request');
        }),
    },
    {
      name: 'the answer tells a stranger nothing about the reason',
      run: () =>
        onStage({ mount }, async (stage) => {
          const { body } = await stage.send(stage.good().tampered());
          equal(body, '', 'body of the answer');
          equal(stage.codes.join(), 'signature_mismatch', 'code');
        }),
    },
  ];
}

function keyCases(mount: Mount): ConformanceCase[] {
  const other = generateSecret('whsec');
  return [
    {
      name: 'the second of two secrets is accepted while a rotation runs',
      run: async () => {
        const secret = generateSecret('whsec');
        await onStage({ mount, options: { secrets: [other, secret] } }, async (stage) => {
          const { status } = await stage.send(stage.good().secret(secret));
          equal(status, 200, 'status');
          equal(stage.seen[0]?.verified.keyIndex, 1, 'index of the secret');
        });
      },
    },
    {
      name: 'v1a alone is verified with the public key',
      run: async () => {
        const secret = generateSecret('whsk');
        await onStage({ mount, options: { secrets: publicKey(secret) } }, async (stage) => {
          equal((await stage.send(stage.good().secret(secret))).status, 200, 'status');
          const v1 = await stage.send(stage.good().secret(other));
          equal(v1.status, 401, 'status of a v1 signature');
        });
      },
    },
  ];
}

function workCases(mount: Mount): ConformanceCase[] {
  return [
    {
      name: 'when the handler fails, the retry runs it again',
      run: () => {
        const handler: Handler = (_, call) => {
          if (call === 1) throw new Error('not yet');
        };
        return onStage({ mount, handler }, async (stage) => {
          const [first, second, third] = await stage.good().duplicated(stage.url, 3);
          equal(first?.status, 500, 'first status');
          equal(second?.status, 200, 'second status');
          equal(third?.status, 200, 'third status');
          equal(stage.seen.length, 2, 'calls of the handler');
        });
      },
    },
    {
      name: 'two copies at once run once',
      run: () => {
        const gate = gated();
        return onStage({ mount, handler: () => gate.opened }, async (stage) => {
          const sent = stage.good().concurrently(stage.url, 2);
          await Promise.race([sent, gate.until(() => stage.seen.length > 0)]);
          setTimeout(gate.open, 20);
          const statuses = (await sent).map(({ status }) => status).sort((a, b) => a - b);
          equal(statuses[0], 200, 'better status');
          equal(stage.seen.length, 1, 'calls of the handler');
        });
      },
    },
    {
      name: 'after a process died in the work, a retry runs when the lease is over',
      run: () => {
        let nowMs = Date.now();
        const idempotency = memory({ now: () => nowMs });
        const options = { idempotency, now: () => nowMs };
        return onStage({ mount, options }, async (stage) => {
          await idempotency.claim('standard:msg_died', { leaseMs: LEASE_MS });
          const early = await stage.send(stage.good().id('msg_died'));
          equal(early.status, 409, 'status inside the lease');
          equal(Number(early.headers.get('retry-after')) > 0, true, 'Retry-After');
          nowMs += LEASE_MS + 1;
          const late = await stage.send(stage.good().id('msg_died').at(new Date(nowMs)));
          equal(late.status, 200, 'status behind the lease');
          equal(stage.seen.length, 1, 'calls of the handler');
        });
      },
    },
    {
      name: 'the same id with other bytes is refused',
      run: () =>
        onStage({ mount }, async (stage) => {
          equal((await stage.send(stage.good().id('msg_1'))).status, 200, 'status');
          const { status } = await stage.send(stage.raw('{"type":"x","data":1}').id('msg_1'));
          equal(status, 400, 'status');
          equal(stage.codes.join(), 'replayed', 'code');
        }),
    },
    {
      name: 'a handler that takes too long gives 503 with Retry-After, never a 2xx',
      run: () => {
        const gate = gated();
        const options = { handlerTimeoutMs: HANDLER_TIMEOUT_MS };
        return onStage({ mount, options, handler: () => gate.opened }, async (stage) => {
          const event = stage.good();
          const { status, headers } = await stage.send(event);
          equal(status, 503, 'status');
          equal(Number(headers.get('retry-after')) > 0, true, 'Retry-After');
          equal(stage.seen[0]?.signal.aborted, true, 'signal');
          equal((await stage.send(event)).status, 409, 'status while it still runs');
          gate.open();
        });
      },
    },
  ];
}

function behindParser(mount: Mount): ConformanceCase {
  return {
    name: 'behind a body parser it fails at once with body_already_parsed, never a 2xx',
    run: () =>
      onStage({ mount }, async (stage) => {
        const started = performance.now();
        const { status } = await stage.send(stage.good());
        equal(status, 500, 'status');
        equal(stage.codes.join(), 'body_already_parsed', 'code');
        equal(performance.now() - started < 2000, true, 'answered at once');
      }),
  };
}

/** A handler that waits until the test lets it go. */
function gated() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  return { opened, open: () => open(), until };
}

function equal(actual: unknown, expected: unknown, what: string): void {
  if (actual === expected) return;
  throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`);
}
