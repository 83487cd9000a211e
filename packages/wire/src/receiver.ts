import { digest } from '#crypto';
import type {
  Catalogue,
  EventName,
  EventPattern,
  Match,
  StandardIssue,
} from './catalogue-types.ts';
import type { Delivery } from './delivery.ts';
import {
  type AnyHandler,
  type AnyMiddleware,
  Dispatcher,
  type DispatchOrder,
  handlerFailed,
  KeyedQueue,
} from './dispatch.ts';
import { type HeadersLike, headerBag } from './header-bag.ts';
import { memory } from './idempotency/memory.ts';
import { type Claim, type IdempotencyStore, KEY_CHARS_MAX } from './idempotency/store.ts';
import type { Described, Scheme, SignedRequest, Verified } from './schemes/scheme.ts';
import type { Tolerance } from './signature.ts';
import { alreadyParsed, bytesOf, createVerifier, type RawBody, type Secrets } from './verifier.ts';
import { WebhookError } from './webhook-error.ts';

export interface ReceiverOptions<M extends object> {
  readonly scheme: Scheme;
  readonly secrets?: Secrets | undefined;
  /** A name for the sender, part of each idempotency key; the scheme's name unless told. */
  readonly source?: string | undefined;
  /** Payload types, and schemas that payloads are checked against. */
  readonly events?: Catalogue<M> | undefined;
  /** `warn` tells onError and goes on. `strict` unless told. */
  readonly validate?: 'strict' | 'warn' | 'off' | undefined;
  /** A type that is not in `events`: take it (`ok`, unless told) or refuse it. */
  readonly onUnknown?: 'ok' | 'error' | undefined;
  readonly toleranceS?: number | Tolerance | undefined;
  /** 1 MiB unless told. */
  readonly bodyBytesMax?: number | undefined;
  /**
   * After this the answer is 503 with Retry-After, never a 2xx; 10 s unless told. Behind a queue the
   * message then has to come again; 10 minutes unless told.
   */
  readonly handlerTimeoutMs?: number | undefined;
  /** What remembers finished messages; this process's memory unless told; false = nothing does. */
  readonly idempotency?: IdempotencyStore | false | undefined;
  /** How long a finished message is remembered; 7 days unless told, as retries take up to 4. */
  readonly idempotencyTtlMs?: number | undefined;
  /** The key of a message whose sender gives no id; undefined = it is never a duplicate. */
  readonly idempotencyKey?: ((delivery: Delivery<M>) => string | undefined) | undefined;
  /** true = run it although it was done before: for a resend by a person under the same id. */
  readonly rerun?: ((delivery: Delivery<M>) => boolean) | undefined;
  /** `queued` answers 202 as soon as `queue` holds the message; `process` then works on it. */
  readonly ack?: 'after' | 'queued' | undefined;
  readonly queue?: DeliveryQueue | undefined;
  /** Messages of one key are worked on one after another, in this process. */
  readonly order?: ((delivery: Delivery<M>) => string | undefined) | undefined;
  readonly dispatch?: DispatchOrder | undefined;
  /** Whether a refused sender learns the error's code; never the message or the hint. */
  readonly expose?: 'none' | 'code' | undefined;
  /** Gets one line per kind of error if there is no `onError`; the console unless told. */
  readonly log?: { error(line: string): void } | undefined;
  readonly now?: (() => number) | undefined;
}

/** Keeps messages beyond the process's life; that is what `durable` states. */
export interface DeliveryQueue {
  readonly durable: true;
  /** Resolves when the message would survive a crash. */
  enqueue(message: QueuedMessage): Promise<void>;
}

/** A verified request, waiting to be worked on. */
export interface QueuedMessage {
  readonly raw: Uint8Array;
  readonly headers: readonly (readonly [string, string])[];
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly verified: Verified;
}

export interface ReceiveInput {
  /** The body, or how to get it: what that throws is answered as any refusal. */
  readonly raw: RawBody | (() => RawBody | Promise<RawBody>);
  readonly headers: HeadersLike;
  /** Path and query, or the whole URL. */
  readonly url?: string | undefined;
  readonly method?: string | undefined;
  /** The platform's way to keep working after the answer. */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined;
}

