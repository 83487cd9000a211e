import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { PACKET_BYTES_MAX, TUNNEL_PROTOCOL } from '../../inbox/frames.ts';
import type { Admission, Relay } from '../../inbox/relay.ts';
import type { Authenticator } from '../auth.ts';
import type { HttpLogger } from '../ports.ts';
import { toProblem } from '../problem.ts';
import { API_HEADERS, sendProblem } from '../respond.ts';
import { ChannelCarrier, SocketCarrier } from './carriers.ts';

/**
 * The doors of the tunnel, on bare node:http: a WebSocket at `/_t`; or, where upgrades do not get
 * through, a channel of plain requests below `/_t/channels`. Who comes says who it is in its HELLO.
 */
export interface TunnelHandlerOptions {
  readonly relay: Relay;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly logger: HttpLogger;
  readonly requestId: (given: string | string[] | undefined) => string;
}

export const TUNNEL_PATH = '/_t';
const CHANNELS = '/_t/channels';
const CHANNELS_MAX = 500;

export class TunnelHandler {
  readonly #options: TunnelHandlerOptions;
  readonly #sockets: WebSocketServer;
  readonly #channels = new Map<string, ChannelCarrier>();

  constructor(options: TunnelHandlerOptions) {
    this.#options = options;
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: PACKET_BYTES_MAX,
      handleProtocols: (offered) => (offered.has(TUNNEL_PROTOCOL) ? TUNNEL_PROTOCOL : false),
    });
  }

  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    this.#sockets.handleUpgrade(req, socket, head, (webSocket) => {
      const address = req.socket.remoteAddress ?? '';
      const door = { address, admit: (token: string) => this.#admit(token, address) };
      this.#options.relay.connect(new SocketCarrier(webSocket), door);
    });
  }

  /** false = not a path of the tunnel. */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    const target = req.url ?? '';
    if (target !== TUNNEL_PATH && !target.startsWith(`${TUNNEL_PATH}/`)) return false;
    this.#serve(req, res).catch((error: unknown) => {
      const { requestId, logger } = this.#options;
      sendProblem({ req, res }, toProblem(error, requestId(undefined), logger));
    });
    return true;
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method, url = '' } = req;
    if (method === 'POST' && url === CHANNELS) {
      this.#open(res, await readPacket(req), req.socket.remoteAddress ?? '');
      return;
    }
    const [, , , id = '', part] = url.split('/');
    const channel = this.#channels.get(id);
    if (!channel || !url.startsWith(`${CHANNELS}/`)) {
      throw new AppError('not_found', 'There is no such channel: open a new one.');
    }
    if (method === 'GET' && part === 'events') channel.events(req, res);
    else if (method === 'GET' && part === 'packets') channel.poll(res);
    else if (method === 'POST' && part === 'packets') {
      channel.receive(await readPacket(req));
      res.writeHead(204, API_HEADERS).end();
    } else throw new AppError('not_found', 'There is no such part of a channel.');
  }

  #open(res: ServerResponse, hello: Buffer, address: string): void {
    if (this.#channels.size >= CHANNELS_MAX) {
      throw new AppError('overloaded', `This node has ${CHANNELS_MAX} channels: try again later.`, {
        retryAfterS: 10,
      });
    }
    const { relay, clock } = this.#options;
    // Whoever knows it may use the channel, so it is a secret.
    const id = randomBytes(24).toString('base64url');
    const carrier = new ChannelCarrier(clock);
    this.#channels.set(id, carrier);
    relay.connect(carrier, { address, admit: (token) => this.#admit(token, address) });
    const ended = carrier.onClose;
    carrier.onClose = () => {
      this.#channels.delete(id);
      ended();
    };
    carrier.receive(hello);
    res.writeHead(201, { ...API_HEADERS, 'Content-Type': 'application/json' });
    res.end(JSON.stringify({ channel: id }));
  }

  #admit(token: string, address: string): Admission {
    const { id, tenant, admin, scopes, only } = this.#options.authenticator.admit(
      `Bearer ${token}`,
      address,
    );
    const may = (scope: 'read' | 'write') => admin || scopes.includes(scope);
    return {
      owner: id,
      mayRead: (inbox) =>
        may('read') &&
        (tenant === null || tenant === inbox.tenant) &&
        (only === undefined || (!only.shared && only.inbox === inbox.id)),
      mayAnswer: may('write'),
    };
  }
}

async function readPacket(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > PACKET_BYTES_MAX) {
      throw new AppError('payload_too_large', `A packet has at most ${PACKET_BYTES_MAX} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
