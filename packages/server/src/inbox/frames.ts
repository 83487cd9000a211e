/**
 * What server and command line say to each other through a tunnel. Imports nothing, because both use it.
 *
 * A packet is a row of frames, each with its length before it; packets travel as WebSocket messages,
 * server-sent events or bodies of requests, whichever gets through.
 *
 *     u32 length of the rest | u8 type | u8 flags | u32 stream | payload
 *
 * Most payloads are JSON. A frame with a head and bytes (OPEN, ANSWER) is `u32 length | JSON | bytes`.
 */

export const TUNNEL_PROTOCOL = 'posthorn.tunnel.v1';

/** Of one body in one frame, so that no long body holds up a short one. */
export const CHUNK_BYTES_MAX = 65_536;
/** Whatever comes larger is not ours. */
export const FRAME_BYTES_MAX = 262_144;
/** A packet closes when it reaches this. */
export const PACKET_BYTES = 131_072;
export const PACKET_BYTES_MAX = 1_048_576;

/** Bytes of bodies under way that nobody has taken yet: of one stream, and of all. */
export const STREAM_CREDIT = 262_144;
export const CONNECTION_CREDIT = 4_194_304;

/** Captures sent and not yet acknowledged. */
export const WINDOW_MAX = 256;

export const PING_MS = 15_000;
/** Two pings and some: who is silent for so long is gone. */
export const SILENCE_MS = 35_000;

const TYPES = {
  hello: 1,
  welcome: 2,
  open: 3,
  data: 4,
  credit: 5,
  answer: 6,
  ack: 7,
  nack: 8,
  reset: 9,
  ping: 10,
  pong: 11,
  goaway: 12,
  bye: 13,
  seek: 14,
  state: 15,
} as const;
const NAMES = Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [type, name]));
const END = 1;
const HEADER_BYTES = 6;
const LENGTH_BYTES = 4;

export type TunnelMode = 'fanout' | 'share' | 'exclusive';
/** `acked`: where it stopped; `now`, `start`; behind a number; since an RFC 3339 time. */
export type TunnelFrom = 'acked' | 'now' | 'start' | number | string;

/** The first frame of a client. */
export interface Hello {
  readonly token: string;
  /** Id or name. */
  readonly inbox: string;
  /** The name that keeps the cursor. */
  readonly listener: string;
  readonly mode: TunnelMode;
  readonly from: TunnelFrom;
  readonly takeOver: boolean;
  /** Search text; captures that do not fit are passed over. */
  readonly filter: string;
  readonly window: number;
  readonly responder: boolean;
  /** false: late captures keep the signature they came with; else they are signed anew. */
  readonly resign?: boolean;
  readonly agent: string;
}

export interface Welcome {
  readonly attachment: string;
  readonly generation: number;
  readonly inbox: { readonly id: string; readonly name: string; readonly url: string };
  readonly listener: string;
  readonly responder: boolean;
  /** Number of the newest capture. */
  readonly head: number;
  readonly acked: number;
  /** Captures behind the cursor, at most so many. Nothing is sent before the client gives credit. */
  readonly backlog: number;
  /** Dropped before this listener saw them. */
  readonly gap: { readonly from: number; readonly to: number } | null;
  /** What comes late is signed anew. */
  readonly resigns?: boolean;
}

/** A captured request. Headers are a flat list of names and values. */
export interface OpenHead {
  readonly seq: number;
  readonly id: string;
  readonly receivedAt: number;
  readonly method: string;
  /** Below the inbox, with its query. */
  readonly path: string;
  readonly headers: readonly string[];
  readonly remoteAddress: string;
  readonly bodyBytes: number;
  /** The sender waits so long for the answer; 0 = it has been answered already. */
  readonly liveMs: number;
  /** Sent once more by a person; its headers may have been signed anew. */
  readonly replay: boolean;
}

export interface AnswerHead {
  readonly status: number;
  readonly headers: readonly string[];
}

/** What came of one capture. `error` stands where no answer came. */
export interface AckResult {
  readonly seq: number;
  readonly status: number | null;
  readonly ms: number;
  readonly error: string | null;
  /** The answer's body was longer than what was sent of it. */
  readonly truncated: boolean;
}

export type NackReason = 'refused' | 'timeout' | 'dns' | 'tls' | 'reset';

