import { decode, type Encoding, utf8 } from './encoding.ts';
import { WebhookError } from './webhook-error.ts';

/**
 * A secret as it is configured: `whsec_…`, `whsk_…`, `whpk_…` for Standard Webhooks; elsewhere any
 * text, whose UTF-8 is the key, or `hex:…`, `base64:…`, `raw:…`; or the bytes themselves.
 */
export type Secret = string | Uint8Array;

/** Fewer can be guessed; nobody's generated secret is that short. */
export const SECRET_BYTES_MIN = 16;
export const SECRET_BYTES_MAX = 1024;

/** Refuses what no scheme should accept. The text is never repeated in the error. */
export function checkSecret(secret: Secret): void {
  if (secret.length === 0) {
    throw new WebhookError('empty_secret', 'the secret is empty', {
      hint: 'is the variable or file that holds it set? An empty secret would let anybody sign',
    });
  }
  if (typeof secret === 'string' && secret !== secret.trim()) {
    throw new WebhookError('invalid_secret', 'the secret has white space around it', {
      hint: 'it was probably read from a file with a line break at its end: trim it',
    });
  }
}

/** The bytes of a secret that is no Standard Webhooks key. */
export function secretBytes(secret: Secret): Uint8Array {
  checkSecret(secret);
  const bytes = typeof secret === 'string' ? textBytes(secret) : Uint8Array.from(secret);
  if (bytes.length < SECRET_BYTES_MIN || bytes.length > SECRET_BYTES_MAX) {
    const bounds = `${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX}`;
    const message = `a secret must have ${bounds} bytes; this one has ${bytes.length}`;
    throw new WebhookError('invalid_secret', message, {
      hint: 'let the sender make one, or use 32 random bytes: a short secret can be guessed',
    });
  }
  return bytes;
}

const FORM = /^(hex|base64|raw):(.*)$/s;

function textBytes(text: string): Uint8Array {
  const [, form, rest = ''] = FORM.exec(text) ?? [];
  if (form === undefined) return utf8(text);
  if (form === 'raw') return utf8(rest);
  const bytes = decode(rest, form as Encoding);
  if (bytes !== undefined) return bytes;
  throw new WebhookError('invalid_secret', `what follows "${form}:" in the secret is not ${form}`);
}
