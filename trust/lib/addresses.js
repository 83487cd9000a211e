// @ts-check
/** Addresses that must never be reached, from the IANA special-purpose registries, and their public neighbours. */
import { randomInt } from 'node:crypto';

export const BLOCKS_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '255.255.255.255/32',
];

/** First and last address outside each block. */
export const OUTSIDE_4 = [
  '1.0.0.0',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '191.255.255.255',
  '192.0.1.0',
  '192.0.3.0',
  '192.88.98.255',
  '192.88.100.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '198.51.99.255',
  '198.51.101.0',
  '203.0.112.255',
  '203.0.114.0',
  '223.255.255.255',
];

/** First group in hexadecimal and its fixed bits: enough to fall into each block. */
export const BLOCKS_6 = [
  '0000/16',
  '0064:ff9b:0000:0000:0000:0000/96',
  '0064:ff9b:0001/48',
  '0100:0000:0000:0000/64',
  '2001:0000/32',
  '2001:0010/28',
  '2001:0020/28',
  '2001:0db8/32',
  '2002/16',
  '3fff:0000/32',
  '5f00/16',
  'fc00/16',
  'fd00/16',
  'fe80/16',
  'fec0/16',
  'ff02/16',
  '4000/16',
  '8000/16',
];

export const OUTSIDE_6 = [
  '2000::1',
  '2001:200::1',
  '2003::1',
  '2400:cb00::1',
  '2606:4700::1111',
  '2a00:1450::1',
  '2c0f::1',
  '3ffe::1',
];

/** @param {number} value */
const dotted = (value) => [24, 16, 8, 0].map((shift) => (value / 2 ** shift) & 255).join('.');

/** An address of the block: `where` 0 = first, 1 = last, absent = random. @param {string} block @param {number} [where] */
export function randomIn4(block, where) {
  const [base = '', bits = '32'] = block.split('/');
  const size = 2 ** (32 - Number(bits));
  const offset = where === undefined ? randomInt(size) : where * (size - 1);
  const first = base.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return dotted(first + offset);
}

/** @param {string} block the fixed groups and, after the slash, how many bits they are */
export function randomIn6(block) {
  const fixed = (block.split('/')[0] ?? '').split(':');
  while (fixed.length < 8) fixed.push(randomInt(65_536).toString(16));
  return fixed.join(':');
}

/** The ways to write an IPv4 address into an IPv6 one. @param {string} address */
export function spellings(address) {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  const high = ((a << 8) | b).toString(16);
  const low = ((c << 8) | d).toString(16);
  const inverted = `${(((~a & 255) << 8) | (~b & 255)).toString(16)}:${(((~c & 255) << 8) | (~d & 255)).toString(16)}`;
  return [
    `::ffff:${address}`,
    `::ffff:${high}:${low}`,
    `::${address}`,
    `::ffff:0:${high}:${low}`,
    `64:ff9b::${address}`,
    `64:ff9b:1::${high}:${low}`,
    `2002:${high}:${low}::1`,
    `2001:0:1:2:0:0:${inverted}`,
  ];
}