export type Outcome =
  | 'handled'
  | 'unhandled'
  | 'queued'
  | 'duplicate'
  | 'in_progress'
  | 'challenge'
  | 'rejected'
  | 'failed';

/** What to answer the sender. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly outcome: Outcome;
}

export type Handler<M extends object, K extends EventName<M>> = (
  delivery: Delivery<M, K>,
) => unknown;

/** What adapters use of a receiver. */
export interface RequestReceiver {
  readonly bodyBytesMax: number;
  /** The whole way of one request. Never throws. */
  receive(input: ReceiveInput): Promise<Reply>;
}

export interface Receiver<M extends object = Record<string, unknown>> extends RequestReceiver {
  /** Handles a type, several, or a pattern: `user.created`, `user.*`. */
  on<const P extends EventPattern<M>>(
    type: P | readonly P[],
    handler: Handler<M, Match<M, P> & EventName<M>>,
  ): this;
  onAny(handler: Handler<M, EventName<M>>): this;
  /** Gets what no `on` matches; such a message is answered 200 all the same. */
  onUnhandled(handler: Handler<M, EventName<M>>): this;
  /** Told of every refusal and failure, with the hint that the sender never sees. */
  onError(listener: (error: WebhookError, delivery: Delivery<M> | undefined) => unknown): this;
  /** Wraps the handlers; it must await `next()`. */
  use(middleware: (delivery: Delivery<M>, next: () => Promise<void>) => unknown): this;
  /** Works on a queued message; throws `WebhookError` if it has to be tried again. */
  process(message: QueuedMessage): Promise<Outcome>;
}

const BODY_BYTES_MAX = 1_048_576;
const HANDLER_TIMEOUT_MS = 10_000;
/** Behind a queue no sender waits. */
const QUEUED_TIMEOUT_MS = 600_000;
/** Longer than any handler that answers in time, so only a dead process lets a lease run out. */
const LEASE_BEYOND_TIMEOUT_MS = 60_000;
const TTL_MS = 7 * 86_400_000;
const RETRY_AFTER_S = 30;

/**
 * Verifies, parses and dispatches webhooks. The answer is a 2xx only if the work is done, or lies in
 * a durable queue.
 *
 * @example
 * const receiver = createReceiver({ scheme: schemes.standard(), secrets: process.env.WEBHOOK_SECRET })
 *   .on('user.created', async ({ payload, id }) => { … });
 */
export function createReceiver<M extends object = Record<string, unknown>>(
  options: ReceiverOptions<M>,
): Receiver<M> {
  return new WebhookReceiver(options);
}

class WebhookReceiver<M extends object> implements Receiver<M> {
  readonly bodyBytesMax: number;
  readonly #options: ReceiverOptions<M>;
  readonly #verifier;
  readonly #dispatcher: Dispatcher;
  readonly #store: IdempotencyStore | undefined;
  readonly #ordered = new KeyedQueue();
  readonly #listeners: ((error: WebhookError, delivery: Delivery<M> | undefined) => unknown)[] = [];
  readonly #logged = new Set<string>();
  readonly #now: () => number;
  readonly #timeoutMs: number;

  constructor(options: ReceiverOptions<M>) {
    const { scheme, secrets, toleranceS, now = Date.now, ack, queue } = options;
    if (ack === 'queued' && queue?.durable !== true) {
      throw new TypeError(
        'ack: "queued" answers before the work is done, so it needs a queue that is durable',
      );
    }
    this.#options = options;
    this.#now = now;
    this.#verifier = createVerifier({ scheme, secrets, toleranceS, now });
    this.#dispatcher = new Dispatcher(options.dispatch ?? 'series');
    this.#store =
      options.idempotency === false ? undefined : (options.idempotency ?? memory({ now }));
    const usualMs = ack === 'queued' ? QUEUED_TIMEOUT_MS : HANDLER_TIMEOUT_MS;
    this.#timeoutMs = options.handlerTimeoutMs ?? usualMs;
    this.bodyBytesMax = options.bodyBytesMax ?? BODY_BYTES_MAX;
  }

