// @ts-check
/**
 * A name server of ours and a mount namespace whose resolv.conf points to it, so that names can lie to
 * the product without touching the machine's resolver. Needs root.
 */
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { needsRoot, Skip } from './check.js';
import { tempDir } from './server.js';

const ADDRESS = '127.0.0.77';

/**
 * @typedef {object} Answer
 * @property {string[] | (() => string[])} [addresses] IPv4 or IPv6; each goes to questions of its kind
 * @property {number} [code] RCODE: 2 SERVFAIL, 3 NXDOMAIN
 * @property {string} [cname]
 * @property {boolean} [truncated]
 * @property {boolean} [silent]
 * @property {number} [delayMs]
 */

/**
 * @template T
 * @param {(names: { wrap: string[], zone: Map<string, Answer>, asked: Map<string, number> }) => Promise<T>} play
 * @returns {Promise<T>}
 */
export async function withNames(play) {
  needsRoot();
  if (spawnSync('unshare', ['-m', 'true']).status !== 0) throw new Skip('needs mount namespaces');
  /** @type {Map<string, Answer>} */
  const zone = new Map();
  /** @type {Map<string, number>} */
  const asked = new Map();
  let open = true;
  const socket = dgram.createSocket('udp4');
  socket.on('error', () => {});
  socket.bind(53, ADDRESS);
  await Promise.race([once(socket, 'listening'), once(socket, 'error')]).catch(() => {});
  try {
    socket.address();
  } catch {
    throw new Skip(`needs port 53 of ${ADDRESS}`);
  }
  socket.on('message', (query, from) => {
    const { name, type, end } = question(query);
    asked.set(name, (asked.get(name) ?? 0) + 1);
    const answer = zone.get(name) ?? { code: 3 };
    if (answer.silent) return;
    setTimeout(() => {
      if (open) {
        socket.send(reply(query.subarray(0, end), type, answer), from.port, from.address, () => {});
      }
    }, answer.delayMs ?? 0).unref();
  });
  const file = path.join(tempDir('posthorn-dns'), 'resolv.conf');
  fs.writeFileSync(file, `nameserver ${ADDRESS}\noptions timeout:2 attempts:1\n`);
  const script = `mount --bind ${file} /etc/resolv.conf && exec "$@"`;
  try {
    return await play({ wrap: ['unshare', '-m', 'sh', '-c', script, 'sh'], zone, asked });
  } finally {
    open = false;
    socket.close();
  }
}

/** Name (lower case), type and end of the first question of a query (RFC 1035 §4.1). @param {Buffer} query */
function question(query) {
  const labels = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** @param {Buffer} asked header and question @param {number} type @param {Answer} answer */
function reply(asked, type, answer) {
  const addresses =
    typeof answer.addresses === 'function' ? answer.addresses() : (answer.addresses ?? []);
  const records = addresses
    .filter((address) => (type === 28) === address.includes(':') && (type === 1 || type === 28))
    .map((address) => record(type, addressBytes(address)));
  if (answer.cname !== undefined) records.push(record(5, nameBytes(answer.cname)));
  const head = Buffer.from(asked);
  head.writeUInt16BE(0x8180 | (answer.truncated ? 0x0200 : 0) | (answer.code ?? 0), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...records]);
}

/** TTL 0, so that every attempt asks again. @param {number} type @param {Buffer} data */
function record(type, data) {
  const fixed = Buffer.alloc(12);
  fixed.writeUInt16BE(0xc00c, 0);
  fixed.writeUInt16BE(type, 2);
  fixed.writeUInt16BE(1, 4);
  fixed.writeUInt16BE(data.length, 10);
  return Buffer.concat([fixed, data]);
}

/** @param {string} name */
function nameBytes(name) {
  const parts = name
    .split('.')
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'));
  return Buffer.concat([...parts, Buffer.of(0)]);
}

/** @param {string} address full or `::`-shortened IPv6, or IPv4 */
function addressBytes(address) {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [left = '', right] = address.split('::');
  const groups = (/** @type {string} */ text) =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const before = groups(left);
  const after = right === undefined ? [] : groups(right);
  const all = [...before, ...Array(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}
