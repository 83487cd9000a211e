import { matchesQuery, parseQuery, QueryError } from '@posthorn/wire';
import type { Clock } from '../core/clock.ts';
import type { InboxId, InboxSigning } from '../core/inbox.ts';
import type { Ms } from '../core/model.ts';
import type {
  AnswerStore,
  Attached,
  CaptureKey,
  CaptureStore,
  InboxKey,
  ListenerKey,
  ListenerStore,
  ListenFrom,
  NewCapture,
  NewExchange,
} from '../store/inbox.ts';
import { AnswerAfar, SendersWaiting } from './afar.ts';
import type { Finished } from './answers.ts';
import type { Kept } from './capturing.ts';
import type { Carrier } from './carrier.ts';
import type { Hello, TunnelFrom } from './frames.ts';
import { type Carried, Hub } from './hub.ts';
import { type Answering, LiveAnswer } from './live-answer.ts';
import { carriedSubject } from './search.ts';
import { Goaway, REPLACED, Tunnel } from './tunnel.ts';
import type { InboxView, PlacedInbox } from './view.ts';

/** Who a token belongs to, and what it may: HTTP knows. */
export interface Admission {
  /** The key's id: the same one takes a listener over without asking. */
  readonly owner: string;
  readonly mayRead: (inbox: PlacedInbox) => boolean;
  /** Answering senders needs more than reading. */
  readonly mayAnswer: boolean;
}

export interface Admitted extends Admission {
  readonly inbox: PlacedInbox;
  readonly token: string;
}

/** Where a client came in. */
export interface Door {
  readonly address: string;
  /** Throws `AppError` for a token that is none (any more). */
  readonly admit: (token: string) => Admission;
}

export interface RelayOptions {
  readonly captures: CaptureStore;
  readonly listeners: ListenerStore;
  /** Between nodes that share the store. */
  readonly answers: AnswerStore | undefined;
  readonly view: InboxView;
  /** Where other nodes make inboxes too: brings `view` to what the store holds. */
  readonly refresh: (() => Promise<void>) | undefined;
  readonly clock: Clock;
  readonly node: string;
  readonly newId: () => string;
  readonly urlOf: (name: string) => string;
  readonly warn: (error: unknown, message: string) => void;
  /** Captures may come in on other nodes: the store is asked this often whether some did. */
  readonly pollMs: Ms | undefined;
  /** Leases are renewed and tokens judged again this often; well below TTL_MS. */
  readonly renewMs: Ms;
}

/** Where somebody is who answers senders. */
export type Who = 'here' | 'elsewhere' | 'nowhere';

const TTL_MS: Ms = 15_000;
/** Connections at once, attached or not. */
const TUNNELS_MAX = 2_000;
const DRAIN_RECONNECT_MS: Ms = 500;
const LISTENER_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

/** What a tunnel learns when it is attached. */
export interface Joined {
  readonly admitted: Admitted;
  readonly hub: Hub;
  readonly attached: Attached & { kind: 'attached' };
  readonly key: ListenerKey;
  readonly id: string;
  readonly responder: boolean;
  readonly fits: (capture: Carried) => boolean;
}

