// @ts-check
/** The bad receivers of the fault catalogue: what each does with a request, by the first path segment. */
import { brotliCompressSync, gzipSync } from 'node:zlib';

/**
 * @typedef {object} Visit
 * @property {import('node:net').Socket} socket
 * @property {string[]} rest further path segments
 * @property {string} id webhook-id
 * @property {number} visit how often this webhook-id came to this path, from 1
 * @property {{ outage: boolean }} world
 * @property {(status: number, headers?: Record<string, string>, body?: string) => void} answer
 * @property {() => void} killServer
 */

/** @type {Record<string, (visit: Visit) => void>} */
export const BEHAVIOURS = {
  ok: ({ answer }) => answer(200),
  slow: ({ rest, answer }) => void setTimeout(() => answer(200), Number(rest[0])),
  /** Fails the first attempt of every fourth delivery: often enough to retry, too seldom to trip a breaker. */
  flaky: ({ visit, id, answer }) =>
    answer(visit === 1 && id.charCodeAt(id.length - 1) % 4 === 0 ? 500 : 200),
  status: ({ rest, answer }) => answer(Number(rest[0])),
  outage: ({ world, answer }) =>
    void setTimeout(() => answer(world.outage ? 503 : 200), world.outage ? 0 : 40),
  gone: ({ answer }) => answer(410),
  /** `/after/503/120`: a status with a Retry-After. */
  after: ({ rest, answer }) =>
    answer(Number(rest[0]), { 'Retry-After': decodeURIComponent(rest[1] ?? '') }),
  redirect: ({ rest, socket, answer }) =>
    answer(Number(rest[0]), { Location: `http://127.0.0.1:${socket.localPort}/trap` }),
  /** `/to/<encoded URL>`: 307 to there. */
  to: ({ rest, answer }) => answer(307, { Location: decodeURIComponent(rest[0] ?? '') }),

  // Answers 2xx, then ends the server before it can commit what it was told.
  // Once per delivery: three deaths on one delivery are a matter of quarantine, not of this fault.
  killer: ({ visit, answer, killServer }) => {
    answer(200);
    if (visit === 1) killServer();
  },

  // F24, F25: time.
  hang: () => {},
  drip: ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
    const timer = setInterval(() => socket.write('x'), 200);
    socket.on('close', () => clearInterval(timer));
  },
  'drip-head': ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('a: b\r\n'), 200);
    socket.on('close', () => clearInterval(timer));
  },

  // F26, F27: size.
  flood: ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n');
    pour(socket);
  },
  gzip: ({ socket }) => bomb(socket, 'gzip', gzipBomb),
  brotli: ({ socket }) => bomb(socket, 'br', brotliBomb),

  // F29, F30: connections.
  rst: ({ socket }) => void socket.resetAndDestroy(),
  eof: ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
  'eof-silent': ({ socket }) => void socket.end(),
  'eof-body': ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
  'half-close': ({ socket, answer }) => {
    answer(200);
    socket.end();
  },
  /** Answers and closes, and says so: the next request needs a new connection. */
  close: ({ socket, answer }) => {
    answer(200, { Connection: 'close' });
    socket.end();
  },
  stale: ({ socket, answer }) => {
    answer(200);
    // Unannounced, at a random moment in which the next request may already be on its way.
    setTimeout(() => socket.destroy(), Math.random() * 4);
  },

  // F35: what is not HTTP.
  invalid: ({ socket, rest }) => {
    const bytes = INVALID[Number(rest[0])]?.bytes ?? '';
    if (typeof bytes === 'string') socket.write(bytes, 'latin1');
    else bytes(socket);
  },
};

/** Zeros for as long as they are read. @param {import('node:net').Socket} socket */
function pour(socket) {
  const zeros = Buffer.alloc(64 * 1024);
  const more = () => {
    let room = true;
    while (room && !socket.destroyed) room = socket.write(zeros);
  };
  socket.on('drain', more);
  more();
}

