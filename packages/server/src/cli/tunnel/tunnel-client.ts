import type { Agent } from 'node:http';
import {
  type AckResult,
  CONNECTION_CREDIT,
  decodePacket,
  encodeFrame,
  type Frame,
  type GoawayReason,
  type Hello,
  PacketWriter,
  SILENCE_MS,
  STREAM_CREDIT,
  type Welcome,
} from '../../inbox/frames.ts';
import type { Deliveries } from './deliveries.ts';
import type { AnswerSink, Delivery } from './delivery.ts';
import { type Line, MeansError, openLine } from './line.ts';
import { LINE_KINDS, type LineKind } from './line-kind.ts';

export interface TunnelEvents {
  connected(welcome: Welcome, kind: LineKind): void;
  /** It is tried again after `retryMs`. */
  lost(reason: string, retryMs: number): void;
}

export interface TunnelClientOptions {
  readonly url: string;
  readonly hello: Hello;
  readonly deliveries: Deliveries;
  readonly agent: Agent | undefined;
  /** The only means to use; undefined = the first that works. */
  readonly kind: LineKind | undefined;
  readonly events: TunnelEvents;
  /** What to do with captures that came before: all of them, or none. */
  readonly backlog: (welcome: Welcome) => Promise<'replay' | 'skip'>;
}

/** The server sent us away, and coming again would change nothing. */
export interface TunnelEnd {
  readonly reason: GoawayReason | 'stopped';
  readonly message: string;
}

/** Why it is not there for a moment: we wanted it so. */
const ANEW = 'the connection is made anew';
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 15_000;
/** A connection that held so long was a good one: the next begins without a wait. */
const GOOD_MS = 10_000;
const TICK_MS = 1000;
/** A clock that jumps so far has slept. */
const SLEPT_MS = 5000;

/** Keeps a tunnel up: through restarts, lost networks and sleep, until it is stopped or sent away. */
export class TunnelClient {
  readonly #options: TunnelClientOptions;
  #session: Session | undefined;
  #kind: LineKind | undefined;
  #wake: (() => void) | undefined;
  #stopped = false;
  #from: Hello['from'];

  constructor(options: TunnelClientOptions) {
    this.#options = options;
    this.#kind = options.kind;
    this.#from = options.hello.from;
  }

  get connected(): boolean {
    return this.#session !== undefined;
  }

  /** Resolves when there is nothing more to try. */
  async run(): Promise<TunnelEnd> {
    const watch = this.#watchSleep();
    try {
      for (let failures = 0; ; ) {
        const startedAt = Date.now();
        const end = await this.#connectOnce();
        if (this.#stopped) return { reason: 'stopped', message: '' };
        if (end.again === null) return end.as;
        failures = Date.now() - startedAt > GOOD_MS ? 0 : failures + 1;
        const cap = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** failures);
        const waitMs = Math.max(end.again, failures === 0 ? 0 : Math.random() * cap);
        if (end.as.message !== ANEW) this.#options.events.lost(end.as.message, waitMs);
        await this.#sleep(waitMs);
        if (this.#stopped) return { reason: 'stopped', message: '' };
      }
    } finally {
      clearInterval(watch);
    }
  }

  /** Drops the connection and makes it anew: what was not acknowledged comes again. */
  restart(): void {
    this.#session?.cut(ANEW);
  }

  /** What is under way may end first; then it says goodbye. */
  async stop(timeoutMs = 5000): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    await this.#options.deliveries.stop(timeoutMs);
    await this.#session?.close();
  }

  pause(on: boolean): void {
    this.#options.deliveries.pause(on);
    this.state();
  }

