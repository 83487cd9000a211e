// @ts-check
/**
 * The limit: what anyone gets who writes a forwarder in Node with its ordinary parts. node:http takes
 * the POST, HMAC signs it (Standard Webhooks), undici sends it on; nothing is stored.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { Pool } from 'undici';
import { serveHelper } from '../trust/lib/server.js';
import { keyOf, sign } from '../trust/lib/signature.js';

const ACCEPTED = Buffer.from('{"id":"evt_limit","deliveries":1,"duplicate":false}');

/** @param {{ receiverPort: number, secret: string, connections: number }} options */
async function listen({ receiverPort, secret, connections }) {
  const key = keyOf(secret);
  const pool = new Pool(`http://127.0.0.1:${receiverPort}`, { connections, pipelining: 1 });
  const server = http.createServer((req, res) => {
    /** @type {Buffer[]} */
    const chunks = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const body = chunks.length === 1 ? /** @type {Buffer} */ (chunks[0]) : Buffer.concat(chunks);
      forward({ pool, key, body }, (ok) => {
        res.writeHead(ok ? 202 : 502, {
          'content-type': 'application/json',
          'content-length': ACCEPTED.length,
        });
        res.end(ACCEPTED);
      });
    });
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 });
  await once(server, 'listening');
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

/** @param {{ pool: Pool, key: Buffer, body: Buffer }} message @param {(ok: boolean) => void} done */
function forward({ pool, key, body }, done) {
  const id = `evt_${randomBytes(16).toString('hex')}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  let status = 0;
  pool.dispatch(
    {
      path: '/hook',
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': sign(key, { id, timestamp, body }),
      },
      body,
    },
    {
      onConnect() {},
      onHeaders(code) {
        status = code;
        return true;
      },
      onData: () => true,
      onComplete: () => done(status === 200),
      onError: () => done(false),
    },
  );
}

serveHelper({ listen });
