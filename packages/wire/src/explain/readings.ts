import type { Secret } from '../secret.ts';

/** A secret as somebody may have meant it. */
export interface Reading {
  readonly secret: Secret;
  /** What to do about it; undefined = it is right as it stands. */
  readonly hint: string | undefined;
}

/** As it stands first, then the ways in which secrets are commonly mistaken. */
export function readingsOf(secret: string): Reading[] {
  const readings: Reading[] = [{ secret, hint: undefined }];
  const text = secret.trim();
  const spaced =
    text === secret ? '' : ' It also has white space around it, which is not part of it.';
  const add = (read: Secret, hint: string) => {
    readings.push({ secret: read, hint: hint + spaced });
  };
  if (spaced !== '') {
    add(text, 'The secret was given with white space around it, such as a line break: trim it.');
  }
  if (/^(?:[0-9a-f]{2}){16,}$/i.test(text)) {
    add(
      `hex:${text}`,
      'The key is what the secret’s hexadecimal digits stand for: give it as hex:….',
    );
  }
  const [, kind, inner = ''] = /^(wh(?:sec|sk)_|hex:|base64:)?(.*)$/s.exec(text) ?? [];
  if (kind !== undefined) {
    add(
      `raw:${text}`,
      'The key is the secret’s text as it stands, prefix included: give it as raw:….',
    );
    add(`raw:${inner}`, `The key is the text behind ${kind} and is not decoded: give it as raw:….`);
  }
  if (/^[A-Za-z0-9+/_-]{22,}={0,2}$/.test(inner)) {
    const standard = inner.replaceAll('-', '+').replaceAll('_', '/');
    add(
      `base64:${standard}`,
      'The key is what the secret’s Base64 stands for: give it as base64:….',
    );
    add(`whsec_${standard}`, 'The key is what the secret’s Base64 stands for: give it as whsec_….');
  }
  return readings;
}