  on<const P extends EventPattern<M>>(
    type: P | readonly P[],
    handler: Handler<M, Match<M, P> & EventName<M>>,
  ): this {
    const patterns = typeof type === 'string' ? [type] : type;
    this.#dispatcher.on(patterns as readonly string[], handler as AnyHandler);
    return this;
  }

  onAny(handler: Handler<M, EventName<M>>): this {
    this.#dispatcher.on(['*'], handler as AnyHandler);
    return this;
  }

  onUnhandled(handler: Handler<M, EventName<M>>): this {
    this.#dispatcher.onUnhandled(handler as AnyHandler);
    return this;
  }

  onError(listener: (error: WebhookError, delivery: Delivery<M> | undefined) => unknown): this {
    this.#listeners.push(listener);
    return this;
  }

  use(middleware: (delivery: Delivery<M>, next: () => Promise<void>) => unknown): this {
    this.#dispatcher.use(middleware as AnyMiddleware);
    return this;
  }

  async receive(input: ReceiveInput): Promise<Reply> {
    try {
      return await this.#receive(input);
    } catch (error) {
      return this.#refuse(known(error));
    }
  }

  async process(message: QueuedMessage): Promise<Outcome> {
    const { raw, url, method, verified } = message;
    const request = { raw, headers: headerBag(message.headers), url, method };
    const described = this.#verifier.scheme.describe(request, verified);
    const reply = await this.#open(request, { verified, described, waitUntil: undefined });
    const again = reply.outcome === 'failed' || reply.outcome === 'in_progress';
    if (again) {
      const message = `a queued message was not worked on: ${reply.outcome}`;
      throw new WebhookError('handler_failed', message);
    }
    return reply.outcome;
  }

