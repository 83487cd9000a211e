import { createHmac, timingSafeEqual } from 'node:crypto';

/** body: a Buffer of the bytes as received. Headers have lower-case names, as in node:http. */
export function verify(secret, headers, body, nowS = Date.now() / 1000) {
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  const signatures = headers['webhook-signature'] ?? '';
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id) || !/^[0-9]{1,11}$/.test(timestamp)) return false;
  if (!(Math.abs(nowS - Number(timestamp)) <= 300)) return false;

  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  if (key.length < 24) throw new Error('the secret is too short or not base64');
  const content = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body);
  const expected = Buffer.from(`v1,${content.digest('base64')}`);
  return signatures.split(' ', 16).some((one) => {
    const given = Buffer.from(one);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}