export type GoawayReason =
  | 'unauthorized'
  | 'no_inbox'
  | 'bad_request'
  | 'held'
  | 'full'
  | 'replaced'
  | 'deleted'
  | 'restarting'
  | 'unavailable'
  | 'protocol';

export type Frame =
  | { readonly type: 'hello'; readonly hello: Hello }
  | { readonly type: 'welcome'; readonly welcome: Welcome }
  | {
      readonly type: 'open';
      readonly stream: number;
      readonly head: OpenHead;
      readonly bytes: Uint8Array;
      readonly end: boolean;
    }
  | {
      readonly type: 'data';
      readonly stream: number;
      readonly bytes: Uint8Array;
      readonly end: boolean;
    }
  /** Stream 0 = the connection. */
  | { readonly type: 'credit'; readonly stream: number; readonly bytes: number }
  | {
      readonly type: 'answer';
      readonly stream: number;
      readonly head: AnswerHead;
      readonly bytes: Uint8Array;
      readonly end: boolean;
    }
  | { readonly type: 'ack'; readonly results: readonly AckResult[] }
  | {
      readonly type: 'nack';
      readonly seq: number;
      readonly reason: NackReason;
      readonly holdMs: number;
    }
  /** Nothing more comes on the stream, and nothing more is wanted. */
  | { readonly type: 'reset'; readonly stream: number }
  | { readonly type: 'ping' | 'pong'; readonly clock: number }
  | {
      readonly type: 'goaway';
      readonly reason: GoawayReason;
      readonly message: string;
      /** null = coming again would change nothing. */
      readonly reconnectAfterMs: number | null;
    }
  | { readonly type: 'bye' }
  /** What lies before is done: the client does not want it. */
  | { readonly type: 'seek'; readonly after: number }
  | { readonly type: 'state'; readonly state: 'ready' | 'holding' | 'paused' };

/** What came is not a packet of this protocol. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const NOTHING = new Uint8Array();

export function encodeFrame(frame: Frame): Buffer {
  switch (frame.type) {
    case 'hello':
      return whole(frame, json(frame.hello));
    case 'welcome':
      return whole(frame, json(frame.welcome));
    case 'open':
    case 'answer':
      return headed(frame);
    case 'data':
      return whole(frame, frame.bytes);
    case 'credit': {
      const payload = Buffer.allocUnsafe(4);
      payload.writeUInt32BE(frame.bytes);
      return whole(frame, payload);
    }
    case 'ping':
    case 'pong': {
      const payload = Buffer.allocUnsafe(8);
      payload.writeDoubleBE(frame.clock);
      return whole(frame, payload);
    }
    case 'reset':
    case 'bye':
      return whole(frame, NOTHING);
    default:
      return whole(frame, json(frame));
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

interface Header {
  readonly type: Frame['type'];
  readonly stream?: number;
  readonly end?: boolean;
}

function whole(header: Header, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + HEADER_BYTES + payload.length);
  writeHeader(bytes, header);
  bytes.set(payload, LENGTH_BYTES + HEADER_BYTES);
  return bytes;
}

function headed(frame: Frame & { type: 'open' | 'answer' }): Buffer {
  const head = JSON.stringify(frame.head);
  const headBytes = Buffer.byteLength(head);
  const start = LENGTH_BYTES + HEADER_BYTES;
  const bytes = Buffer.allocUnsafe(start + 4 + headBytes + frame.bytes.length);
  writeHeader(bytes, frame);
  bytes.writeUInt32BE(headBytes, start);
  bytes.write(head, start + 4);
  bytes.set(frame.bytes, start + 4 + headBytes);
  return bytes;
}

function writeHeader(bytes: Buffer, { type, stream = 0, end = false }: Header): void {
  bytes.writeUInt32BE(bytes.length - LENGTH_BYTES, 0);
  bytes[4] = TYPES[type];
  bytes[5] = end ? END : 0;
  bytes.writeUInt32BE(stream, 6);
}

/** The frames of a packet. Throws `FrameError` for anything else. */
export function decodePacket(packet: Uint8Array): Frame[] {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.length);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < LENGTH_BYTES + HEADER_BYTES) throw new FrameError('a cut frame');
    const length = bytes.readUInt32BE(at);
    const end = at + LENGTH_BYTES + length;
    if (length < HEADER_BYTES || length > FRAME_BYTES_MAX || end > bytes.length) {
      throw new FrameError(`a frame of ${length} bytes`);
    }
    frames.push(decodeFrame(bytes.subarray(at + LENGTH_BYTES, end)));
    at = end;
  }
  return frames;
}

