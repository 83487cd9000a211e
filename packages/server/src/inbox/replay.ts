import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Probe, Exchange as Sent } from '../core/exchange.ts';
import type { Inbox } from '../core/inbox.ts';
import type { Header, Ms } from '../core/model.ts';
import { withoutSlash } from '../core/public-url.ts';
import type { CaptureStore, Exchange, NewExchange, StoredCapture } from '../store/inbox.ts';
import type { Finished } from './answers.ts';
import { decodeHead, holdsSecret, requestHead } from './head.ts';
import type { Carried } from './hub.ts';
import { pairsOf, signatureOf } from './recognition.ts';
import type { Relay } from './relay.ts';
import { signedAnew } from './resigning.ts';

/** A capture sent again: where to, how signed, what changed, how often. */
export interface ReplayOrder {
  readonly to:
    | { readonly kind: 'url'; readonly url: URL }
    /** `name` undefined = whoever has listened longest. */
    | { readonly kind: 'listener'; readonly name: string | undefined };
  readonly signature: 'exact' | 'new';
  readonly edit: ReplayEdit;
  readonly times: number;
  readonly delayMs: Ms;
}

export interface ReplayEdit {
  readonly method: string | undefined;
  readonly path: string | undefined;
  /** All of them. */
  readonly headers: readonly Header[] | undefined;
  readonly body: Uint8Array | undefined;
}

export interface ReplaysOptions {
  readonly captures: CaptureStore;
  readonly relay: Relay;
  readonly clock: Clock;
  /** The guarded way out. */
  readonly probe: Probe;
}

/** Calls at once; each may hold a body in memory. */
const CALLS_MAX = 16;
/** After so long no more repetitions are begun. */
const WHOLE_MS: Ms = 60_000;
const URL_TIMEOUT_MS: Ms = 15_000;
const LISTENER_TIMEOUT_MS: Ms = 30_000;

/** What is sent, before it is known where to. */
interface Request {
  readonly method: string;
  readonly path: string;
  /** Flat list of names and values. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** Other headers or another body than were captured. */
  readonly changed: { readonly head: boolean; readonly body: boolean };
}

/** Sends captures again; whatever comes of it is logged with the capture. */
export class Replays {
  readonly #options: ReplaysOptions;
  #calls = 0;
  #lastSeq = 0;

  constructor(options: ReplaysOptions) {
    this.#options = options;
  }

  /** Resolves with what came of each. Rejects `conflict` when it cannot be done at all. */
  async replay(inbox: Inbox, capture: StoredCapture, order: ReplayOrder): Promise<Exchange[]> {
    if (this.#calls >= CALLS_MAX) {
      const message = 'Too many replays are under way: try again in a moment.';
      throw new AppError('overloaded', message, { retryAfterS: 1 });
    }
    this.#calls += 1;
    try {
      const send = await this.#sender(inbox, capture, order);
      const { clock } = this.#options;
      const until = clock.now() + WHOLE_MS;
      const done: Exchange[] = [];
      for (let n = 0; n < order.times && clock.now() < until; n++) {
        if (n > 0 && order.delayMs > 0) await this.#pause(order.delayMs);
        done.push(await send());
      }
      return done;
    } finally {
      this.#calls -= 1;
    }
  }

  /** What sends it once, each time signed anew if that was asked for. */
  async #sender(
    inbox: Inbox,
    capture: StoredCapture,
    { to, signature, edit }: ReplayOrder,
  ): Promise<() => Promise<Exchange>> {
    if (capture.truncated && edit.body === undefined) {
      const message = 'Only the beginning of its body was kept: give the body to send.';
      throw new AppError('conflict', message);
    }
    const body = await this.#bodyOf(capture);
    const request = edited(capture, body, edit);
    const sign = signature === 'new' ? await signerOf(inbox, { ...capture, body }) : undefined;
    const made = async () => (sign ? sign(request, this.#options.clock.now()) : request);
    if (to.kind === 'url') {
      return async () => this.#toUrl(capture, await made(), to.url);
    }
    return async () => this.#toListener(capture, await made(), to.name);
  }

  async #bodyOf(capture: StoredCapture): Promise<Uint8Array> {
    if (capture.body) return capture.body;
    const pieces: Uint8Array[] = [];
    for (let at = 0; ; ) {
      const piece = await this.#options.captures.body(capture, at);
      if (piece.length === 0) return Buffer.concat(pieces);
      pieces.push(piece);
      at += piece.length;
    }
  }

  async #toUrl(capture: StoredCapture, request: Request, base: URL): Promise<Exchange> {
    const { clock, probe } = this.#options;
    const at = clock.now();
    const url = below(base, request.path);
    const sent = await probe({
      url,
      method: request.method,
      headers: outboundHeaders(request.headers, capture),
      body: request.body,
      timeoutMs: URL_TIMEOUT_MS,
    });
    return this.#log(capture, {
      ...ofResponse(sent),
      kind: 'replay',
      to: url,
      at,
      durationMs: sent.timings.totalMs,
      requestHead: sent.requestHead,
      requestBody: request.changed.body ? request.body : undefined,
      secretHeads: holdsSecret(request.headers),
    });
  }

  async #whyNobody(of: StoredCapture, name: string | undefined): Promise<string> {
    const { relay, clock } = this.#options;
    const listeners = await relay.listeners.list(of, clock.now());
    for (const listener of listeners) {
      const there = listener.attachments.find(({ node }) => node !== relay.node);
      if (there && (name === undefined || name === listener.name)) {
        return `${listener.name} listens at another node (${there.node}), and a replay reaches only listeners of the node that is asked: replay to a URL, or ask that node.`;
      }
    }
    const who = name === undefined ? 'Nobody listens' : `${name} does not listen`;
    return `${who} now: start posthorn listen, or replay to a URL.`;
  }

  async #toListener(
    capture: StoredCapture,
    request: Request,
    name: string | undefined,
  ): Promise<Exchange> {
    const { relay, clock } = this.#options;
    const tunnel = relay.listening(capture.inbox, name);
    if (!tunnel) throw new AppError('conflict', await this.#whyNobody(capture, name));
    const to = tunnel.listener ?? '';
    const at = clock.now();
    const carried = carriedFrom(capture, request, this.#nextSeq());
    return new Promise((resolve) => {
      const base = { kind: 'replay', to, at, ...asSent(request) } as const;
      const over = (exchange: Exchange) => {
        cancel();
        resolve(exchange);
      };
      const waits = (why: string) =>
        over({ ...NO_ANSWER, ...base, durationMs: clock.now() - at, error: why });
      const cancel = clock.after(LISTENER_TIMEOUT_MS, () => waits(SLOW));
      tunnel.replay(carried, {
        waits,
        done: (finished) =>
          void this.#log(capture, { ...base, ...ofFinished(finished) }).then(over),
      });
    });
  }

  /** Above every number of a capture, and never the same again: clients remember what they have done. */
  #nextSeq(): number {
    this.#lastSeq = Math.max(this.#lastSeq + 1, this.#options.clock.now() * 1024);
    return this.#lastSeq;
  }

  async #log({ slot, inbox, seq }: StoredCapture, of: Logged): Promise<Exchange> {
    await this.#options.captures.record([{ slot, inbox, seq, ...of }]);
    return of;
  }

  #pause(ms: Ms): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }
}

