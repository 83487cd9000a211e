// Receives webhooks, verifies them and prints them. No framework, one file.
//
//   node examples/receiver/receiver.js whsec_…        (or WEBHOOK_SECRET=whsec_…)
//
// PORT (4500) is where it listens; STATUS (204) is what it answers a good request with.
import { createServer } from 'node:http';
import { importVerifyKey, verify } from '@posthorn/wire';

const BODY_BYTES_MAX = 2 * 1024 * 1024;
const secret = process.argv[2] ?? process.env.WEBHOOK_SECRET;
if (secret === undefined) {
  console.error('usage: node examples/receiver/receiver.js whsec_…');
  process.exit(2);
}
const keys = [importVerifyKey(secret)];
const port = Number(process.env.PORT ?? 4500);
const status = Number(process.env.STATUS ?? 204);

const server = createServer(async (req, res) => {
  const body = await readBody(req);
  if (body === undefined) return res.writeHead(413, { connection: 'close' }).end();
  const result = verify({
    id: req.headers['webhook-id'],
    timestamp: req.headers['webhook-timestamp'],
    signature: req.headers['webhook-signature'],
    body,
    keys,
    nowS: Date.now() / 1000,
  });
  if (!result.ok) {
    console.log(`refused: ${result.reason}`);
    return res.writeHead(401).end();
  }
  print(req.headers['webhook-id'], body);
  // A retry carries the same webhook-id: a real receiver remembers it and skips what it has done.
  res.writeHead(status).end();
});

server.listen(port, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${port}/`);
});

/** The bytes as received: what is parsed first cannot be verified. undefined = too large. */
async function readBody(req) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of req) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** JSON.stringify escapes control characters, so that a body cannot steer the terminal. */
function print(id, body) {
  try {
    const { type, timestamp, data } = JSON.parse(body.toString());
    console.log(`${timestamp}  ${JSON.stringify(type)}  ${id}`);
    console.log(JSON.stringify(data, null, 2));
  } catch {
    console.log(`${id}: ${body.length} bytes that are not JSON`);
  }
}
