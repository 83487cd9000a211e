// @ts-check
/** Standard Webhooks v1, written again from its specification so that two mistakes must agree. */
import { createHmac } from 'node:crypto';
import { header } from './wire.js';

/** @param {string} secret `whsec_…` */
export function keyOf(secret) {
  return Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
}

/** @param {Buffer} key @param {{ id: string, timestamp: string, body: Uint8Array }} message */
export function sign(key, { id, timestamp, body }) {
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
}

/** True if one of the signatures in the header is the key's. @param {Buffer} key @param {{ head: Buffer, body: Buffer }} request */
export function verifies(key, { head, body }) {
  const id = header(head, 'webhook-id') ?? '';
  const timestamp = header(head, 'webhook-timestamp') ?? '';
  const given = (header(head, 'webhook-signature') ?? '').split(' ');
  return given.includes(sign(key, { id, timestamp, body }));
}
