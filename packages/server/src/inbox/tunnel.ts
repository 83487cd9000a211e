import { AppError } from '../core/errors.ts';
import type { Ms } from '../core/model.ts';
import type { ListenerKey } from '../store/inbox.ts';
import { backlogOf } from '../store/listener-state.ts';
import { Answers, type Finished } from './answers.ts';
import { BUFFERED_MAX, type Carrier } from './carrier.ts';
import {
  type AckResult,
  decodePacket,
  type Frame,
  FrameError,
  type GoawayReason,
  type Hello,
  PacketWriter,
  PING_MS,
  SILENCE_MS,
  WINDOW_MAX,
} from './frames.ts';
import type { Carried, Hub, HubMember } from './hub.ts';
import { Progress } from './progress.ts';
import type { Admitted, Door, Joined, Relay } from './relay.ts';
import { freshened, isLate } from './resigning.ts';
import { Sending } from './sending.ts';

const HELLO_MS: Ms = 10_000;
/** Acknowledgements of so long go to the store together. */
const ACK_MS: Ms = 10;

/** Replays under way with one client. */
const REPLAYS_MAX = 32;
const HELD = 'its local server does not answer now: it is delivered when that does';
const AWAY = 'the listener’s connection was lost';
const BUSY = `it has ${REPLAYS_MAX} replays under way: try again when they are done`;

/** Who asked for a replay. */
export interface Replaying {
  done(finished: Finished): void;
  /** It takes longer, or will not come: why. May be followed by `done`. */
  waits(why: string): void;
}

/** Once a client is attached. */
interface Attachment {
  readonly admitted: Admitted;
  readonly hub: Hub;
  readonly listener: ListenerKey;
  readonly id: string;
  readonly generation: number;
  readonly shared: boolean;
  readonly responder: boolean;
  readonly window: number;
  readonly fits: (capture: Carried) => boolean;
  readonly resigns: boolean;
  readonly progress: Progress;
  readonly sending: Sending;
  readonly answers: Answers;
}

/**
 * One client's connection. States: greeting (10 s for its HELLO) → attached → closed. While attached it
 * is stalled when window or credit are used up, and holding when the client says that its local server
 * refuses; both end by themselves.
 */
export class Tunnel implements HubMember {
  readonly #relay: Relay;
  readonly #carrier: Carrier;
  readonly door: Door;
  readonly #writer: PacketWriter;
  #state: 'greeting' | 'attaching' | 'attached' | 'closed' = 'greeting';
  #attachment: Attachment | undefined;
  /** Numbers a shared attachment has claimed and not yet sent. */
  #claimed: number[] = [];
  #holding = false;
  #giving = false;
  #woken = false;
  #heardAt: Ms;
  #cancelTimer: () => void;
  #cancelAck: (() => void) | undefined;
  /** Done since the store was last told; of a shared attachment. */
  #doneNow: number[] = [];
  /** By the number that each goes under. */
  readonly #replays = new Map<number, Replaying>();