/** All tunnels of this node: who is attached to what, and who is answered by whom. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #tunnels = new Set<Tunnel>();
  readonly #hubs = new Map<InboxId, Hub>();
  #cancelRenew: (() => void) | undefined;
  #cancelPoll: (() => void) | undefined;
  readonly #afar: SendersWaiting | undefined;
  readonly #asking = new Map<InboxId, Promise<Who>>();
  readonly #exchanges: NewExchange[] = [];
  #draining = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    const { answers: store, clock, warn } = options;
    const answered = async (inboxes: readonly InboxKey[]) =>
      (await this.listeners.responders(inboxes, this.now())).map((one) => one !== undefined);
    this.#afar = store && new SendersWaiting({ store, clock, warn, answered });
    options.view.onChange((id, inbox) => {
      if (!inbox) this.#deleted(id);
    });
  }

  get captures(): CaptureStore {
    return this.#options.captures;
  }
  get listeners(): ListenerStore {
    return this.#options.listeners;
  }
  /** As attachments name it. */
  get node(): string {
    return this.#options.node;
  }
  get draining(): boolean {
    return this.#draining;
  }
  get count(): number {
    return this.#tunnels.size;
  }
  now(): Ms {
    return this.#options.clock.now();
  }
  after(delayMs: Ms, task: () => void): () => void {
    return this.#options.clock.after(delayMs, task);
  }
  /** With the secrets that the inbox has now. */
  signingOf({ id, signing }: PlacedInbox): InboxSigning {
    return this.#options.view.get(id)?.signing ?? signing;
  }
  urlOf(name: string): string {
    return this.#options.urlOf(name);
  }
  warn(error: unknown, message: string): void {
    this.#options.warn(error, message);
  }

  /** A client has connected; everything else it says itself. */
  connect(carrier: Carrier, door: Door): void {
    const tunnel = new Tunnel(this, carrier, door);
    if (this.#draining) tunnel.goaway('restarting', RESTARTING, DRAIN_RECONNECT_MS);
    else if (this.#tunnels.size >= TUNNELS_MAX) {
      tunnel.goaway(
        'unavailable',
        `This node has ${TUNNELS_MAX} tunnels: try again later.`,
        10_000,
      );
    } else this.#tunnels.add(tunnel);
  }

  forget(tunnel: Tunnel): void {
    this.#tunnels.delete(tunnel);
  }

  /** `wake` is called when something may have come in, until the result is. */
  watch(key: InboxKey, wake: () => void): () => void {
    const hub = this.#join(key);
    const member = { wake, answers: false };
    hub.members.add(member);
    this.#pollLater();
    return () => {
      hub.members.delete(member);
      this.#leave(hub);
    };
  }

  /** Who listens under a name on this node; without one, who has listened longest. */
  listening(inbox: InboxId, listener: string | undefined): Tunnel | undefined {
    for (const tunnel of this.#tunnels) {
      if (tunnel.admitted?.inbox.id !== inbox) continue;
      if (listener === undefined || tunnel.listener === listener) return tunnel;
    }
    return undefined;
  }

  // ---- captures ----

  /** Where somebody is who answers senders now. Other nodes are asked only where there are any. */
  answers(inbox: InboxKey): Who | Promise<Who> {
    const hub = this.#hubs.get(inbox.inbox);
    if (hub && hasAnswering(hub)) return 'here';
    return this.#afar ? this.#answersElsewhere(inbox) : 'nowhere';
  }

  /** Whoever asks while it is being asked shares the answer. */
  #answersElsewhere(key: InboxKey): Promise<Who> {
    const asking = this.#asking.get(key.inbox);
    if (asking) return asking;
    const ask = async (): Promise<Who> => {
      try {
        const [responder] = await this.listeners.responders([key], this.now());
        return responder && responder.node !== this.#options.node ? 'elsewhere' : 'nowhere';
      } catch (error) {
        // The request is kept all the same, and its sender answered otherwise.
        this.warn(error, 'listeners on other nodes could not be found');
        return 'nowhere';
      } finally {
        this.#asking.delete(key.inbox);
      }
    };
    const who = ask();
    this.#asking.set(key.inbox, who);
    return who;
  }

  /** Told of each capture once it is durable. The result is given when somebody will answer it. */
  offer(capture: NewCapture, kept: Kept): LiveAnswer | undefined {
    const hub = this.#hubs.get(capture.inbox);
    const live = capture.waits
      ? this.#expectAfar(capture, kept)
      : hub && this.#expectAnswer(hub, kept);
    hub?.offer(capture, kept);
    return live;
  }

  #expectAnswer(hub: Hub, { answer, seq }: Kept): LiveAnswer | undefined {
    if (answer.kind !== 'live' || !hasAnswering(hub)) return undefined;
    const since = this.now();
    const live = new LiveAnswer(this.#options.clock, answer.waitMs, (how) => {
      hub.waiting.delete(seq);
      if (how === 'fallback') this.#fellBack({ ...hub.key, seq }, since, answer.fallback.status);
    });
    hub.waiting.set(seq, live);
    return live;
  }

  #expectAfar({ slot, inbox }: NewCapture, { answer, seq }: Kept): LiveAnswer | undefined {
    if (answer.kind !== 'live') return undefined;
    const since = this.now();
    const key = { slot, inbox, seq };
    return this.#afar?.expect(key, answer.waitMs, (how) => {
      if (how === 'fallback') this.#fellBack(key, since, answer.fallback.status);
    });
  }

  /** Whoever waits for an answer to it, here or on the node where it came in. */
  answering(hub: Hub, capture: Carried): Answering | undefined {
    const { seq, unanswered, receivedAt } = capture;
    const here = hub.waiting.get(seq);
    const { answers: store, view, clock, warn } = this.#options;
    const inbox = view.get(hub.key.inbox);
    if (here || !store || !inbox || unanswered === undefined) return here;
    const waitMs = waitOf(inbox, unanswered);
    if (receivedAt + waitMs <= this.now()) return undefined;
    return new AnswerAfar({ store, clock, warn }, { ...hub.key, seq }, receivedAt + waitMs);
  }

  /** What the local server of a listener made of a capture. */
  record(key: InboxKey, listener: string, finished: Finished): void {
    const { result } = finished;
    // Member by member: for each request, spreading costs more than all the rest of it.
    this.#log({
      slot: key.slot,
      inbox: key.inbox,
      seq: finished.seq,
      kind: finished.live ? 'live' : 'listener',
      to: listener,
      at: finished.at,
      durationMs: result.ms,
      status: result.status ?? undefined,
      error: result.error ?? undefined,
      requestHead: finished.sentHead,
      requestBody: undefined,
      responseHead: finished.head,
      responseBody: finished.body,
      responseTruncated: finished.truncated,
      secretHeads: finished.secret,
    });
  }

  #fellBack(key: CaptureKey, since: Ms, status: number): void {
    const durationMs = this.now() - since;
    const error = 'no listener answered in time';
    this.#log({
      ...NO_EXCHANGE,
      ...key,
      kind: 'answer',
      to: 'fallback',
      at: since,
      durationMs,
      status,
      error,
    });
  }

  /** Those of one turn of the loop go to the store together. */
  #log(exchange: NewExchange): void {
    this.#exchanges.push(exchange);
    if (this.#exchanges.length === 1) setImmediate(() => this.#flushLog());
  }

  #flushLog(): void {
    const exchanges = this.#exchanges.splice(0);
    if (exchanges.length === 0) return;
    this.captures
      .record(exchanges)
      .catch((error: unknown) => this.warn(error, 'exchanges could not be logged'));
  }

  // ---- attaching ----

  /** Rejects with `Goaway`, `AppError` or `StoreError`. */
  async attach(tunnel: Tunnel, hello: Hello): Promise<Joined> {
    const { view, refresh } = this.#options;
    const known = view.get(hello.inbox) ?? view.named(hello.inbox);
    if (!known) await refresh?.();
    const admitted = this.#admit(hello, tunnel.door);
    if (!LISTENER_NAME.test(hello.listener)) {
      throw new Goaway('bad_request', 'A listener’s name is 1 to 64 of A-Z a-z 0-9 . _ @ -.');
    }
    const from = parseFrom(hello.from);
    const { slot, id: inbox } = admitted.inbox;
    const fits = filterOf(hello.filter, () => this.now());
    const hub = this.#join({ slot, inbox });
    hub.joining += 1;
    const key = { ...hub.key, name: hello.listener };
    const id = this.#options.newId();
    const responder = hello.responder && admitted.mayAnswer;
    try {
      const attached = await this.listeners.attach(
        {
          ...key,
          attachment: id,
          owner: admitted.owner,
          mode: hello.mode,
          from,
          takeOver: hello.takeOver,
          filter: hello.filter,
          responder,
          agent: hello.agent,
          node: this.#options.node,
        },
        TTL_MS,
        this.now(),
      );
      if (attached.kind !== 'attached') throw refusal(attached);
      // Who was replaced hears of nothing more before its successor hears of anything.
      for (const other of this.#tunnels) {
        if (other !== tunnel && other.id !== undefined && attached.replaced.includes(other.id)) {
          other.goaway('replaced', REPLACED, null);
        }
      }
      hub.headIs(attached.counts.head);
      this.#renewLater();
      this.#pollLater();
      return { admitted, hub, attached, key, id, responder, fits };
    } catch (error) {
      this.joined(hub);
      throw error;
    }
  }

  /** Who was attached is a member now, or will never be one. */
  joined(hub: Hub): void {
    hub.joining -= 1;
    this.#leave(hub);
  }

  #admit(hello: Hello, door: Door): Admitted {
    const { view } = this.#options;
    const admission = door.admit(hello.token);
    const inbox = view.get(hello.inbox) ?? view.named(hello.inbox);
    if (!inbox || !admission.mayRead(inbox)) {
      throw new Goaway('no_inbox', 'There is no such inbox, or this key may not read it.');
    }
    return { ...admission, inbox, token: hello.token };
  }

  /** The hub is there before anything is asked of the store, so that no capture slips between. */
  #join({ slot, inbox }: InboxKey): Hub {
    const known = this.#hubs.get(inbox);
    if (known) return known;
    const hub = new Hub({ slot, inbox }, this.captures);
    this.#hubs.set(inbox, hub);
    return hub;
  }

  #leave(hub: Hub): void {
    if (hub.members.size === 0 && hub.joining === 0) this.#hubs.delete(hub.key.inbox);
  }

  /** After its last acknowledgement: the listener is free, and nobody waits in vain for its answers. */
  left(tunnel: Tunnel, hub: Hub, of: { key: ListenerKey; id: string }): void {
    hub.members.delete(tunnel);
    this.#leave(hub);
    if (!hasAnswering(hub)) for (const live of hub.waiting.values()) live.fail();
    this.listeners
      .detach(of.key, of.id, this.now())
      .catch((error: unknown) => this.warn(error, 'a listener could not be detached'));
  }

  // ---- upkeep ----

  #renewLater(): void {
    this.#cancelRenew ??= this.after(this.#options.renewMs, () => {
      this.#cancelRenew = undefined;
      void this.#renew().catch((error: unknown) =>
        this.warn(error, 'attachments could not be renewed; it is tried again'),
      );
    });
  }

  /** Leases, and whether each token is still what it was. */
  async #renew(): Promise<void> {
    const attached = [...this.#tunnels].filter(({ id }) => id !== undefined);
    if (attached.length === 0) return;
    this.#renewLater();
    for (const tunnel of attached) this.#judgeAgain(tunnel);
    const ids = attached.map(({ id }) => id as string);
    const lost = new Set(await this.listeners.renew(ids, TTL_MS, this.now()));
    for (const tunnel of attached) {
      if (lost.has(tunnel.id as string)) tunnel.goaway('replaced', REPLACED, null);
    }
  }

  #judgeAgain(tunnel: Tunnel): void {
    const { admitted } = tunnel;
    if (!admitted) return;
    try {
      if (tunnel.door.admit(admitted.token).mayRead(admitted.inbox)) return;
    } catch {
      // Revoked or expired: that is the answer.
    }
    tunnel.goaway('unauthorized', 'The key may not read this inbox any more.', null);
  }

  #pollLater(): void {
    const { pollMs } = this.#options;
    if (pollMs === undefined) return;
    this.#cancelPoll ??= this.after(pollMs, () => {
      this.#cancelPoll = undefined;
      void this.#poll()
        .catch((error: unknown) => this.warn(error, 'captures of other nodes could not be read'))
        .finally(() => {
          if (this.#hubs.size > 0) this.#pollLater();
        });
    });
  }

  async #poll(): Promise<void> {
    const hubs = [...this.#hubs.values()].filter(({ members }) => members.size > 0);
    const counts = await this.captures.counts(hubs.map(({ key }) => key));
    for (const [i, hub] of hubs.entries()) hub.headIs(counts[i]?.head ?? 0);
  }

  #deleted(id: InboxId): void {
    for (const tunnel of [...this.#tunnels]) {
      if (tunnel.admitted?.inbox.id === id) {
        tunnel.goaway('deleted', 'The inbox was deleted.', null);
      }
    }
  }

  /** Says goodbye to everybody; they come back to whoever is there then. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#cancelRenew?.();
    this.#cancelPoll?.();
    const leaving = [...this.#tunnels];
    this.#flushLog();
    await Promise.all(leaving.map((tunnel) => tunnel.flushAck()));
    for (const tunnel of leaving) tunnel.goaway('restarting', RESTARTING, DRAIN_RECONNECT_MS);
    this.#afar?.end();
    for (const hub of this.#hubs.values()) for (const member of hub.members) member.wake();
  }
}

/** How long whoever sent it waits for a listener. */
function waitOf({ answer, rules }: PlacedInbox, by: string): Ms {
  const rule = rules.find(({ id }) => by === `rule:${id}`);
  const given = rule?.answer ?? answer;
  return given.kind === 'live' ? given.waitMs : 0;
}

