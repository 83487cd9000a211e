import type { IncomingMessage } from 'node:http';
import { AppError } from '../../core/errors.ts';
import type { Reply } from '../../core/inbox.ts';
import type { Capturing, Kept } from '../../inbox/capturing.ts';
import { flatHeaders, SAFE_HEADERS } from '../../inbox/reply-headers.ts';
import type { InboxView, PlacedInbox } from '../../inbox/view.ts';
import type { HttpLogger } from '../ports.ts';
import { toProblem } from '../problem.ts';
import { type RawExchange, sendProblem } from '../respond.ts';
import { Answering } from './answer.ts';
import type { InboxPlace } from './place.ts';
import { SenderSink } from './sender-sink.ts';

/**
 * Requests to inboxes, on bare node:http: any method, any path, the bytes as they come. Nothing is
 * answered before it is on the disk.
 */
export interface CaptureHandlerOptions {
  readonly view: InboxView;
  /** Other nodes make inboxes too: before one is said not to be there, the store is asked. */
  readonly refresh: (() => Promise<void>) | undefined;
  readonly capturing: Capturing;
  readonly logger: HttpLogger;
  readonly requestId: (given: string | string[] | undefined) => string;
  readonly bodyBytesMax: number;
  /** Of all bodies that are being read at once. */
  readonly receivingBytesMax: number;
  readonly pages: boolean;
}

/** What is kept of a body that is too large: enough to see what it was. */
const PREFIX_BYTES = 65_536;
const EMPTY = new Uint8Array();
const SAFE = Object.fromEntries(
  SAFE_HEADERS.flatMap((name, i) => (i % 2 === 0 ? [[name, SAFE_HEADERS[i + 1] as string]] : [])),
);

const RECEPTION = Symbol('reception');
/** The listeners are shared functions that find their request in `this`: nothing is bound per request. */
type Incoming = IncomingMessage & { [RECEPTION]?: Reception };

function onData(this: Incoming, chunk: Buffer): void {
  this[RECEPTION]?.take(chunk);
}
function onEnd(this: Incoming): void {
  this[RECEPTION]?.complete();
}
function onClose(this: Incoming): void {
  this[RECEPTION]?.over();
}

export class CaptureHandler {
  readonly options: CaptureHandlerOptions;
  readonly answering: Answering;
  /** Bytes of bodies that are being read. */
  receivingBytes = 0;

  constructor(options: CaptureHandlerOptions) {
    this.options = options;
    this.answering = new Answering({ pages: options.pages });
  }

  /** Answers the request whatever happens; never throws. */
  handle(exchange: RawExchange, place: InboxPlace): void {
    const { view, refresh } = this.options;
    const inbox = view.named(place.name);
    const reception = new Reception(this, exchange, place);
    if (inbox) reception.read(inbox);
    else if (!refresh) reception.refuse(noInbox());
    else {
      refresh().then(
        () => {
          const made = view.named(place.name);
          if (made) reception.read(made);
          else reception.refuse(noInbox());
        },
        (error: unknown) => reception.refuse(error),
      );
    }
  }
}

function noInbox(): AppError {
  return new AppError('not_found', 'There is no inbox of this name.');
}

/** One request on its way from body to answer. */
class Reception {
  readonly #handler: CaptureHandler;
  readonly #exchange: RawExchange;
  readonly #place: InboxPlace;
  #inbox: PlacedInbox | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #counted = 0;
  #done = false;

  constructor(handler: CaptureHandler, exchange: RawExchange, place: InboxPlace) {
    this.#handler = handler;
    this.#exchange = exchange;
    this.#place = place;
  }

  read(inbox: PlacedInbox): void {
    this.#inbox = inbox;
    const req: Incoming = this.#exchange.req;
    req[RECEPTION] = this;
    req.on('data', onData);
    req.on('end', onEnd);
    req.on('close', onClose);
  }

  take(chunk: Buffer): void {
    if (this.#done) return;
    const { bodyBytesMax, receivingBytesMax } = this.#handler.options;
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    if (this.#bytes > bodyBytesMax) {
      this.#tooLarge();
      return;
    }
    this.#counted += chunk.length;
    this.#handler.receivingBytes += chunk.length;
    if (this.#handler.receivingBytes > receivingBytesMax && this.#counted > PREFIX_BYTES) {
      const message = 'More is being received than there is room for: send it again shortly.';
      this.refuse(new AppError('overloaded', message, { retryAfterS: 1 }));
    }
  }

  complete(): void {
    if (this.#done) return;
    const { req } = this.#exchange;
    const body = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : this.#joined();
    this.#keep(body, body.length);
    req.removeListener('close', onClose);
  }

  /** The end of the request, whether it came whole or not. */
  over(): void {
    this.#done = true;
    this.#release();
  }

  refuse(error: unknown): void {
    this.#done = true;
    this.#release();
    const { requestId, logger } = this.#handler.options;
    const { req } = this.#exchange;
    const answer = toProblem(error, requestId(req.headers['x-request-id']), logger);
    const headers = { ...answer.headers, ...SAFE };
    sendProblem(this.#exchange, { ...answer, headers });
  }

  #joined(): Uint8Array {
    return this.#chunks.length === 0 ? EMPTY : Buffer.concat(this.#chunks, this.#bytes);
  }

  /** Its beginning is kept, so that people see that it came and how large it said it was. */
  #tooLarge(): void {
    const { req } = this.#exchange;
    const said = Number(req.headers['content-length'] ?? 0);
    const prefix = Buffer.from(Buffer.concat(this.#chunks).subarray(0, PREFIX_BYTES));
    this.#keep(prefix, Math.max(said, this.#bytes));
  }

  #keep(body: Uint8Array, bodyBytes: number): void {
    this.#done = true;
    this.#chunks = [];
    const { req } = this.#exchange;
    const inbox = this.#inbox as PlacedInbox;
    this.#handler.options.capturing
      .capture(inbox, {
        method: req.method ?? '',
        target: req.url ?? '',
        pathAt: this.#place.pathAt,
        headers: req.rawHeaders,
        body,
        bodyBytes,
        remoteAddress: req.socket.remoteAddress ?? '',
      })
      .then(
        (kept) => this.#answer(kept),
        (error: unknown) => this.refuse(error),
      )
      .finally(() => this.#release());
  }

  #answer(kept: Kept): void {
    const { answer, live } = kept;
    const reply = () => this.#reply(kept, answer.kind === 'reply' ? answer : answer.fallback);
    if (!live) {
      reply();
      return;
    }
    const { res } = this.#exchange;
    res.once('close', () => live.gone());
    const { answering } = this.#handler;
    const to = { exchange: this.#exchange, answering, captureId: kept.id, fallback: reply };
    live.deliver(new SenderSink(to));
  }

  #reply(kept: Kept, reply: Reply): void {
    this.#handler.answering.write(this.#exchange, {
      status: reply.status,
      headers: flatHeaders(reply.headers),
      body: kept.bodyOf(reply),
      delayMs: reply.delayMs,
      fault: reply.fault,
      captureId: kept.id,
    });
  }

  #release(): void {
    this.#handler.receivingBytes -= this.#counted;
    this.#counted = 0;
    this.#chunks = [];
  }
}