  constructor(relay: Relay, carrier: Carrier, door: Door) {
    this.#relay = relay;
    this.#carrier = carrier;
    this.door = door;
    this.#writer = new PacketWriter((packet) => carrier.send(packet));
    this.#heardAt = relay.now();
    carrier.onPacket = (packet) => this.#receive(packet);
    carrier.onClose = () => this.#end();
    carrier.onDrain = () => this.wake();
    this.#cancelTimer = relay.after(HELLO_MS, () =>
      this.goaway('bad_request', 'No HELLO came in time.', 0),
    );
  }

  get id(): string | undefined {
    return this.#attachment?.id;
  }
  get admitted(): Admitted | undefined {
    return this.#attachment?.admitted;
  }
  get listener(): string | undefined {
    return this.#attachment?.listener.name;
  }
  get answers(): boolean {
    return this.#attachment?.responder === true && !this.#holding && this.#state === 'attached';
  }

  // ---- what comes ----

  #receive(packet: Uint8Array): void {
    if (this.#state === 'closed') return;
    this.#heardAt = this.#relay.now();
    try {
      for (const frame of decodePacket(packet)) this.#obey(frame);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.goaway('protocol', `This is not the tunnel's protocol: ${error.message}.`, null);
    }
  }

  #obey(frame: Frame): void {
    if (this.#state === 'closed') return;
    if (frame.type === 'ping') this.#writer.write({ type: 'pong', clock: frame.clock });
    else if (frame.type === 'pong') return;
    else if (frame.type === 'bye') this.#carrier.close();
    else if (frame.type === 'hello' && this.#state === 'greeting') this.#greet(frame.hello);
    else if (this.#attachment) this.#work(frame, this.#attachment);
    else throw new FrameError(`${frame.type} before WELCOME`);
  }

  #work(frame: Frame, attachment: Attachment): void {
    switch (frame.type) {
      case 'credit':
        attachment.sending.credit(frame.stream, frame.bytes);
        this.wake();
        return;
      case 'answer':
      case 'data':
      case 'reset':
        attachment.answers.take(frame);
        return;
      case 'ack':
        for (const result of frame.results) this.#done(attachment, result);
        return;
      case 'nack':
        attachment.answers.refused(frame.seq);
        this.#replays.get(frame.seq)?.waits(HELD);
        return;
      case 'state':
        this.#holding = frame.state !== 'ready';
        if (this.#holding) attachment.answers.refusedAll();
        return;
      case 'seek':
        this.#skipTo(attachment, frame.after);
        return;
      default:
        throw new FrameError(`${frame.type} from a client`);
    }
  }

  // ---- attaching ----

  #greet(hello: Hello): void {
    this.#state = 'attaching';
    this.#cancelTimer();
    this.#relay.attach(this, hello).then(
      (joined) => {
        if (this.#state === 'closed') this.#relay.left(this, joined.hub, joined);
        else this.#welcome(hello, joined);
        this.#relay.joined(joined.hub);
      },
      (error: unknown) => this.#refuse(error),
    );
  }

  #welcome(hello: Hello, of: Joined): void {
    const { admitted, hub, attached, key, id, responder, fits } = of;
    const { generation, acked, done, counts, gap } = attached;
    const write = (frame: Frame) => this.#writer.write(frame);
    const sending = new Sending({
      write,
      full: () => this.#carrier.buffered > BUFFERED_MAX,
      captures: this.#relay.captures,
      key: hub.key,
      lost: (seq) => this.#lost(seq),
      failed: (error) => this.#refuse(error),
    });
    const answers = new Answers({ write, seqOf: (stream) => sending.seqOf(stream) });
    this.#attachment = {
      ...{ admitted, hub, id, generation, responder, fits, sending, answers },
      listener: key,
      resigns: hello.resign !== false,
      shared: hello.mode === 'share',
      window: Math.min(Math.max(1, hello.window), WINDOW_MAX),
      progress: new Progress(acked, done),
    };
    this.#state = 'attached';
    hub.members.add(this);
    const { inbox } = admitted;
    write({
      type: 'welcome',
      welcome: {
        ...{ attachment: id, generation, listener: hello.listener, responder, acked },
        inbox: { id: inbox.id, name: inbox.name, url: this.#relay.urlOf(inbox.name) },
        head: counts.head,
        backlog: backlogOf({ acked, done }, counts),
        gap: gap ?? null,
        resigns: hello.resign !== false && this.#relay.signingOf(inbox).secrets.length > 0,
      },
    });
    this.#schedulePing();
  }

  #refuse(error: unknown): void {
    if (error instanceof Goaway) {
      this.goaway(error.reason, error.message, error.reconnectAfterMs);
    } else if (error instanceof AppError) {
      const reason = error.code === 'unauthorized' ? 'unauthorized' : 'bad_request';
      const again = error.code === 'overloaded' ? (error.retryAfterS ?? 1) * 1000 : null;
      this.goaway(again === null ? reason : 'unavailable', error.message, again);
    } else {
      this.#relay.warn(error, 'a tunnel ended: the store did not answer');
      this.goaway('unavailable', 'The store did not answer: try again.', 1000);
    }
  }

  // ---- sending ----

  wake(): void {
    this.#woken = true;
    if (this.#giving || this.#state !== 'attached') return;
    this.#giving = true;
    void this.#give()
      .catch((error: unknown) => this.#refuse(error))
      .finally(() => {
        this.#giving = false;
        if (this.#woken) this.wake();
      });
  }

  async #give(): Promise<void> {
    const attachment = this.#attachment as Attachment;
    const { hub, progress, sending, window, shared } = attachment;
    this.#woken = false;
    sending.run();
    const room = () => this.#state === 'attached' && progress.outstanding < window && sending.ready;
    while (room()) {
      if (shared) {
        const seq = await this.#claim(attachment);
        if (seq === undefined || this.#state !== 'attached') return;
        const capture = await hub.one(seq);
        this.#hand(attachment, capture && (await this.#fresh(attachment, capture)), seq);
        continue;
      }
      const near = hub.peek(progress.frontier + 1);
      const next = near ? [near] : await hub.after(progress.frontier);
      if (next.length === 0) return;
      for (const capture of next) {
        const late = this.#isLate(attachment, capture);
        const fresh = late ? await this.#fresh(attachment, capture) : capture;
        if (!room()) return;
        // Somebody may have passed over it meanwhile.
        if (capture.seq > progress.frontier) this.#hand(attachment, fresh, capture.seq);
      }
    }
  }

  #isLate({ admitted, resigns }: Attachment, capture: Carried): boolean {
    if (!resigns || !isLate(capture, this.#relay.now())) return false;
    return this.#relay.signingOf(admitted.inbox).secrets.length > 0;
  }

  async #fresh(attachment: Attachment, capture: Carried): Promise<Carried> {
    if (!this.#isLate(attachment, capture)) return capture;
    const { captures } = this.#relay;
    const { admitted, hub } = attachment;
    const signing = this.#relay.signingOf(admitted.inbox);
    return freshened(capture, { captures, key: hub.key, signing, nowMs: this.#relay.now() });
  }

  /** Sends something once more, beside the captures: it has its own number and moves no cursor. */
  replay(capture: Carried, replaying: Replaying): void {
    const attachment = this.#attachment;
    if (!attachment || this.#state !== 'attached') replaying.waits(AWAY);
    else if (this.#replays.size >= REPLAYS_MAX) replaying.waits(BUSY);
    else {
      this.#replays.set(capture.seq, replaying);
      const stream = attachment.sending.open(capture, { liveMs: 0, replay: true });
      attachment.answers.expect(stream, { capture, live: undefined });
      if (this.#holding) replaying.waits(HELD);
    }
  }

  async #claim({ listener, id, window }: Attachment): Promise<number | undefined> {
    if (this.#claimed.length === 0) {
      this.#claimed = await this.#relay.listeners.claim(listener, id, Math.ceil(window / 4));
    }
    return this.#claimed.shift();
  }

  #hand(attachment: Attachment, capture: Carried | undefined, seq: number): void {
    const { progress, sending, fits, hub, answers, shared } = attachment;
    const wanted = capture && !capture.truncated && !progress.wasDone(capture.seq) && fits(capture);
    if (!wanted) {
      progress.pass(seq);
      if (shared) this.#doneNow.push(seq);
      this.#scheduleAck();
      return;
    }
    const live = this.#relay.answering(hub, capture);
    const mine = live?.waiting && this.#mayAnswer(attachment) ? live : undefined;
    progress.give(seq);
    const stream = sending.open(capture, { liveMs: mine?.remainingMs ?? 0, replay: false });
    answers.expect(stream, { capture, live: mine });
  }

  /** Of several who could, the one that is attached longest. */
  #mayAnswer({ hub, shared }: Attachment): boolean {
    if (!this.answers) return false;
    if (shared) return true;
    for (const member of hub.members) if (member.answers) return member === this;
    return false;
  }

  // ---- acknowledging ----

  #done(attachment: Attachment, result: AckResult): void {
    const { progress, sending, answers, hub } = attachment;
    const replaying = this.#replays.get(result.seq);
    if (!replaying && !progress.finish(result.seq)) return;
    const finished = answers.finish(result, this.#relay.now());
    if (finished) sending.close(finished.stream);
    if (replaying) {
      this.#replays.delete(result.seq);
      if (finished) replaying.done(finished);
      return;
    }
    if (finished) {
      this.#relay.record(hub.key, attachment.listener.name, finished);
    }
    if (attachment.shared) this.#doneNow.push(result.seq);
    this.#scheduleAck();
    this.wake();
  }

  /** Its body went from the store under way: there is nothing left to deliver. */
  #lost(seq: number): void {
    const attachment = this.#attachment as Attachment;
    const error = 'The capture was removed while it was being sent.';
    const stream = attachment.answers.streamOf(seq);
    if (stream !== undefined) this.#writer.write({ type: 'reset', stream });
    this.#done(attachment, { seq, status: null, ms: 0, error, truncated: false });
  }

  #skipTo(attachment: Attachment, after: number): void {
    const { progress, hub } = attachment;
    const upTo = Math.min(after, hub.head);
    if (upTo > progress.frontier) progress.pass(upTo);
    this.#scheduleAck();
    this.wake();
  }

  #scheduleAck(): void {
    this.#cancelAck ??= this.#relay.after(ACK_MS, () => void this.flushAck());
  }

  /** Tells the store how far this attachment has come. */
  async flushAck(): Promise<void> {
    this.#cancelAck?.();
    this.#cancelAck = undefined;
    const attachment = this.#attachment;
    if (!attachment) return;
    const { listener, id, generation, progress, shared } = attachment;
    const position = progress.position();
    const done = shared ? this.#doneNow.splice(0) : position.done;
    const ack = { ...listener, attachment: id, generation, acked: position.acked, done };
    try {
      const [held] = await this.#relay.listeners.ack([ack], this.#relay.now());
      if (!held) this.goaway('replaced', REPLACED, null);
    } catch (error) {
      this.#refuse(error);
    }
  }

  // ---- leaving ----

  #schedulePing(): void {
    this.#cancelTimer = this.#relay.after(PING_MS, () => {
      if (this.#relay.now() - this.#heardAt > SILENCE_MS) {
        this.#carrier.close();
        this.#end();
        return;
      }
      this.#writer.write({ type: 'ping', clock: this.#relay.now() });
      this.#schedulePing();
    });
  }

  /** Says why, and ends. `reconnectAfterMs` null = coming again would change nothing. */
  goaway(reason: GoawayReason, message: string, reconnectAfterMs: number | null): void {
    if (this.#state === 'closed') return;
    this.#writer.write({ type: 'goaway', reason, message, reconnectAfterMs });
    this.#writer.flush();
    this.#carrier.close();
    this.#end();
  }

  #end(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#cancelTimer();
    for (const replaying of this.#replays.values()) replaying.waits(AWAY);
    this.#replays.clear();
    const attachment = this.#attachment;
    if (attachment) {
      attachment.answers.end();
      attachment.sending.end();
      void this.flushAck().then(() => {
        const { hub, listener: key, id } = attachment;
        this.#relay.left(this, hub, { key, id });
      });
      attachment.hub.members.delete(this);
    }
    this.#relay.forget(this);
  }
}

export const REPLACED = 'Another client listens under this name now.';

/** Why a client may not attach. */
export class Goaway extends Error {
  readonly reason: GoawayReason;
  readonly reconnectAfterMs: number | null;
  constructor(reason: GoawayReason, message: string, reconnectAfterMs: number | null = null) {
    super(message);
    this.reason = reason;
    this.reconnectAfterMs = reconnectAfterMs;
  }
}
