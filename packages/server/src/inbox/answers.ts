import type { Ms } from '../core/model.ts';
import { type AckResult, type AnswerHead, CHUNK_BYTES_MAX, type Frame } from './frames.ts';
import { encodeHead, holdsSecret, requestHead } from './head.ts';
import type { Carried } from './hub.ts';
import type { Answering } from './live-answer.ts';

/** What is kept of an answer's body. */
export const KEPT_BYTES_MAX = 65_536;

/** An answer that has come to its end, for the log. */
export interface Finished {
  readonly stream: number;
  readonly seq: number;
  readonly live: boolean;
  readonly at: Ms;
  readonly result: AckResult;
  /** Of the request; empty = as captured. */
  readonly sentHead: Uint8Array;
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  readonly truncated: boolean;
  readonly secret: boolean;
}

interface Expected {
  readonly capture: Carried;
  readonly live: Answering | undefined;
  head: AnswerHead | undefined;
  readonly kept: Uint8Array[];
  keptBytes: number;
  truncated: boolean;
  /** The sender was answered with it. */
  answered: boolean;
  /** Taken and not yet given back as credit. */
  taken: number;
}

export interface AnswersOptions {
  readonly write: (frame: Frame) => void;
  readonly seqOf: (stream: number) => number | undefined;
}

/**
 * The answers of one client's local server: each is kept for the log, and given on to a sender who
 * waits for it. Credit is given back when a sender has taken what came; who does not wait is no brake.
 */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #expected = new Map<number, Expected>();
  readonly #streams = new Map<number, number>();
  #taken = 0;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  streamOf(seq: number): number | undefined {
    return this.#streams.get(seq);
  }

  expect(stream: number, of: { capture: Carried; live: Answering | undefined }): void {
    this.#streams.set(of.capture.seq, stream);
    this.#expected.set(stream, {
      capture: of.capture,
      live: of.live,
      head: undefined,
      kept: [],
      keptBytes: 0,
      truncated: false,
      answered: false,
      taken: 0,
    });
  }

  take(frame: Frame & { type: 'answer' | 'data' | 'reset' }): void {
    const expected = this.#expected.get(frame.stream);
    if (!expected) {
      // Of a stream that has ended here while it was on its way: only its credit matters.
      if (frame.type !== 'reset') this.#giveBack(undefined, frame.bytes.length);
      return;
    }
    if (frame.type === 'reset') {
      expected.live?.fail();
      return;
    }
    if (frame.type === 'answer' && !expected.head) {
      expected.head = frame.head;
      expected.answered = expected.live?.head(frame.head.status, frame.head.headers) ?? false;
    }
    this.#keep(expected, frame.bytes);
    const wait = expected.answered ? expected.live?.write(frame.bytes) : undefined;
    const { length } = frame.bytes;
    const { stream, end } = frame;
    if (wait) void wait.then(() => this.#giveBack(end ? undefined : stream, length));
    else if (length > 0) this.#giveBack(end ? undefined : stream, length);
    if (end && expected.answered) expected.live?.end();
  }

  #keep(expected: Expected, bytes: Uint8Array): void {
    const room = KEPT_BYTES_MAX - expected.keptBytes;
    if (bytes.length > room) expected.truncated = true;
    if (room <= 0 || bytes.length === 0) return;
    // A copy: the packet it lies in may be far larger.
    expected.kept.push(Buffer.from(bytes.subarray(0, room)));
    expected.keptBytes += Math.min(room, bytes.length);
  }

  #giveBack(stream: number | undefined, bytes: number): void {
    this.#taken += bytes;
    if (this.#taken >= CHUNK_BYTES_MAX) {
      this.#options.write({ type: 'credit', stream: 0, bytes: this.#taken });
      this.#taken = 0;
    }
    const expected = stream === undefined ? undefined : this.#expected.get(stream);
    if (!expected || stream === undefined) return;
    expected.taken += bytes;
    if (expected.taken < CHUNK_BYTES_MAX) return;
    this.#options.write({ type: 'credit', stream, bytes: expected.taken });
    expected.taken = 0;
  }

  /** undefined = nothing was expected of it. */
  finish(result: AckResult, now: Ms): Finished | undefined {
    const stream = this.#streams.get(result.seq);
    const expected = stream === undefined ? undefined : this.#expected.get(stream);
    if (stream === undefined || !expected) return undefined;
    this.#streams.delete(result.seq);
    this.#expected.delete(stream);
    if (expected.live && !expected.answered) expected.live.fail();
    const { head, kept, truncated, capture } = expected;
    const resigned = capture.resigned === true;
    const line = head ? Buffer.from(`HTTP/1.1 ${head.status}\r\n`) : NOTHING;
    return {
      stream,
      seq: result.seq,
      result,
      live: expected.answered,
      at: Math.round(now - result.ms),
      sentHead: resigned ? requestHead(capture) : NOTHING,
      head: head ? Buffer.concat([line, encodeHead(head.headers)]) : NOTHING,
      body: kept.length === 1 ? (kept[0] as Uint8Array) : Buffer.concat(kept),
      truncated: truncated || result.truncated,
      secret:
        (head !== undefined && holdsSecret(head.headers)) ||
        (resigned && holdsSecret(capture.headers)),
    };
  }

  /** The local server does not take it now: whoever waits is answered otherwise. */
  refused(seq: number): void {
    const stream = this.#streams.get(seq);
    if (stream !== undefined) this.#expected.get(stream)?.live?.fail();
  }

  refusedAll(): void {
    for (const { live, answered } of this.#expected.values()) if (!answered) live?.fail();
  }

  end(): void {
    for (const { live } of this.#expected.values()) live?.fail();
    this.#expected.clear();
    this.#streams.clear();
  }
}

const NOTHING = new Uint8Array();