const HUNDRED_MIB = Buffer.alloc(1024 * 1024 * 100);
/** @type {Buffer | undefined} */
let gzipped;
/** @type {Buffer | undefined} */
let brotlied;
const gzipBomb = () => (gzipped ??= gzipSync(HUNDRED_MIB, { level: 9 }));
const brotliBomb = () => (brotlied ??= brotliCompressSync(HUNDRED_MIB));

/** @param {import('node:net').Socket} socket @param {string} encoding @param {() => Buffer} make */
function bomb(socket, encoding, make) {
  const body = make();
  socket.write(
    `HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  socket.write(body);
}

/** @param {string} line */
function storm(line) {
  return (/** @type {import('node:net').Socket} */ socket) => {
    const timer = setInterval(() => {
      if (!socket.destroyed) socket.write(line.repeat(50));
    }, 5);
    socket.on('close', () => clearInterval(timer));
  };
}

/**
 * Each is one failed attempt with a reason, or (`lenient`) may be read as the 200 it nearly is.
 * @type {readonly { name: string, lenient?: boolean, bytes: string | ((socket: import('node:net').Socket) => void) }[]}
 */
export const INVALID = [
  { name: 'junk', bytes: 'hello\r\n\r\n' },
  { name: 'no status', bytes: 'HTTP/1.1\r\n\r\n' },
  { name: 'status 2x0', bytes: 'HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n' },
  { name: 'status 20', bytes: 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n' },
  { name: 'status 2000', bytes: 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n' },
  { name: 'status 000', bytes: 'HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n' },
  { name: 'status -200', bytes: 'HTTP/1.1 -200 OK\r\nContent-Length: 0\r\n\r\n' },
  { name: 'HTTP/0.9', bytes: '<html>hello</html>' },
  { name: 'HTTP/2.0', bytes: 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n' },
  { name: 'HTTP/9.9', bytes: 'HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n' },
  { name: 'lower case', bytes: 'http/1.1 200 ok\r\ncontent-length: 0\r\n\r\n' },
  { name: 'h2 preface', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  { name: 'h2 settings', bytes: '\x00\x00\x00\x04\x00\x00\x00\x00\x00' },
  { name: 'TLS alert', bytes: '\x15\x03\x01\x00\x02\x02\x16' },
  { name: 'NULs', bytes: '\0'.repeat(100) },
  {
    name: '70 kB header',
    bytes: `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}\r\nContent-Length: 0\r\n\r\n`,
  },
  {
    name: '20,000 headers',
    bytes: `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}Content-Length: 0\r\n\r\n`,
  },
  { name: 'endless status line', bytes: storm('H'.repeat(1000)) },
  {
    name: 'endless headers',
    bytes: (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      storm('x: y\r\n')(socket);
    },
  },
  { name: '1xx storm', bytes: storm('HTTP/1.1 100 Continue\r\n\r\n') },
  {
    name: '101',
    bytes: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  },
  {
    name: 'two lengths',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello',
  },
  { name: 'length list', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0, 5\r\n\r\nhello' },
  { name: 'negative length', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n' },
  { name: 'length 0x0', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 0x0\r\n\r\n' },
  { name: 'length +0', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: +0\r\n\r\n' },
  { name: 'length 1e400', bytes: `HTTP/1.1 200 OK\r\nContent-Length: 1${'0'.repeat(400)}\r\n\r\n` },
  {
    name: 'length and chunked',
    bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    lenient: true,
  },
  {
    name: 'chunk size zz',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n',
  },
  {
    name: 'chunk size -1',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n',
  },
  {
    name: 'chunk size 2^70',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400000000000000000\r\n',
  },
  {
    name: 'chunk longer than said',
    bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n',
  },
  { name: 'unknown coding', bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\nuryyb' },
  { name: 'space before colon', bytes: 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n' },
  {
    name: 'no colon',
    bytes: 'HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n',
    lenient: true,
  },
  {
    name: 'folded header',
    bytes: 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n',
    lenient: true,
  },
  { name: 'bare LF', bytes: 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', lenient: true },
  {
    name: 'NUL in header',
    bytes: 'HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n',
    lenient: true,
  },
];