  #refuse(error: WebhookError, delivery?: Delivery<M>): Reply {
    this.#tell(error, delivery);
    const body = this.#options.expose === 'code' ? JSON.stringify({ error: error.code }) : '';
    const outcome = error.status < 500 ? 'rejected' : 'failed';
    const headers = {
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
      ...(error.status === 503 ? { 'retry-after': String(RETRY_AFTER_S) } : {}),
    };
    return { status: error.status, headers, body, outcome };
  }

  /** Size, signature, challenge, then the way of a request that is known to be the sender's. */
  async #receive(input: ReceiveInput): Promise<Reply> {
    const { url, method, waitUntil } = input;
    const raw = bytesOf(typeof input.raw === 'function' ? await input.raw() : input.raw);
    if (raw === undefined) throw alreadyParsed();
    if (raw.length > this.bodyBytesMax) throw tooLarge(this.bodyBytesMax);
    const request: SignedRequest = { raw, headers: headerBag(input.headers), url, method };
    const { scheme } = this.#verifier;
    const verified = await this.#verify(request);
    const described = scheme.describe(request, verified);
    const challenge = scheme.challenge?.(request, described);
    if (challenge !== undefined) return { ...challenge, outcome: 'challenge' };
    if (this.#options.ack !== 'queued') {
      return this.#open(request, { verified, described, waitUntil });
    }
    // Checked here too, because here the sender can still be told.
    await this.#payload(described.type ?? '', described.payload);
    await this.#enqueue(request, verified);
    return { status: 202, headers: {}, body: '', outcome: 'queued' };
  }

  async #verify({ raw, headers, url, method }: SignedRequest): Promise<Verified> {
    try {
      return await this.#verifier.verify(raw, headers, { url, method });
    } catch (cause) {
      if (cause instanceof WebhookError) throw cause;
      const message = `the secrets could not be had: ${messageOf(cause)}`;
      throw new WebhookError('secrets_failed', message, { cause });
    }
  }

  async #enqueue(request: SignedRequest, verified: Verified): Promise<void> {
    const { raw, headers, url, method } = request;
    try {
      await this.#options.queue?.enqueue({
        raw,
        headers: [...headers.entries()],
        url,
        method,
        verified,
      });
    } catch (cause) {
      throw new WebhookError('queue_failed', `the queue did not take it: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  /** Schema, order, idempotency, handlers. */
  async #open(request: SignedRequest, opened: Opened): Promise<Reply> {
    const controller = new AbortController();
    const { signal } = controller;
    const delivery = await this.#delivery(request, opened, signal);
    const work = this.#ordered.run(this.#options.order?.(delivery), async () => {
      // Whoever waited for others of its key until its time was over is not begun any more.
      if (signal.aborted) return this.#refuse(known(signal.reason), delivery);
      return this.#claimAndWork(delivery).catch((error) => this.#refuse(known(error), delivery));
    });
    const timer = startTimer(this.#timeoutMs);
    const first = await Promise.race([work, timer.over]);
    timer.clear();
    if (first !== undefined) return first;
    // The handlers are not stopped by that: the key stays claimed until they end, so a retry cannot
    // run beside them.
    const error = handlerTimeout(delivery.type, this.#timeoutMs);
    controller.abort(error);
    return this.#refuse(error, delivery);
  }

  async #delivery(
    { raw, headers }: SignedRequest,
    { verified, described, waitUntil }: Opened,
    signal: AbortSignal,
  ): Promise<Delivery<M>> {
    const { type = '', attempt, subject, actor, context } = described;
    const given = described.id ?? verified.id;
    const delivery = {
      id: given ?? `sha256:${await digest('sha256', raw, 'hex')}`,
      hasId: given !== undefined,
      type,
      payload: await this.#payload(type, described.payload),
      at: described.at ?? verified.sentAt ?? new Date(this.#now()),
      attempt,
      source: this.#options.source ?? verified.scheme,
      subject,
      actor,
      context,
      raw,
      headers,
      verified,
      signal,
      waitUntil: (promise: Promise<unknown>) => {
        const watched = promise.catch((error: unknown) => {
          this.#tell(handlerFailed(type, error), undefined);
        });
        waitUntil?.(watched);
      },
    };
    return delivery as unknown as Delivery<M>;
  }

  /** The payload as its schema returns it. */
  async #payload(type: string, payload: unknown): Promise<unknown> {
    const { events, validate = 'strict', onUnknown = 'ok' } = this.#options;
    if (events === undefined) return payload;
    const schemas = events.schemas as Catalogue['schemas'];
    const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined;
    if (schema === undefined) {
      const known = Object.hasOwn(schemas, type);
      if (known || onUnknown === 'ok') return payload;
      throw new WebhookError('unknown_event', `the type ${JSON.stringify(type)} is not known`, {
        hint: 'add it to the catalogue, or set onUnknown: "ok"',
      });
    }
    if (validate === 'off') return payload;
    const result = await schema['~standard'].validate(payload);
    if (result.issues === undefined) return result.value;
    const error = schemaMismatch(type, result.issues);
    if (validate === 'strict') throw error;
    this.#tell(error, undefined);
    return payload;
  }

  async #claimAndWork(delivery: Delivery<M>): Promise<Reply> {
    const key = this.#keyOf(delivery);
    const store = this.#store;
    if (store === undefined || key === undefined) {
      return this.#work(delivery, async () => undefined);
    }
    const fingerprint = await digest('sha256', delivery.raw, 'hex');
    const claim = await this.#claim(store, key, this.#options.rerun?.(delivery) === true);
    if (claim.state === 'in_progress') {
      const retryAfterS = Math.max(1, Math.ceil(claim.retryAfterMs / 1000));
      const headers = { 'retry-after': String(retryAfterS) };
      return { status: 409, headers, body: '', outcome: 'in_progress' };
    }
    if (claim.state === 'done') {
      if (claim.fingerprint === fingerprint || this.#verifier.scheme.bodyVaries === true) {
        return { status: 200, headers: {}, body: '', outcome: 'duplicate' };
      }
      throw new WebhookError('replayed', `the id ${delivery.id} was used before, by other bytes`);
    }
    const { token } = claim;
    const { idempotencyTtlMs: ttlMs = TTL_MS } = this.#options;
    return this.#work(delivery, (done) =>
      done ? store.complete(key, token, { fingerprint, ttlMs }) : store.release(key, token),
    );
  }

  #keyOf(delivery: Delivery<M>): string | undefined {
    const { idempotencyKey } = this.#options;
    const id = idempotencyKey?.(delivery) ?? (delivery.hasId ? delivery.id : undefined);
    if (id === undefined) return undefined;
    const key = `${delivery.source}:${id}`;
    if (key.length <= KEY_CHARS_MAX) return key;
    throw new WebhookError('malformed_header', `its id is longer than ${KEY_CHARS_MAX} characters`);
  }

  async #claim(store: IdempotencyStore, key: string, force: boolean): Promise<Claim> {
    const leaseMs = this.#timeoutMs + LEASE_BEYOND_TIMEOUT_MS;
    try {
      return await store.claim(key, { leaseMs, force });
    } catch (cause) {
      throw storeFailed(cause);
    }
  }

  async #work(delivery: Delivery<M>, settle: (done: boolean) => Promise<void>): Promise<Reply> {
    let handled = false;
    let failure: WebhookError | undefined;
    try {
      handled = await this.#dispatcher.run(delivery as unknown as Delivery);
    } catch (error) {
      failure = handlerFailed(delivery.type, error);
    }
    try {
      await settle(failure === undefined);
    } catch (cause) {
      // The work is as done or undone as it was; the lease will end by itself.
      this.#tell(storeFailed(cause), delivery);
    }
    if (failure !== undefined) return this.#refuse(failure, delivery);
    return { status: 200, headers: {}, body: '', outcome: handled ? 'handled' : 'unhandled' };
  }

  #tell(error: WebhookError, delivery: Delivery<M> | undefined): void {
    for (const listener of this.#listeners) {
      const told = async () => listener(error, delivery);
      told().catch((thrown: unknown) => this.#log(`onError itself failed: ${messageOf(thrown)}`));
    }
    if (this.#listeners.length > 0 || this.#logged.has(error.code)) return;
    // Strangers can cause these: one line per kind, however many come.
    this.#logged.add(error.code);
    const hint = error.hint === undefined ? '' : `. Hint: ${error.hint}`;
    this.#log(`${error.code}: ${error.message}${hint} (onError() would tell each of these)`);
  }

  #log(line: string): void {
    (this.#options.log ?? console).error(`webhook receiver: ${line}`);
  }
}

interface Opened {
  readonly verified: Verified;
  readonly described: Described;
  readonly waitUntil: ReceiveInput['waitUntil'];
}

function startTimer(timeoutMs: number): { over: Promise<undefined>; clear: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  return { over, clear: () => clearTimeout(timer) };
}

function handlerTimeout(type: string, timeoutMs: number): WebhookError {
  const message = `a handler for ${type} took more than ${timeoutMs} ms`;
  return new WebhookError('handler_timeout', message, {
    hint: 'queue the work (ack: "queued"), or allow more with handlerTimeoutMs',
  });
}

function storeFailed(cause: unknown): WebhookError {
  const message = `the idempotency store did not answer: ${messageOf(cause)}`;
  return new WebhookError('store_failed', message, { cause });
}

/** The answer to a body above the bound, for adapters that stop reading there. */
export function tooLarge(bodyBytesMax: number): WebhookError {
  return new WebhookError('body_too_large', `the body is larger than ${bodyBytesMax} bytes`, {
    hint: 'raise bodyBytesMax if the sender really sends that much',
  });
}

function schemaMismatch(type: string, issues: readonly StandardIssue[]): WebhookError {
  const list = issues.slice(0, 10).map(({ path = [], message }) => {
    const at = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
    return at === '' ? message : `${at}: ${message}`;
  });
  const message = `the payload of ${type} does not fit its schema: ${list.join('; ')}`;
  return new WebhookError('schema_mismatch', message, { detail: { issues: list } });
}

function known(error: unknown): WebhookError {
  return error instanceof WebhookError ? error : handlerFailed('a webhook', error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
