import { parseEventStream } from './event-stream.ts';
import type { LiveMessage } from './live.ts';

/** One message of the live feed, with the place that resumes after it. */
export type LiveEvent = LiveMessage & { readonly cursor: string };

export interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  /** false = ends with the connection. Default true: it connects again, after the last message. */
  readonly reconnect?: boolean | undefined;
  /** Told before it connects again, each time; `error` undefined = the server ended the stream. */
  readonly onLost?: ((error: unknown) => void) | undefined;
}

/** The server sends a heartbeat every 15 s: a connection that is silent for longer is dead. */
const SILENCE_MS = 45_000;
/** By hand, so that a page which follows the feed needs no schemas. */
const KINDS: Readonly<Record<LiveMessage['kind'], true>> = {
  ready: true,
  attempt: true,
  change: true,
  gap: true,
  bye: true,
};
const BACKOFF_MS = { first: 250, most: 15_000 };

export interface Connect {
  /** Opens the stream behind `after`; rejects with what `isFinal` judges. */
  open(after: string | undefined, signal: AbortSignal): Promise<Response>;
  /** Connecting again would be answered the same. */
  isFinal(error: unknown): boolean;
  /** How long the server asked to wait. */
  waitMs(error: unknown): number | undefined;
}

/**
 * Follows the feed until `signal` aborts or the server says that it will not be followed. The first
 * connection rejects with what went wrong; a later one is tried again, later each time. `bye` is handed
 * out like any message.
 */
export async function* follow(
  connect: Connect,
  options: FollowOptions & { readonly after: string | undefined },
): AsyncGenerator<LiveEvent, void> {
  const { signal, reconnect = true, onLost = () => {} } = options;
  let { after } = options;
  let connected = false;
  let waitMs = BACKOFF_MS.first;
  while (!signal?.aborted) {
    const silence = new Silence(signal);
    let lost: unknown;
    try {
      const response = await connect.open(after, silence.signal);
      connected = true;
      for await (const event of messages(response, silence)) {
        waitMs = BACKOFF_MS.first;
        after = event.cursor;
        yield event;
        if (event.kind === 'bye' && event.reason === 'unauthorized') return;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!connected || !reconnect || connect.isFinal(error)) throw error;
      waitMs = Math.max(waitMs, connect.waitMs(error) ?? 0);
      lost = error;
    } finally {
      silence.end();
    }
    if (!reconnect || signal?.aborted) return;
    onLost(lost);
    await delay(waitMs * (1 + Math.random()), signal);
    waitMs = Math.min(waitMs * 2, BACKOFF_MS.most);
  }
}

async function* messages(response: Response, silence: Silence): AsyncGenerator<LiveEvent> {
  if (!response.body) return;
  for await (const event of parseEventStream(chunks(response.body))) {
    silence.broken();
    if (!event) continue;
    const message = JSON.parse(event.data) as LiveMessage;
    // A newer server may say things that this client does not know.
    if (message.kind in KINDS) yield { ...message, cursor: event.id };
  }
}

/** By its reader: not every browser can iterate a stream. */
async function* chunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** Aborts a connection on which nothing arrives. */
class Silence {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #abort = () => this.#controller.abort(this.#outer?.reason);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    outer?.addEventListener('abort', this.#abort);
    this.broken();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Error('nothing arrived for 45 s'));
    }, SILENCE_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#abort);
    // Also frees the connection when whoever iterates stops early.
    this.#controller.abort();
  }
}

function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
    if (signal?.aborted) end();
  });
}
