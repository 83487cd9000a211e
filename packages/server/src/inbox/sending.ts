import type { CaptureStore, InboxKey } from '../store/inbox.ts';
import { CHUNK_BYTES_MAX, type Frame, type OpenHead, STREAM_CREDIT } from './frames.ts';
import type { Carried } from './hub.ts';

export interface SendingOptions {
  readonly write: (frame: Frame) => void;
  /** The carrier has taken more than it can pass on. */
  readonly full: () => boolean;
  readonly captures: CaptureStore;
  readonly key: InboxKey;
  /** The capture is gone from the store before its body was out. */
  readonly lost: (seq: number) => void;
  /** The store did not answer. */
  readonly failed: (error: unknown) => void;
}

interface Stream {
  readonly id: number;
  readonly capture: Carried;
  /** Of the body, sent so far. */
  offset: number;
  credit: number;
  /** Read from the store and not yet sent. */
  piece: Uint8Array;
}

/**
 * Captures on their way to one client: each is a stream. Bodies go in chunks, streams in turn, as far
 * as the client gave credit; the oldest stream may always go on within its own, or captures that wait
 * behind it could use up what it needs.
 */
export class Sending {
  readonly #options: SendingOptions;
  /** In the order they were opened. */
  readonly #streams = new Map<number, Stream>();
  /** With a body that is not out yet; the next one in turn first. */
  #pending: Stream[] = [];
  #lastId = 0;
  #credit = 0;
  #running = false;
  /** Something may have changed since the last look. */
  #again = false;
  #closed = false;

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  /** A new capture may be opened: what is under way leaves credit for it. */
  get ready(): boolean {
    let free = this.#credit;
    for (const { capture, offset } of this.#pending) {
      free -= Math.min(capture.bodyBytes - offset, STREAM_CREDIT);
    }
    return free > 0 && !this.#options.full();
  }

  seqOf(stream: number): number | undefined {
    return this.#streams.get(stream)?.capture.seq;
  }

  open(capture: Carried, as: { readonly liveMs: number; readonly replay: boolean }): number {
    this.#lastId += 1;
    const id = this.#lastId;
    const stream = { id, capture, offset: 0, credit: STREAM_CREDIT, piece: NOTHING };
    this.#streams.set(id, stream);
    const whole = capture.body !== undefined && capture.body.length <= this.#credit;
    const bytes = whole ? (capture.body as Uint8Array) : NOTHING;
    const head: OpenHead = {
      seq: capture.seq,
      id: capture.id,
      receivedAt: capture.receivedAt,
      method: capture.method,
      path: capture.path,
      headers: capture.headers,
      remoteAddress: capture.remoteAddress,
      bodyBytes: capture.bodyBytes,
      liveMs: as.liveMs,
      replay: as.replay,
    };
    const end = whole || capture.bodyBytes === 0;
    this.#options.write({ type: 'open', stream: id, head, bytes, end });
    this.#spend(stream, bytes.length);
    if (!end) {
      this.#pending.push(stream);
      this.run();
    }
    return id;
  }

  /** Stream 0 = all of them together. */
  credit(id: number, bytes: number): void {
    if (id === 0) this.#credit += bytes;
    else {
      const stream = this.#streams.get(id);
      if (stream) stream.credit += bytes;
    }
    this.run();
  }

  close(id: number): void {
    this.#streams.delete(id);
    this.#pending = this.#pending.filter((stream) => stream.id !== id);
  }

  end(): void {
    this.#closed = true;
    this.#streams.clear();
    this.#pending = [];
  }

  /** Sends what may be sent. */
  run(): void {
    this.#again = true;
    if (this.#running || this.#pending.length === 0) return;
    this.#running = true;
    void this.#run()
      .catch(this.#options.failed)
      .finally(() => {
        this.#running = false;
        if (this.#again) this.run();
      });
  }

  async #run(): Promise<void> {
    this.#again = false;
    for (let idle = 0; idle < this.#pending.length && !this.#options.full(); ) {
      // It stays in the list meanwhile: what it still needs counts.
      const stream = this.#pending[0] as Stream;
      const moved = await this.#sendChunk(stream);
      if (this.#closed) return;
      this.#pending = this.#pending.filter((other) => other !== stream);
      const more = this.#streams.has(stream.id) && stream.offset < stream.capture.bodyBytes;
      if (more) this.#pending.push(stream);
      idle = moved ? 0 : idle + 1;
    }
  }

  /** false = it may not go on now. */
  async #sendChunk(stream: Stream): Promise<boolean> {
    const [oldest] = this.#streams.keys();
    const shared = stream.id === oldest ? stream.credit : Math.min(stream.credit, this.#credit);
    const room = Math.min(CHUNK_BYTES_MAX, shared);
    if (room <= 0) return false;
    if (stream.piece.length === 0) {
      stream.piece = await this.#read(stream);
      if (this.#closed || !this.#streams.has(stream.id)) return true;
      if (stream.piece.length === 0) {
        this.#options.lost(stream.capture.seq);
        return true;
      }
    }
    const bytes = stream.piece.subarray(0, room);
    stream.piece = stream.piece.subarray(bytes.length);
    this.#spend(stream, bytes.length);
    const end = stream.offset >= stream.capture.bodyBytes;
    this.#options.write({ type: 'data', stream: stream.id, bytes, end });
    return true;
  }

  async #read({ capture, offset }: Stream): Promise<Uint8Array> {
    if (capture.body) return capture.body.subarray(offset);
    const { captures, key } = this.#options;
    return captures.body({ ...key, seq: capture.seq }, offset);
  }

  #spend(stream: Stream, bytes: number): void {
    stream.offset += bytes;
    stream.credit -= bytes;
    this.#credit -= bytes;
  }
}

const NOTHING = new Uint8Array();
