import type { MaybePromise } from '../maybe-promise.ts';
import type { RequestReceiver } from '../receiver.ts';
import type { Scheme } from '../schemes/scheme.ts';
import type { Secret } from '../secret.ts';

/** Where a test's request goes: a receiver, a fetch handler, or the URL of any server. */
export type Target =
  | RequestReceiver
  | { fetch(request: Request): MaybePromise<Response> }
  | ((request: Request) => MaybePromise<Response>)
  | string;

/** What the target answered. */
export interface SendResult {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A request as it goes over the wire. */
export interface SignedParts {
  readonly raw: Uint8Array<ArrayBuffer>;
  readonly headers: Record<string, string>;
  readonly url: string;
}

export interface BuilderState {
  readonly scheme: Scheme;
  readonly secret: Secret;
  readonly type: string | undefined;
  readonly id: string;
  readonly at: Date;
  readonly body: Uint8Array;
  readonly url: string;
  /** Those of a captured request: what is signed anew replaces them. */
  readonly captured: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly signed: boolean;
  /** Changes the body behind the signature's back. */
  readonly alter: ((body: Uint8Array) => Uint8Array) | undefined;
  readonly chunkBytes: number | undefined;
}

const EXPIRED_S = 3600;
const ENCODER = new TextEncoder();

/**
 * A webhook to be sent by a test. Every method returns a changed copy, so one good event can be the
 * start of many bad ones.
 */
export class EventBuilder {
  readonly #state: BuilderState;

  constructor(state: BuilderState) {
    this.#state = state;
  }

  id(id: string): EventBuilder {
    return this.#with({ id });
  }

  /** When it is sent, which is what its signature says. */
  at(at: Date): EventBuilder {
    return this.#with({ at });
  }

  header(name: string, value: string): EventBuilder {
    return this.#with({ headers: { ...this.#state.headers, [name.toLowerCase()]: value } });
  }

  body(body: Uint8Array | string): EventBuilder {
    return this.#with({ body: typeof body === 'string' ? ENCODER.encode(body) : body });
  }

  secret(secret: Secret): EventBuilder {
    return this.#with({ secret });
  }

  /** Changes one bit of the body after it was signed. */
  tampered(): EventBuilder {
    return this.#altered((body) => {
      const changed = body.length === 0 ? ENCODER.encode('x') : Uint8Array.from(body);
      const middle = changed.length >> 1;
      changed[middle] = (changed[middle] ?? 0) ^ 1;
      return changed;
    });
  }

  /** What a proxy does that parses and prints JSON: other bytes, the same meaning. */
  reserialised(): EventBuilder {
    return this.#altered((body) => {
      const value: unknown = JSON.parse(new TextDecoder().decode(body));
      return ENCODER.encode(JSON.stringify(value, null, 2));
    });
  }

  wrongSecret(): EventBuilder {
    return this.#with({ secret: wrongSecretFor(this.#state.secret) });
  }

  /** Sent an hour ago: a replay. */
  expired(): EventBuilder {
    return this.at(new Date(this.#state.at.getTime() - EXPIRED_S * 1000));
  }

  fromFuture(): EventBuilder {
    return this.at(new Date(this.#state.at.getTime() + EXPIRED_S * 1000));
  }

  unsigned(): EventBuilder {
    return this.#with({ signed: false });
  }

  /** Signed as such: a byte order mark before the body. */
  withBom(): EventBuilder {
    return this.#with({ body: Uint8Array.of(0xef, 0xbb, 0xbf, ...this.#state.body) });
  }

  /** Sends the body in pieces of this size, without a length. */
  chunked(chunkBytes: number): EventBuilder {
    return this.#with({ chunkBytes });
  }

  async parts(url = this.#state.url): Promise<SignedParts> {
    const { scheme, id, at, secret, body, signed, alter, type, captured, headers } = this.#state;
    const input = { raw: body, id, at, secret, type };
    const signature = signed ? await scheme.sign(input) : {};
    const raw = Uint8Array.from(alter === undefined ? body : alter(body));
    const first = { 'content-type': 'application/json', ...captured };
    return { raw, headers: { ...first, ...signature, ...headers }, url };
  }

  async request(url?: string): Promise<Request> {
    const { raw, headers, url: to } = await this.parts(url);
    const { chunkBytes } = this.#state;
    const body = chunkBytes === undefined ? raw : streamOf(raw, chunkBytes);
    const init = { method: 'POST', headers, body, duplex: 'half', redirect: 'manual' } as const;
    return new Request(to, init as RequestInit);
  }

  async send(target: Target): Promise<SendResult> {
    if (typeof target === 'string') return resultOf(await fetch(await this.request(target)));
    if (typeof target === 'function') return resultOf(await target(await this.request()));
    if ('fetch' in target) return resultOf(await target.fetch(await this.request()));
    const { raw, headers, url } = await this.parts();
    const reply = await target.receive({ raw, headers, url, method: 'POST' });
    return { status: reply.status, headers: new Headers(reply.headers), body: reply.body };
  }

  /** The same request `times` times, one after another: what a sender's retries look like. */
  async duplicated(target: Target, times: number): Promise<SendResult[]> {
    const results: SendResult[] = [];
    for (let i = 0; i < times; i += 1) results.push(await this.send(target));
    return results;
  }

  /** The same request `times` times at once. */
  concurrently(target: Target, times: number): Promise<SendResult[]> {
    return Promise.all(Array.from({ length: times }, () => this.send(target)));
  }

  #altered(alter: (body: Uint8Array) => Uint8Array): EventBuilder {
    return this.#with({ alter });
  }

  #with(change: Partial<BuilderState>): EventBuilder {
    return new EventBuilder({ ...this.#state, ...change });
  }
}

async function resultOf(response: Response): Promise<SendResult> {
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** Another secret of the same form. */
function wrongSecretFor(secret: Secret): Secret {
  if (typeof secret !== 'string') return secret.map((byte) => byte ^ 0xff);
  if (secret.startsWith('whsec_')) return `whsec_${'d3Jvbmc'.repeat(6).slice(0, 40)}`;
  if (secret.startsWith('whsk_')) return OTHER_WHSK;
  return [...secret].reverse().join('') === secret
    ? `x${secret.slice(1)}`
    : [...secret].reverse().join('');
}

/** The key pair of the specification's example; it signs for nobody. */
const OTHER_WHSK =
  'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';

function streamOf(bytes: Uint8Array, chunkBytes: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) {
        controller.close();
        return;
      }
      controller.enqueue(bytes.slice(at, at + chunkBytes));
      at += chunkBytes;
    },
  });
}
