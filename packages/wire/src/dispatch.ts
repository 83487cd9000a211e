import type { Delivery } from './delivery.ts';
import { matchesPattern } from './pattern.ts';
import { WebhookError } from './webhook-error.ts';

/** Which handlers get a delivery, and the middleware around them. */

export type AnyHandler = (delivery: Delivery) => unknown;
export type AnyMiddleware = (delivery: Delivery, next: () => Promise<void>) => unknown;

export type DispatchOrder = 'series' | 'parallel';

interface Route {
  readonly patterns: readonly string[];
  readonly handler: AnyHandler;
}

export class Dispatcher {
  readonly #order: DispatchOrder;
  readonly #routes: Route[] = [];
  readonly #unhandled: AnyHandler[] = [];
  readonly #middleware: AnyMiddleware[] = [];

  constructor(order: DispatchOrder) {
    this.#order = order;
  }

  on(patterns: readonly string[], handler: AnyHandler): void {
    this.#routes.push({ patterns, handler });
  }

  onUnhandled(handler: AnyHandler): void {
    this.#unhandled.push(handler);
  }

  use(middleware: AnyMiddleware): void {
    this.#middleware.push(middleware);
  }

  /** Runs what is registered for the delivery; false = nothing is. Throws what a handler threw. */
  async run(delivery: Delivery): Promise<boolean> {
    const handlers = this.#routes
      .filter(({ patterns }) => patterns.some((one) => matchesPattern(one, delivery.type)))
      .map(({ handler }) => handler);
    const chosen = handlers.length > 0 ? handlers : this.#unhandled;
    await this.#through(0, delivery, () => this.#call(chosen, delivery));
    return handlers.length > 0;
  }

  async #through(at: number, delivery: Delivery, core: () => Promise<void>): Promise<void> {
    const middleware = this.#middleware[at];
    if (middleware === undefined) return core();
    let called = false;
    let reached = false;
    await middleware(delivery, async () => {
      if (called) throw new Error('a middleware called next() twice');
      called = true;
      await this.#through(at + 1, delivery, core);
      reached = true;
    });
    // A next() that nobody awaited would be acknowledged before the work is done.
    if (called && !reached) throw new Error('a middleware must await next()');
  }

  async #call(handlers: readonly AnyHandler[], delivery: Delivery): Promise<void> {
    if (this.#order === 'series') {
      for (const handler of handlers) await handler(delivery);
      return;
    }
    // All of them end before the answer, so that a retry never overlaps with one that still runs.
    const results = await Promise.allSettled(handlers.map(async (handler) => handler(delivery)));
    const errors = results.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} handlers failed`);
  }
}

/** Runs tasks of one key one after another; keys are forgotten when their last task ends. */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  run<T>(key: string | undefined, task: () => Promise<T>): Promise<T> {
    if (key === undefined) return task();
    const tail = this.#tails.get(key) ?? Promise.resolve();
    const mine = tail.then(task, task);
    this.#tails.set(key, mine);
    const forget = () => {
      if (this.#tails.get(key) === mine) this.#tails.delete(key);
    };
    mine.then(forget, forget);
    return mine;
  }
}

/** What a handler threw, as an error that has a code. */
export function handlerFailed(type: string, cause: unknown): WebhookError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new WebhookError('handler_failed', `a handler for ${type} failed: ${reason}`, { cause });
}
