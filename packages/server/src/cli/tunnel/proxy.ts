import { type Agent, Agent as HttpAgent, request } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';

/** Connections through an HTTP proxy, by CONNECT (RFC 9110 §9.3.6). */
export function proxyAgent(proxy: string, secure: boolean): Agent {
  const via = new URL(proxy);
  const Base = secure ? HttpsAgent : HttpAgent;
  const agent = new Base({ keepAlive: false });
  const options = agent as unknown as { createConnection: typeof createConnection };
  options.createConnection = createConnection;
  return agent;

  function createConnection(
    target: { host?: string; hostname?: string; port?: number | string; servername?: string },
    created: (error: Error | null, socket?: Socket) => void,
  ): void {
    const host = target.hostname ?? target.host ?? 'localhost';
    const port = Number(target.port ?? (secure ? 443 : 80));
    const asking = request({
      host: via.hostname,
      port: via.port === '' ? 80 : Number(via.port),
      method: 'CONNECT',
      path: `${host}:${port}`,
      headers: { Host: `${host}:${port}`, ...authorization(via) },
    });
    asking.on('connect', (res, socket) => {
      if (res.statusCode !== 200) {
        socket.destroy();
        created(new Error(`the proxy ${via.host} answered ${res.statusCode}`));
      } else if (secure) {
        const secured = tlsConnect({ socket, servername: target.servername ?? host });
        secured.once('secureConnect', () => created(null, secured));
        secured.once('error', (error) => created(error));
      } else created(null, socket);
    });
    asking.on('error', (error) => created(new Error(`the proxy ${via.host}: ${error.message}`)));
    asking.end();
  }
}

function authorization(via: URL): Record<string, string> {
  if (via.username === '') return {};
  const text = `${decodeURIComponent(via.username)}:${decodeURIComponent(via.password)}`;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}