  /** Tells the server whether the local server takes anything now. */
  state(): void {
    const { paused, holding } = this.#options.deliveries;
    this.#session?.write({
      type: 'state',
      state: paused ? 'paused' : holding ? 'holding' : 'ready',
    });
  }

  async #connectOnce(): Promise<Ended> {
    const { hello, deliveries, events, backlog } = this.#options;
    let session: Session | undefined;
    try {
      const ended = new Promise<Ended>((resolve) => {
        session = new Session({
          deliveries,
          ended: resolve,
          welcomed: async (welcome, kind) => {
            // Wherever it began, from now on it goes on where it stopped.
            this.#from = 'acked';
            events.connected(welcome, kind);
            this.state();
            return backlog(welcome);
          },
        });
      });
      this.#session = session;
      await this.#open(session as unknown as Session, { ...hello, from: this.#from });
      return await ended;
    } catch (error) {
      return { again: 0, as: { reason: 'unavailable', message: messageOf(error) } };
    } finally {
      if (this.#session === session) this.#session = undefined;
      deliveries.disconnected();
    }
  }

  /** By the means that worked last, else by the first that does. */
  async #open(session: Session, hello: Hello): Promise<void> {
    const { url, agent } = this.#options;
    const kinds = this.#kind ? [this.#kind] : LINE_KINDS;
    for (const kind of kinds) {
      try {
        const first = encodeFrame({ type: 'hello', hello });
        const line = await openLine(kind, { url, agent, hello: first, events: session });
        session.opened(line, kind);
        this.#kind = kind;
        return;
      } catch (error) {
        if (!(error instanceof MeansError) || kind === kinds.at(-1)) throw error;
      }
    }
  }

  #watchSleep(): NodeJS.Timeout {
    let last = Date.now();
    return setInterval(() => {
      const now = Date.now();
      if (now - last > SLEPT_MS) {
        this.#session?.cut('this machine has slept');
        this.#wake?.();
      } else if (this.#session && now - this.#session.heardAt > SILENCE_MS) {
        this.#session.cut('nothing was heard of the server');
      }
      last = now;
    }, TICK_MS);
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}

interface Ended {
  /** Milliseconds to wait at least; null = it would change nothing. */
  readonly again: number | null;
  readonly as: TunnelEnd;
}

interface SessionOptions {
  readonly deliveries: Deliveries;
  readonly welcomed: (welcome: Welcome, kind: LineKind) => Promise<'replay' | 'skip'>;
  readonly ended: (ended: Ended) => void;
}

interface StreamState {
  readonly delivery: Delivery | undefined;
  credit: number;
}

