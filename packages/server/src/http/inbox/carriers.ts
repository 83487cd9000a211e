import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import type { Clock } from '../../core/clock.ts';
import { BUFFERED_MAX, type Carrier } from '../../inbox/carrier.ts';
import { PING_MS } from '../../inbox/frames.ts';

/** What carries a tunnel's packets: a WebSocket, or what gets through where upgrades are cut off. */

/** A peer that does not close its side in time is cut. */
const CLOSE_MS = 2000;
/** A client that polls is gone when it has not asked for so long. */
const POLL_GAP_MS = 40_000;
/** An unanswered poll ends empty before a proxy would end it. */
const POLL_MS = 25_000;

export class SocketCarrier implements Carrier {
  readonly #socket: WebSocket;
  #waiting = false;
  onPacket: Carrier['onPacket'] = () => {};
  onClose: Carrier['onClose'] = () => {};
  onDrain: Carrier['onDrain'] = () => {};

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => {
      // Text is not of this protocol: an empty packet with a rest is none either.
      this.onPacket(isBinary ? (data as Buffer) : Buffer.of(0));
    });
    socket.on('close', () => this.onClose());
    socket.on('error', () => socket.terminate());
  }

  get buffered(): number {
    return this.#socket.bufferedAmount;
  }

  send(packet: Uint8Array): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(packet, { binary: true }, () => {
      if (!this.#waiting || this.buffered > BUFFERED_MAX / 2) return;
      this.#waiting = false;
      this.onDrain();
    });
    if (this.buffered > BUFFERED_MAX / 2) this.#waiting = true;
  }

  close(): void {
    this.#socket.close(1000);
    const cut = setTimeout(() => this.#socket.terminate(), CLOSE_MS);
    this.#socket.once('close', () => clearTimeout(cut));
  }
}

/**
 * A channel of plain requests: what goes to the client leaves by server-sent events or by answered
 * polls, what comes from it is posted. Whatever of it fails, the client starts anew.
 */
export class ChannelCarrier implements Carrier {
  readonly #clock: Clock;
  #queue: Uint8Array[] = [];
  #buffered = 0;
  #events: ServerResponse | undefined;
  #poll: ServerResponse | undefined;
  #cancel: () => void = () => {};
  #cancelBeat: () => void = () => {};
  #closed = false;
  onPacket: Carrier['onPacket'] = () => {};
  onClose: Carrier['onClose'] = () => {};
  onDrain: Carrier['onDrain'] = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#expectClient();
  }

  get buffered(): number {
    return this.#buffered + (this.#events?.writableLength ?? 0);
  }

  send(packet: Uint8Array): void {
    if (this.#closed) return;
    if (this.#events) {
      this.#event(this.#events, packet);
      return;
    }
    this.#queue.push(packet);
    this.#buffered += packet.length;
    if (this.#poll) this.#answerPoll(this.#poll);
  }

  close(): void {
    if (this.#closed) return;
    if (this.#events) this.#events.end();
    // A client that polls still fetches what is there, the reason among it.
    if (this.#events || this.#queue.length === 0) this.#end();
  }

  /** What was posted. */
  receive(packet: Uint8Array): void {
    if (!this.#closed) this.onPacket(packet);
  }

  /** Server-sent events from now on; the channel ends with them. */
  events(req: IncomingMessage, res: ServerResponse): void {
    this.#cancel();
    this.#events = res;
    res.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    res.on('drain', () => this.onDrain());
    req.on('close', () => this.#end());
    for (const packet of this.#take()) this.#event(res, packet);
    res.flushHeaders();
    this.#beat(res);
  }

  /** One poll: answered at once if something is there, else when it comes. */
  poll(res: ServerResponse): void {
    this.#poll?.writeHead(409, { 'Content-Length': 0 }).end();
    this.#poll = res;
    this.#cancel();
    if (this.#queue.length > 0) this.#answerPoll(res);
    else this.#cancel = this.#clock.after(POLL_MS, () => this.#answerPoll(res));
    res.once('close', () => {
      // Its client is gone, and with it what it might not have got.
      if (!res.writableFinished) this.#end();
    });
  }

  #answerPoll(res: ServerResponse): void {
    this.#poll = undefined;
    const body = Buffer.concat(this.#take());
    res.writeHead(200, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': body.length,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    });
    res.end(body);
    this.#expectClient();
    this.onDrain();
  }

  #event(res: ServerResponse, packet: Uint8Array): void {
    const { buffer, byteOffset, length } = packet;
    res.write(`data: ${Buffer.from(buffer, byteOffset, length).toString('base64')}\n\n`);
  }

  /** Comments keep proxies from ending a stream they take for idle. */
  #beat(res: ServerResponse): void {
    this.#cancelBeat = this.#clock.after(PING_MS, () => {
      res.write(':\n\n');
      this.#beat(res);
    });
  }

  #take(): Uint8Array[] {
    this.#buffered = 0;
    return this.#queue.splice(0);
  }

  #expectClient(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(POLL_GAP_MS, () => this.#end());
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancel();
    this.#cancelBeat();
    this.#queue = [];
    if (this.#poll && !this.#poll.headersSent) this.#poll.writeHead(410).end();
    this.onClose();
  }
}