function hasAnswering(hub: Hub): boolean {
  for (const member of hub.members) if (member.answers) return true;
  return false;
}

const NOTHING = new Uint8Array();
const NO_EXCHANGE = {
  error: undefined,
  requestHead: NOTHING,
  requestBody: undefined,
  responseHead: NOTHING,
  responseBody: NOTHING,
  responseTruncated: false,
  secretHeads: false,
} as const;
const RESTARTING = 'The server restarts: come again shortly.';

function refusal(attached: Attached & { kind: 'held' | 'full' }): Goaway {
  if (attached.kind === 'full') {
    return new Goaway(
      'full',
      `The inbox has ${attached.listenersMax} listeners: remove one first.`,
    );
  }
  const { listener, agent, since } = attached.by;
  const at = new Date(since).toISOString();
  const message = `${listener} (${agent}) listens here since ${at}, with another key. Take over to go on.`;
  return new Goaway('held', message);
}

/** Which captures a listener wants. Longer bodies than are at hand are not looked into. */
function filterOf(text: string, now: () => Ms): (capture: Carried) => boolean {
  if (text.trim() === '') return () => true;
  try {
    const query = parseQuery(text);
    return (capture) => matchesQuery(query, carriedSubject(capture), now());
  } catch (error) {
    if (error instanceof QueryError) throw new Goaway('bad_request', `filter: ${error.message}`);
    throw error;
  }
}

function parseFrom(from: TunnelFrom): ListenFrom {
  if (typeof from === 'number') return { kind: 'after', seq: from };
  if (from === 'acked' || from === 'now' || from === 'start') return { kind: from };
  const at = Date.parse(from);
  if (!/^\d{4}-\d\d-\d\dT/.test(from) || Number.isNaN(at)) {
    throw new Goaway('bad_request', 'from is acked, now, start, a number or an RFC 3339 time.');
  }
  return { kind: 'since', at };
}
