// @ts-check
/**
 * Just enough HTTP/1.1 for a receiver: requests with a Content-Length, one after the other on a
 * kept connection. Hand-written on bytes because it shares the machine with what it measures and
 * because the ledger wants the head exactly as it came.
 */
const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = /\r\ncontent-length: *(\d+)/i;

/**
 * @typedef {object} Request
 * @property {Buffer} head request line and headers, with the empty line
 * @property {Buffer} body
 * @property {string} path
 */

/**
 * Calls `onRequest` for each complete request that arrives on the socket.
 * @param {import('node:net').Socket} socket
 * @param {(request: Request) => void} onRequest
 */
export function readRequests(socket, onRequest) {
  /** @type {Buffer} */
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const end = rest.indexOf(HEAD_END);
      if (end < 0) return;
      const text = rest.toString('latin1', 0, end + 2);
      const bodyStart = end + 4;
      const total = bodyStart + Number(LENGTH.exec(text)?.[1] ?? 0);
      if (rest.length < total) return;
      const head = rest.subarray(0, bodyStart);
      const body = rest.subarray(bodyStart, total);
      rest = rest.subarray(total);
      const from = text.indexOf(' ') + 1;
      onRequest({ head, body, path: text.slice(from, text.indexOf(' ', from)) });
    }
  });
}

/** First value of a header, in any case. @param {Buffer} head @param {string} name */
export function header(head, name) {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head.toString('latin1'))?.[1];
}
