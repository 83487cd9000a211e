import { type Agent, type IncomingMessage, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { PACKET_BYTES_MAX, TUNNEL_PROTOCOL } from '../../inbox/frames.ts';
import type { LineKind } from './line-kind.ts';

/** A way to the server that carries packets both ways. Losing any part of it ends it. */
export interface Line {
  send(packet: Uint8Array): void;
  /** What was sent before still goes out. Resolves when it has. */
  close(): Promise<void>;
  /** Without a goodbye: the machine has slept, or nothing is heard any more. */
  cut(): void;
}

export interface LineEvents {
  packet(packet: Uint8Array): void;
  closed(reason: string): void;
}

export interface LineOptions {
  /** Of the server, such as `https://hooks.example.com`. */
  readonly url: string;
  /** The first packet. */
  readonly hello: Uint8Array;
  readonly events: LineEvents;
  /** Goes through a proxy; undefined = straight there. */
  readonly agent: Agent | undefined;
}

/** The means itself does not work here; another may. */
export class MeansError extends Error {
  override readonly name = 'MeansError';
}

const OPEN_MS = 15_000;
const CLOSE_MS = 1000;

export function openLine(kind: LineKind, options: LineOptions): Promise<Line> {
  if (kind === 'websocket') return openSocket(options);
  return kind === 'sse' ? openEvents(options) : openPolls(options);
}

// ---- WebSocket -----------------------------------------------------------------------------------

function openSocket({ url, hello, events, agent }: LineOptions): Promise<Line> {
  const place = `${url.replace(/^http/, 'ws').replace(/\/+$/, '')}/_t`;
  const socket = new WebSocket(place, TUNNEL_PROTOCOL, {
    perMessageDeflate: false,
    maxPayload: PACKET_BYTES_MAX,
    handshakeTimeout: OPEN_MS,
    ...(agent ? { agent } : {}),
  });
  socket.binaryType = 'nodebuffer';
  return new Promise((resolve, reject) => {
    let open = false;
    let reason = 'the server closed the connection';
    socket.on('error', (error) => {
      reason = error.message;
      if (!open) reject(isMeans(error) ? new MeansError(error.message) : error);
    });
    socket.on('close', () => {
      if (open) events.closed(reason);
    });
    socket.on('message', (data) => events.packet(data as Buffer));
    socket.on('open', () => {
      open = true;
      socket.send(hello);
      resolve({
        send: (packet) => socket.send(packet),
        cut: () => socket.terminate(),
        close: () =>
          new Promise((closed) => {
            const timer = setTimeout(() => socket.terminate(), CLOSE_MS);
            socket.once('close', () => {
              clearTimeout(timer);
              closed();
            });
            socket.close(1000);
          }),
      });
    });
  });
}

/** An HTTP answer instead of an upgrade: somebody in between does not let it through. */
function isMeans(error: Error): boolean {
  return /Unexpected server response|socket hang up|Invalid (?:Upgrade|Sec-WebSocket)/.test(
    error.message,
  );
}

// ---- plain requests ------------------------------------------------------------------------------

/** Opens a channel and posts to it, one packet after the other. */
class Channel {
  readonly #options: LineOptions;
  readonly #abort = new AbortController();
  #place = '';
  #posting: Promise<void> = Promise.resolve();

  constructor(options: LineOptions) {
    this.#options = options;
  }

  get over(): boolean {
    return this.#abort.signal.aborted;
  }

  async open(): Promise<void> {
    const base = `${this.#options.url.replace(/\/+$/, '')}/_t/channels`;
    const opened = await this.#ask('POST', base, this.#options.hello);
    const { channel } = JSON.parse((await buffer(opened)).toString()) as { channel: string };
    this.#place = `${base}/${channel}`;
  }

  get(part: string): Promise<IncomingMessage> {
    return this.#ask('GET', `${this.#place}/${part}`);
  }

  #ask(method: string, place: string, body?: Uint8Array): Promise<IncomingMessage> {
    const make = place.startsWith('https:') ? secureRequest : request;
    const { agent } = this.#options;
    const { signal } = this.#abort;
    return new Promise((resolve, reject) => {
      const asking = make(place, { method, signal, ...(agent ? { agent } : {}) });
      asking.on('error', reject);
      asking.on('response', (res) => {
        if (res.statusCode !== undefined && res.statusCode < 300) resolve(res);
        else {
          res.resume();
          reject(new Error(`the server answered ${res.statusCode}`));
        }
      });
      asking.end(body);
    });
  }

  line(): Line {
    return {
      send: (packet) => this.#post(packet),
      cut: () => this.end('cut'),
      close: async () => {
        await this.#posting;
        this.end('closed');
      },
    };
  }

  /** In order: the next one goes when the one before has arrived. */
  #post(packet: Uint8Array): void {
    this.#posting = this.#posting.then(async () => {
      if (this.over) return;
      try {
        (await this.#ask('POST', `${this.#place}/packets`, packet)).resume();
      } catch (error) {
        this.end(messageOf(error));
      }
    });
  }

  end(reason: string): void {
    if (this.over) return;
    this.#abort.abort();
    this.#options.events.closed(reason);
  }
}

async function openEvents(options: LineOptions): Promise<Line> {
  const channel = new Channel(options);
  await channel.open();
  const stream = await channel.get('events');
  if (!stream.headers['content-type']?.startsWith('text/event-stream')) {
    throw new MeansError('no event stream came');
  }
  readEvents(stream, options.events).then(
    () => channel.end('the server closed the stream'),
    (error: unknown) => channel.end(messageOf(error)),
  );
  return channel.line();
}

async function readEvents(stream: IncomingMessage, events: LineEvents): Promise<void> {
  let rest = '';
  for await (const chunk of stream.setEncoding('latin1') as AsyncIterable<string>) {
    rest += chunk;
    for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
      const event = rest.slice(0, end);
      rest = rest.slice(end + 2);
      if (event.startsWith('data: ')) events.packet(Buffer.from(event.slice(6), 'base64'));
    }
  }
}

async function openPolls(options: LineOptions): Promise<Line> {
  const channel = new Channel(options);
  await channel.open();
  const poll = async () => {
    while (!channel.over) {
      const packet = await buffer(await channel.get('packets'));
      if (packet.length > 0) options.events.packet(packet);
    }
  };
  poll().catch((error: unknown) => channel.end(messageOf(error)));
  return channel.line();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