function decodeFrame(bytes: Buffer): Frame {
  const type = NAMES[bytes[0] as number] as Frame['type'] | undefined;
  const end = ((bytes[1] as number) & END) !== 0;
  const stream = bytes.readUInt32BE(2);
  const payload = bytes.subarray(HEADER_BYTES);
  switch (type) {
    case 'open': {
      const { head, rest } = splitHead(payload);
      return { type, stream, head: openHead(head), bytes: rest, end };
    }
    case 'answer': {
      const { head, rest } = splitHead(payload);
      return { type, stream, head: answerHead(head), bytes: rest, end };
    }
    case 'data':
      return { type, stream, bytes: payload, end };
    case 'credit':
      if (payload.length !== 4) throw new FrameError('a credit of another size');
      return { type, stream, bytes: payload.readUInt32BE() };
    case 'ping':
    case 'pong':
      if (payload.length !== 8) throw new FrameError('a ping of another size');
      return { type, clock: payload.readDoubleBE() };
    case 'reset':
      return { type, stream };
    case 'bye':
      return { type };
    case undefined:
      throw new FrameError(`an unknown frame ${bytes[0]}`);
    default:
      return decodeMessage(type, parse(payload));
  }
}

type MessageType = 'hello' | 'welcome' | 'ack' | 'nack' | 'goaway' | 'seek' | 'state';

function decodeMessage(type: MessageType, value: Fields): Frame {
  switch (type) {
    case 'hello':
      return { type, hello: hello(value) };
    case 'welcome':
      return { type, welcome: welcome(value) };
    case 'ack':
      return { type, results: list(value, 'results', WINDOW_MAX).map(ackResult) };
    case 'nack':
      return {
        type,
        seq: count(value, 'seq'),
        reason: oneOf(value, 'reason', ['refused', 'timeout', 'dns', 'tls', 'reset']),
        holdMs: count(value, 'holdMs'),
      };
    case 'goaway':
      return {
        type,
        reason: text(value, 'reason', 32) as GoawayReason,
        message: text(value, 'message', 1000),
        reconnectAfterMs:
          value['reconnectAfterMs'] === null ? null : count(value, 'reconnectAfterMs'),
      };
    case 'seek':
      return { type, after: count(value, 'after') };
    case 'state':
      return { type, state: oneOf(value, 'state', ['ready', 'holding', 'paused']) };
  }
}

// ---- what stands in JSON -------------------------------------------------------------------------

type Fields = Readonly<Record<string, unknown>>;

function splitHead(payload: Buffer): { head: Fields; rest: Uint8Array } {
  if (payload.length < 4) throw new FrameError('a frame without its head');
  const length = payload.readUInt32BE();
  if (length > payload.length - 4) throw new FrameError('a frame with a cut head');
  return { head: parse(payload.subarray(4, 4 + length)), rest: payload.subarray(4 + length) };
}

function parse(bytes: Buffer): Fields {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new FrameError('a frame that is no JSON', { cause });
  }
  return fields(value);
}

function fields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FrameError('a frame without fields');
  }
  return value as Fields;
}

function hello(value: Fields): Hello {
  const { from } = value;
  if (typeof from !== 'number' && typeof from !== 'string') throw wrong('from');
  return {
    token: text(value, 'token', 256),
    inbox: text(value, 'inbox', 64),
    listener: text(value, 'listener', 64),
    mode: oneOf(value, 'mode', ['fanout', 'share', 'exclusive']),
    from: typeof from === 'number' ? count(value, 'from') : text(value, 'from', 40),
    takeOver: flag(value, 'takeOver'),
    filter: text(value, 'filter', 1000),
    window: count(value, 'window'),
    responder: flag(value, 'responder'),
    ...(value['resign'] === undefined ? {} : { resign: flag(value, 'resign') }),
    agent: text(value, 'agent', 200),
  };
}