/** One connection. */
class Session {
  readonly #options: SessionOptions;
  readonly #writer = new PacketWriter(
    (packet) => this.#line?.send(packet),
    () => this.#acknowledgement(),
  );
  readonly #streams = new Map<number, StreamState>();
  readonly #seqs = new Map<number, number>();
  #line: Line | undefined;
  #kind: LineKind = 'websocket';
  #credit = CONNECTION_CREDIT;
  /** Answers that wait for credit. */
  #blocked: (() => void)[] = [];
  /** Taken of bodies and not yet given back. */
  #taken = 0;
  #over = false;
  #results: AckResult[] = [];
  heardAt = Date.now();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  opened(line: Line, kind: LineKind): void {
    this.#line = line;
    this.#kind = kind;
    if (this.#over) line.cut();
  }

  write(frame: Frame): void {
    if (!this.#over) this.#writer.write(frame);
  }

  packet(packet: Uint8Array): void {
    this.heardAt = Date.now();
    try {
      for (const frame of decodePacket(packet)) this.#obey(frame);
    } catch (error) {
      this.cut(`the server speaks another protocol: ${messageOf(error)}`);
    }
  }

  closed(reason: string): void {
    this.#end({ again: 0, as: { reason: 'unavailable', message: reason } });
  }

  cut(reason: string): void {
    this.#line?.cut();
    this.closed(reason);
  }

  async close(): Promise<void> {
    const last = this.#acknowledgement();
    if (last) this.write(last);
    this.write({ type: 'bye' });
    this.#writer.flush();
    await this.#line?.close();
    this.closed('stopped');
  }

  #end(ended: Ended): void {
    if (this.#over) return;
    this.#over = true;
    for (const go of this.#blocked.splice(0)) go();
    this.#options.ended(ended);
  }

  #obey(frame: Frame): void {
    switch (frame.type) {
      case 'welcome':
        void this.#welcome(frame.welcome);
        return;
      case 'open':
        this.#open(frame);
        return;
      case 'data':
        this.#data(frame.stream, frame.bytes, frame.end);
        return;
      case 'credit':
        this.#credited(frame.stream, frame.bytes);
        return;
      case 'reset':
        this.#streams.delete(frame.stream);
        return;
      case 'ping':
        this.write({ type: 'pong', clock: frame.clock });
        return;
      case 'goaway': {
        const { reason, message, reconnectAfterMs: again } = frame;
        this.#end({ again, as: { reason, message } });
        this.#line?.cut();
        return;
      }
      default:
    }
  }

  async #welcome(welcome: Welcome): Promise<void> {
    const { deliveries, welcomed } = this.#options;
    deliveries.connected({
      ack: (result) => this.#result(result),
      nack: (seq, reason) => this.write({ type: 'nack', seq, reason, holdMs: 1000 }),
      resigns: welcome.resigns === true,
    });
    const choice = await welcomed(welcome, this.#kind);
    if (choice === 'skip') this.write({ type: 'seek', after: welcome.head });
    this.write({ type: 'credit', stream: 0, bytes: CONNECTION_CREDIT });
  }

  #open(frame: Frame & { type: 'open' }): void {
    const { stream, head, bytes, end } = frame;
    this.#seqs.set(head.seq, stream);
    const delivery = this.#options.deliveries.add(head, this.#sinkOf(stream));
    // What was done before is acknowledged already.
    if (this.#seqs.has(head.seq)) this.#streams.set(stream, { delivery, credit: STREAM_CREDIT });
    this.#data(stream, bytes, end);
  }

  #data(stream: number, bytes: Uint8Array, end: boolean): void {
    const delivery = this.#streams.get(stream)?.delivery;
    if (delivery) delivery.push(bytes, end);
    else this.#giveBack(stream, bytes.length);
  }

  #sinkOf(stream: number): AnswerSink {
    return {
      answer: (head, bytes, end) => {
        this.#spend(stream, bytes.length);
        this.write({ type: 'answer', stream, head, bytes, end });
      },
      data: async (bytes, end) => {
        while (!this.#over && this.#room(stream) < bytes.length) {
          await new Promise<void>((go) => this.#blocked.push(go));
        }
        if (!this.#streams.has(stream)) return;
        this.#spend(stream, bytes.length);
        this.write({ type: 'data', stream, bytes, end });
      },
      taken: (bytes) => this.#giveBack(stream, bytes),
    };
  }

  #room(stream: number): number {
    return Math.min(this.#streams.get(stream)?.credit ?? Number.POSITIVE_INFINITY, this.#credit);
  }

  #spend(stream: number, bytes: number): void {
    this.#credit -= bytes;
    const state = this.#streams.get(stream);
    if (state) state.credit -= bytes;
  }

  #credited(stream: number, bytes: number): void {
    if (stream === 0) this.#credit += bytes;
    const state = this.#streams.get(stream);
    if (state) state.credit += bytes;
    for (const go of this.#blocked.splice(0)) go();
  }

  #giveBack(stream: number, bytes: number): void {
    if (bytes === 0) return;
    this.#taken += bytes;
    const state = this.#streams.get(stream);
    if (state?.delivery && !state.delivery.complete) {
      this.write({ type: 'credit', stream, bytes });
    }
    // Often enough that the server never waits for it: it may be a quarter ahead.
    if (this.#taken < CONNECTION_CREDIT / 64) return;
    this.write({ type: 'credit', stream: 0, bytes: this.#taken });
    this.#taken = 0;
  }

  /** Those of one turn of the loop go together, in one packet with the answers. */
  #result(result: AckResult): void {
    const stream = this.#seqs.get(result.seq);
    // Not of this connection: it is acknowledged when it comes again.
    if (stream === undefined) return;
    this.#seqs.delete(result.seq);
    this.#streams.delete(stream);
    this.#results.push(result);
    this.#writer.soon();
  }

  #acknowledgement(): Frame | undefined {
    const results = this.#results.splice(0);
    return results.length > 0 && !this.#over ? { type: 'ack', results } : undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
