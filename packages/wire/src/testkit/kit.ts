import type { Scheme } from '../schemes/scheme.ts';
import type { Secret } from '../secret.ts';
import { EventBuilder } from './event-builder.ts';

export interface TestKitOptions {
  readonly scheme: Scheme;
  readonly secret: Secret;
  /** Where requests are addressed to unless `send` gets a URL. */
  readonly url?: string | undefined;
  readonly now?: (() => number) | undefined;
}

export interface TestKit<M extends object> {
  /** A signed event with this payload, as this scheme's sender puts it into a body. */
  event<K extends keyof M & string>(type: K, payload: M[K]): EventBuilder;
  /** A signed request with any body. */
  raw(body: Uint8Array | string): EventBuilder;
}

/**
 * Makes signed webhooks for tests, good ones and bad ones.
 *
 * @example
 * const kit = createTestKit({ scheme: schemes.standard(), secret });
 * await kit.event('user.created', { id: 'u_1' }).tampered().send(receiver); // { status: 401 }
 */
export function createTestKit<M extends object = Record<string, unknown>>(
  options: TestKitOptions,
): TestKit<M> {
  const { scheme, secret, url = 'http://receiver.test/', now = Date.now } = options;
  let count = 0;
  const nextId = (): string => {
    count += 1;
    return `msg_${now()}_${count}`;
  };
  const builder = (event: { type: string | undefined; id: string; at: Date }, body: Uint8Array) =>
    new EventBuilder({
      ...event,
      scheme,
      secret,
      body,
      url,
      headers: {},
      signed: true,
      alter: undefined,
      chunkBytes: undefined,
    });
  const bytes = (text: string) => new TextEncoder().encode(text);
  return {
    event: (type, payload) => {
      const [id, at] = [nextId(), new Date(now())];
      const body = scheme.compose?.({ type, payload, at, id }) ?? payload;
      const raw = body instanceof Uint8Array ? body : bytes(JSON.stringify(body));
      return builder({ type, id, at }, raw);
    },
    raw: (body) => {
      const event = { type: undefined, id: nextId(), at: new Date(now()) };
      return builder(event, typeof body === 'string' ? bytes(body) : body);
    },
  };
}
