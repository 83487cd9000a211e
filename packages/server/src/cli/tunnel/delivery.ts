import type { ClientRequest, IncomingMessage } from 'node:http';
import {
  type AckResult,
  type AnswerHead,
  CHUNK_BYTES_MAX,
  type NackReason,
  type OpenHead,
} from '../../inbox/frames.ts';
import { type LocalExchange, LocalFault, type LocalServer } from './local-target.ts';

/** Where the answer to one capture goes while it is made. */
export interface AnswerSink {
  answer(head: AnswerHead, bytes: Uint8Array, end: boolean): void;
  /** Resolves when more may be sent. */
  data(bytes: Uint8Array, end: boolean): Promise<void>;
  /** Bytes of the body were taken: the server may send more. */
  taken(bytes: number): void;
}

/** Beyond this, a body that is needed again is asked of the server again. */
const HELD_BYTES_MAX = 262_144;
/** Of an answer nobody waits for; the log keeps no more. */
const LOGGED_BYTES_MAX = 65_536;
/** A local server that says nothing for so long in the middle of an answer has failed. */
const IDLE_MS = 60_000;

/** What a capture's delivery came to. */
export type Outcome =
  | { readonly kind: 'answered'; readonly result: AckResult }
  | { readonly kind: 'failed'; readonly reason: NackReason; readonly message: string }
  /** Its body came from a connection that is gone: it comes again. */
  | { readonly kind: 'cut' };

/** One capture on its way to the local server: its body as it comes, its answer as it goes. */
export class Delivery {
  readonly head: OpenHead;
  attempts = 0;
  readonly startedAt: number;
  #sink: AnswerSink;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** More of the body came than is held: it cannot be sent a second time. */
  #spent = false;
  #arrived = 0;
  #taken = 0;
  #over = false;
  #complete: boolean;
  #cut = false;
  #more: (() => void) | undefined;

  constructor(head: OpenHead, sink: AnswerSink, now: number) {
    this.head = head;
    this.#sink = sink;
    this.startedAt = now;
    this.#complete = head.bodyBytes === 0;
  }

  get complete(): boolean {
    return this.#complete;
  }
  get live(): boolean {
    return this.head.liveMs > 0;
  }
  /** The body held, if all of it is. */
  get body(): Buffer | undefined {
    return this.#complete && !this.#spent ? Buffer.concat(this.#held) : undefined;
  }

  push(bytes: Uint8Array, end: boolean): void {
    if (this.#over) {
      this.#sink.taken(bytes.length);
      return;
    }
    // A copy: the packet it lies in may be far larger.
    if (bytes.length > 0) this.#held.push(Buffer.from(bytes));
    this.#heldBytes += bytes.length;
    this.#arrived += bytes.length;
    this.#complete ||= end;
    this.#more?.();
  }

  /** The connection is gone. What is here whole goes on without it. */
  cut(sink: AnswerSink): void {
    this.#sink = sink;
    if (this.#complete) return;
    this.#cut = true;
    this.#more?.();
  }

  /** One request to the local server. Never rejects. */
  async run(server: LocalServer, more: readonly string[]): Promise<Outcome> {
    this.attempts += 1;
    const started = performance.now();
    if (this.#cut || this.#spent) return { kind: 'cut' };
    const exchange = server.open(this.head, more);
    // A fault of the request shows in the response; writing to it then only ends early.
    const answered = exchange.response.then(
      (response) => this.#answer(response, started),
      (error: unknown) => this.#fault(error),
    );
    await Promise.race([this.#write(exchange), answered]);
    if (this.#cut) {
      exchange.request.destroy();
      await answered;
      return { kind: 'cut' };
    }
    const outcome = await answered;
    if (outcome.kind === 'failed') return this.#spent ? { kind: 'cut' } : outcome;
    this.#finish();
    return outcome;
  }

  async #write({ request, moved }: LocalExchange): Promise<void> {
    if (this.#complete && this.#held.length <= 1) {
      request.end(this.#held[0]);
      this.#take(this.#heldBytes);
      return;
    }
    for (let at = 0; !this.#cut; ) {
      const chunk = this.#held[at];
      if (chunk === undefined) {
        if (this.#complete) break;
        await new Promise<void>((resolve) => {
          this.#more = resolve;
        });
        this.#more = undefined;
        continue;
      }
      at += 1;
      if (this.#heldBytes > HELD_BYTES_MAX) {
        this.#spent = true;
        for (const gone of this.#held.splice(0, at)) this.#heldBytes -= gone.length;
        at = 0;
      }
      if (request.destroyed) return;
      if (!request.write(chunk)) await drained(request);
      moved();
      this.#take(chunk.length);
    }
    if (!this.#cut) request.end();
  }

  #take(bytes: number): void {
    // A body that is sent a second time was taken the first time.
    const fresh = Math.min(bytes, this.#arrived - this.#taken);
    this.#taken += fresh;
    if (fresh > 0) this.#sink.taken(fresh);
  }

  /** It needs no more of its body. */
  #finish(): void {
    this.#over = true;
    this.#take(this.#arrived - this.#taken);
    this.#held = [];
  }

  async #answer(response: IncomingMessage, started: number): Promise<Outcome> {
    const status = response.statusCode ?? 502;
    const head = { status, headers: response.rawHeaders };
    response.setTimeout(IDLE_MS, () => response.destroy(new Error('nothing came for a minute')));
    const length = Number(response.headers['content-length'] ?? Number.NaN);
    let truncated = false;
    let error: string | null = null;
    try {
      // Short and of known length: one frame instead of three.
      if (length <= CHUNK_BYTES_MAX) {
        this.#sink.answer(head, await collected(response), true);
      } else truncated = await this.#stream(head, response);
    } catch (cause) {
      error = `the answer broke off: ${(cause as Error).message}`;
    }
    const ms = Math.round((performance.now() - started) * 10) / 10;
    return {
      kind: 'answered',
      result: { seq: this.head.seq, status, ms, error, truncated },
    };
  }

  /** As it comes, because a sender may be waiting for each part. true = not all of it was sent. */
  async #stream(head: AnswerHead, response: IncomingMessage): Promise<boolean> {
    this.#sink.answer(head, NOTHING, false);
    let room = this.live ? Number.POSITIVE_INFINITY : LOGGED_BYTES_MAX;
    let truncated = false;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      truncated ||= chunk.length > room;
      for (let at = 0; at < Math.min(chunk.length, room); at += CHUNK_BYTES_MAX) {
        await this.#sink.data(chunk.subarray(at, Math.min(at + CHUNK_BYTES_MAX, room)), false);
      }
      room -= Math.min(chunk.length, room);
    }
    await this.#sink.data(NOTHING, true);
    return truncated;
  }

  #fault(error: unknown): Outcome {
    if (error instanceof LocalFault) {
      return { kind: 'failed', reason: error.reason, message: error.message };
    }
    return { kind: 'failed', reason: 'reset', message: (error as Error).message };
  }
}

const NOTHING = new Uint8Array();

function collected(response: IncomingMessage): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () =>
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)),
    );
    response.on('error', reject);
    response.on('close', () => {
      if (!response.complete) reject(new Error('the local server cut the connection'));
    });
  });
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      request.removeListener('drain', go);
      request.removeListener('close', go);
      resolve();
    };
    request.on('drain', go);
    request.on('close', go);
  });
}