function welcome(value: Fields): Welcome {
  const inbox = fields(value['inbox']);
  const gap = value['gap'] === null ? null : fields(value['gap']);
  return {
    attachment: text(value, 'attachment', 64),
    generation: count(value, 'generation'),
    inbox: {
      id: text(inbox, 'id', 64),
      name: text(inbox, 'name', 64),
      url: text(inbox, 'url', 2048),
    },
    listener: text(value, 'listener', 64),
    responder: flag(value, 'responder'),
    head: count(value, 'head'),
    acked: count(value, 'acked'),
    backlog: count(value, 'backlog'),
    gap: gap && { from: count(gap, 'from'), to: count(gap, 'to') },
    ...(value['resigns'] === undefined ? {} : { resigns: flag(value, 'resigns') }),
  };
}

function openHead(value: Fields): OpenHead {
  return {
    seq: count(value, 'seq'),
    id: text(value, 'id', 64),
    receivedAt: count(value, 'receivedAt'),
    method: text(value, 'method', 64),
    path: text(value, 'path', 65_536),
    headers: texts(value, 'headers'),
    remoteAddress: text(value, 'remoteAddress', 64),
    bodyBytes: count(value, 'bodyBytes'),
    liveMs: count(value, 'liveMs'),
    replay: flag(value, 'replay'),
  };
}

function answerHead(value: Fields): AnswerHead {
  const status = count(value, 'status');
  if (status < 100 || status > 999) throw wrong('status');
  return { status, headers: texts(value, 'headers') };
}

function ackResult(item: unknown): AckResult {
  const value = fields(item);
  const { ms } = value;
  if (typeof ms !== 'number' || !(ms >= 0)) throw wrong('ms');
  return {
    seq: count(value, 'seq'),
    status: value['status'] === null ? null : count(value, 'status'),
    ms,
    error: value['error'] === null ? null : text(value, 'error', 500),
    truncated: flag(value, 'truncated'),
  };
}

function wrong(name: string): FrameError {
  return new FrameError(`a frame with a wrong ${name}`);
}

function text(value: Fields, name: string, charsMax: number): string {
  const field = value[name];
  if (typeof field !== 'string' || field.length > charsMax) throw wrong(name);
  return field;
}

function count(value: Fields, name: string): number {
  const field = value[name];
  if (typeof field !== 'number' || !Number.isSafeInteger(field) || field < 0) throw wrong(name);
  return field;
}

function flag(value: Fields, name: string): boolean {
  const field = value[name];
  if (typeof field !== 'boolean') throw wrong(name);
  return field;
}

function oneOf<T extends string>(value: Fields, name: string, allowed: readonly T[]): T {
  const field = value[name];
  if (!allowed.includes(field as T)) throw wrong(name);
  return field as T;
}

function list(value: Fields, name: string, lengthMax: number): unknown[] {
  const field = value[name];
  if (!Array.isArray(field) || field.length > lengthMax) throw wrong(name);
  return field;
}

/** Names and values in turn. */
function texts(value: Fields, name: string): string[] {
  const field = list(value, name, 4096);
  if (field.length % 2 !== 0 || field.some((item) => typeof item !== 'string')) throw wrong(name);
  return field as string[];
}

// ---- packets -------------------------------------------------------------------------------------

/** Collects the frames of one turn of the loop into packets. */
export class PacketWriter {
  readonly #send: (packet: Uint8Array) => void;
  readonly #last: () => Frame | undefined;
  #frames: Buffer[] = [];
  #bytes = 0;
  #scheduled = false;

  /** `last` is asked for what else there is when the turn is over: see `soon`. */
  constructor(send: (packet: Uint8Array) => void, last: () => Frame | undefined = () => undefined) {
    this.#send = send;
    this.#last = last;
  }

  write(frame: Frame): void {
    this.#add(frame);
    if (this.#bytes >= PACKET_BYTES) this.#pack();
    else this.soon();
  }

  /** Packs at the end of this turn. */
  soon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  flush(): void {
    const last = this.#last();
    if (last) this.#add(last);
    this.#pack();
  }

  #add(frame: Frame): void {
    const bytes = encodeFrame(frame);
    this.#frames.push(bytes);
    this.#bytes += bytes.length;
  }

  #pack(): void {
    if (this.#frames.length === 0) return;
    const packet =
      this.#frames.length === 1
        ? (this.#frames[0] as Buffer)
        : Buffer.concat(this.#frames, this.#bytes);
    this.#frames = [];
    this.#bytes = 0;
    this.#send(packet);
  }
}
