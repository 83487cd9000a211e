/**
 * A format put together by its owner, for receivers whose contract exists already: which headers,
 * what is signed, and how the signature is written.
 */
export interface CustomFormat {
  /** `envelope`: type, timestamp and data as in `standard`; `data`: the event's data alone. */
  readonly body: 'envelope' | 'data';
  /** Header names; null = not sent. */
  readonly idHeader: string | null;
  readonly typeHeader: string | null;
  readonly timestampHeader: string | null;
  /** How a timestamp is written, in its header and in what is signed. */
  readonly timestampFormat: 'seconds' | 'milliseconds' | 'rfc3339';
  /** null = not signed. */
  readonly signature: CustomSignature | null;
}

export interface CustomSignature {
  readonly header: string;
  readonly algorithm: 'hmac-sha256' | 'hmac-sha1' | 'hmac-sha512' | 'ed25519';
  readonly encoding: 'hex' | 'base64' | 'base64url';
  /** Stands before the signature: `sha256=`, or with `{id}` and `{timestamp}`: `t={timestamp},v1=`. */
  readonly prefix: string;
  /** What is signed: `{body}` once, and as often as wanted `{id}`, `{timestamp}` and `{type}`. */
  readonly content: string;
}
