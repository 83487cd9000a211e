import { decode } from '../encoding.ts';
import type { Header } from '../header.ts';
import type { Scheme } from '../schemes/scheme.ts';
import type { Secret } from '../secret.ts';
import { type BuilderState, EventBuilder } from './event-builder.ts';

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
  /**
   * A request that an inbox captured, signed anew with a fresh time; `.unsigned()` leaves it as it was.
   */
  fromCapture(capture: CapturedRequest): EventBuilder;
}

/** A capture as Posthorn's API, and a file saved from it, has it. */
export interface CapturedRequest {
  readonly headers: readonly Header[];
  readonly body: { readonly encoding: 'utf8' | 'base64'; readonly text: string };
}

/** They belong to the connection it came by. */
const FRAMING = ['host', 'connection', 'content-length', 'transfer-encoding', 'accept-encoding'];

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
  const builder = (event: Partial<BuilderState>, body: Uint8Array) =>
    new EventBuilder({
      scheme,
      secret,
      type: undefined,
      id: nextId(),
      at: new Date(now()),
      body,
      url,
      captured: {},
      headers: {},
      signed: true,
      alter: undefined,
      chunkBytes: undefined,
      ...event,
    });
  const bytes = (text: string) => new TextEncoder().encode(text);
  return {
    event: (type, payload) => {
      const [id, at] = [nextId(), new Date(now())];
      const body = scheme.compose?.({ type, payload, at, id }) ?? payload;
      const raw = body instanceof Uint8Array ? body : bytes(JSON.stringify(body));
      return builder({ type, id, at }, raw);
    },
    raw: (body) => builder({}, typeof body === 'string' ? bytes(body) : body),
    fromCapture: ({ headers, body }) => {
      const kept = headers.map(({ name, value }) => [name.toLowerCase(), value] as const);
      const captured = Object.fromEntries(kept.filter(([name]) => !FRAMING.includes(name)));
      const raw = body.encoding === 'utf8' ? bytes(body.text) : decode(body.text, 'base64');
      if (raw === undefined) throw new TypeError('the body of the capture is not base64');
      return builder({ captured }, raw);
    },
  };
}
