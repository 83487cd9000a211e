import { hmac as computeHmac, equalText, importHmac } from '#crypto';
import type { Hash } from '../crypto/port.ts';
import { type Encoding, utf8 } from '../encoding.ts';
import { firstIndex, type MaybePromise, whenReady } from '../maybe-promise.ts';
import { secretBytes } from '../secret.ts';
import { described, parseBody } from './body.ts';
import {
  accepted,
  type ComposedEvent,
  type Described,
  MISMATCH_HINT,
  missing,
  refused,
  type Scheme,
  type SchemeSignInput,
  type SignedRequest,
  type Trust,
  type Verification,
  type Verified,
} from './scheme.ts';

/** The engine of all schemes that are an HMAC in a header, and the generic one made of options. */

const TIMESTAMP = /^[0-9]{1,11}$/;

/** What a request's headers claim. */
export interface Claim {
  /** At most 16; one that matches is enough. */
  readonly values: readonly string[];
  /** Its digits as sent; undefined = the scheme has none. */
  readonly timestamp: string | undefined;
  readonly id: string | undefined;
}

export interface HmacScheme {
  readonly name: string;
  readonly hash: Hash;
  readonly encoding: Encoding;
  /** The claim, or why there is none. */
  claim(request: SignedRequest): Claim | Verification;
  /** What is signed: text before the body, or with `body` other bytes altogether. */
  content(parts: Parts): { readonly prefix: string; readonly body: Uint8Array };
  /** The headers that carry a signature. */
  headers(signature: string, input: SchemeSignInput): Record<string, string>;
  describe(request: SignedRequest, verified: Verified): Described;
  compose?: ((event: ComposedEvent) => unknown) | undefined;
}

/** What a request is made of, as far as it can be signed. */
export interface Parts {
  readonly id: string | undefined;
  /** Seconds since 1970, as sent. */
  readonly timestamp: string | undefined;
  readonly body: Uint8Array;
  readonly url: string | undefined;
  readonly method: string | undefined;
}

export function hmacScheme(scheme: HmacScheme): Scheme {
  const { name, hash, encoding } = scheme;
  return {
    name,
    importSecret: (secret) => importHmac(secretBytes(secret)),
    verify: (request, trust) => verifyHmac(scheme, request, trust),
    sign: (input) => {
      const { raw: body, id, at, secret } = input;
      const timestamp = String(Math.floor(at.getTime() / 1000));
      const parts = { id, timestamp, body, url: undefined, method: undefined };
      const content = { ...scheme.content(parts), hash, encoding };
      return whenReady(computeHmac(importHmac(secretBytes(secret)), content), (signature) =>
        scheme.headers(signature, input),
      );
    },
    describe: (request, verified) => scheme.describe(request, verified),
    compose: (event) => scheme.compose?.(event),
  };
}

function verifyHmac(
  scheme: HmacScheme,
  request: SignedRequest,
  trust: Trust,
): MaybePromise<Verification> {
  const { name, hash, encoding } = scheme;
  const claim = scheme.claim(request);
  if ('ok' in claim) return claim;
  const { timestamp, values, id } = claim;
  const late = timestamp === undefined ? undefined : untimely(timestamp, trust);
  if (late !== undefined) return late;
  const { raw: body, url, method } = request;
  const content = { ...scheme.content({ id, timestamp, body, url, method }), hash, encoding };
  const found = firstIndex(trust.keys, (key) =>
    whenReady(computeHmac(key, content), (expected) =>
      values.some((value) => equalText(value, expected)),
    ),
  );
  return whenReady(found, (keyIndex) => {
    if (keyIndex === -1) {
      return refused('signature_mismatch', 'no signature matches', { hint: MISMATCH_HINT });
    }
    const sentAt = timestamp === undefined ? undefined : new Date(Number(timestamp) * 1000);
    return accepted({ scheme: name, id, sentAt, keyIndex });
  });
}

function untimely(timestamp: string, { nowS, tolerance }: Trust): Verification | undefined {
  if (!TIMESTAMP.test(timestamp)) {
    return refused('malformed_header', 'the timestamp is not whole seconds since 1970');
  }
  const ageS = Math.round(nowS - Number(timestamp));
  const detail = { ageS };
  const hint = "a replay, or a clock that is wrong: compare this machine's time with the sender's";
  // Written so that a clock or tolerance of NaN refuses.
  if (!(nowS - Number(timestamp) <= tolerance.pastS)) {
    return refused('timestamp_too_old', `it was sent ${ageS} s ago`, { hint, detail });
  }
  if (!(Number(timestamp) - nowS <= tolerance.futureS)) {
    const message = `it was sent ${-ageS} s in the future`;
    return refused('timestamp_in_future', message, { hint, detail });
  }
  return undefined;
}

export interface HeaderClaim {
  readonly header: string;
  /** Stands before the signature in the header: `sha256=`. */
  readonly prefix?: string | undefined;
  readonly timestampHeader?: string | undefined;
  readonly idHeader?: string | undefined;
}

/** Reads a claim of one signature in a header of its own. */
export function headerClaim({ headers }: SignedRequest, names: HeaderClaim): Claim | Verification {
  const { header, prefix = '', timestampHeader, idHeader } = names;
  const value = headers.get(header);
  if (value === undefined) return missing(header);
  if (!value.startsWith(prefix)) {
    const message = `${header} does not begin with "${prefix}"`;
    return refused('unsupported_version', message, {
      hint: 'the sender signs in another way than this scheme reads',
    });
  }
  const timestamp = timestampHeader === undefined ? undefined : headers.get(timestampHeader);
  if (timestampHeader !== undefined && timestamp === undefined) {
    return refused('timestamp_missing', `the header ${timestampHeader} is missing`);
  }
  const id = idHeader === undefined ? undefined : headers.get(idHeader);
  return { values: [value.slice(prefix.length)], timestamp, id };
}

export interface HmacOptions extends HeaderClaim {
  readonly algo?: Hash | undefined;
  readonly encoding?: Encoding | undefined;
  /** What is signed; the body alone unless told, `<timestamp>.<body>` with a `timestampHeader`. */
  readonly content?: ((parts: Parts) => Uint8Array | string) | undefined;
  readonly typeHeader?: string | undefined;
}

/**
 * Any HMAC in a header.
 *
 * @example schemes.hmac({ header: 'x-signature', prefix: 'sha256=', typeHeader: 'x-event' })
 */
export function hmac(options: HmacOptions): Scheme {
  const { header, prefix = '', algo = 'sha256', encoding = 'hex', content } = options;
  const { timestampHeader, idHeader, typeHeader } = options;
  const given = (name: string | undefined, value: string | undefined) =>
    name === undefined || value === undefined ? {} : { [name]: value };
  return hmacScheme({
    name: 'hmac',
    hash: algo,
    encoding,
    claim: (request) => headerClaim(request, options),
    content: (parts) => {
      if (content !== undefined) {
        const signed = content(parts);
        return { prefix: '', body: typeof signed === 'string' ? utf8(signed) : signed };
      }
      return { prefix: timestampHeader ? `${parts.timestamp}.` : '', body: parts.body };
    },
    headers: (signature, { id, at, type }) => ({
      [header]: prefix + signature,
      ...given(timestampHeader, String(Math.floor(at.getTime() / 1000))),
      ...given(idHeader, id),
      ...given(typeHeader, type),
    }),
    describe: (request, { id }) => {
      const type = typeHeader === undefined ? undefined : request.headers.get(typeHeader);
      return described({ id, type, payload: parseBody(request) });
    },
  });
}