type Logged = Omit<NewExchange, 'slot' | 'inbox' | 'seq'>;

const NOTHING = new Uint8Array();
const NO_ANSWER = {
  status: undefined,
  responseHead: NOTHING,
  responseBody: NOTHING,
  responseTruncated: false,
} as const;
const SLOW = `no answer within ${LISTENER_TIMEOUT_MS / 1000} s; it may still come, and is logged then`;

function edited(capture: StoredCapture, body: Uint8Array, edit: ReplayEdit): Request {
  const captured = decodeHead(capture.head);
  return {
    method: edit.method ?? capture.method,
    path: edit.path ?? capture.target.slice(capture.pathAt),
    headers: edit.headers ? edit.headers.flatMap(({ name, value }) => [name, value]) : captured,
    body: edit.body ?? body,
    changed: { head: edit.headers !== undefined, body: edit.body !== undefined },
  };
}

type Sign = (request: Request, nowMs: Ms) => Promise<Request>;

/** Signs as the capture was signed, or as the inbox says that its senders sign. */
async function signerOf(inbox: Inbox, capture: StoredCapture): Promise<Sign> {
  if (inbox.signing.secrets.length === 0) {
    throw new AppError('conflict', 'The inbox has no secret to sign with: give it one.');
  }
  const { signer } = await signatureOf(capture, inbox.signing);
  if (!signer) {
    const message = 'It is not known how to sign this: set signing.scheme, or replay it exactly.';
    throw new AppError('conflict', message);
  }
  return async (request, nowMs) => ({
    ...request,
    headers: await signedAnew(signer, capture, { ...request, nowMs }),
    changed: { ...request.changed, head: true },
  });
}

/** Of one connection, or set by who sends. */
const NOT_REPEATED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function outboundHeaders(flat: readonly string[], capture: StoredCapture): Header[] {
  const kept = pairsOf(flat)
    .filter(([name]) => !NOT_REPEATED.has(name.toLowerCase()))
    .map(([name, value]) => ({ name, value }));
  return [
    ...kept,
    { name: 'X-Posthorn-Capture', value: capture.id },
    { name: 'Hook-Replay', value: 'true' },
    { name: 'Hook-Original-At', value: new Date(capture.receivedAt).toISOString() },
  ];
}

/** The capture's path and query behind those of the target. */
function below(base: URL, path: string): string {
  const mark = path.indexOf('?');
  const [bare, query] = mark < 0 ? [path, ''] : [path.slice(0, mark), path.slice(mark + 1)];
  const url = new URL(base);
  if (bare !== '') url.pathname = `${withoutSlash(url.pathname)}${bare}`;
  if (query !== '') url.search = url.search === '' ? query : `${url.search}&${query}`;
  url.hash = '';
  return url.href;
}

function carriedFrom(capture: StoredCapture, request: Request, seq: number): Carried {
  const { id, receivedAt, remoteAddress } = capture;
  const { method, path, headers, body } = request;
  const bodyBytes = body.length;
  return {
    seq,
    id,
    receivedAt,
    remoteAddress,
    method,
    path,
    headers,
    body,
    bodyBytes,
    truncated: false,
  };
}

function asSent(request: Request) {
  const { headers, body, changed } = request;
  return {
    requestHead: changed.head || changed.body ? requestHead(request) : NOTHING,
    requestBody: changed.body ? body : undefined,
    secretHeads: holdsSecret(headers),
  };
}

function ofFinished({ result, head, body, truncated, secret }: Finished) {
  return {
    durationMs: result.ms,
    status: result.status ?? undefined,
    error: result.error ?? undefined,
    responseHead: head,
    responseBody: body,
    responseTruncated: truncated,
    ...(secret ? { secretHeads: true } : {}),
  };
}

function ofResponse({ outcome }: Sent) {
  const fault = outcome.kind === 'fault';
  return {
    status: outcome.status,
    error: fault ? outcome.detail : undefined,
    responseHead: outcome.head ?? NOTHING,
    responseBody: outcome.body ?? NOTHING,
    responseTruncated: !fault && outcome.truncated,
  };
}
