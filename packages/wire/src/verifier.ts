import { utf8 } from './encoding.ts';
import { type HeaderBag, type HeadersLike, headerBag } from './header-bag.ts';
import { isPromise, type MaybePromise, whenReady } from './maybe-promise.ts';
import type { Scheme, SchemeKey, SignedRequest, Verification, Verified } from './schemes/scheme.ts';
import type { Secret } from './secret.ts';
import type { Tolerance } from './signature.ts';
import { WebhookError } from './webhook-error.ts';

/** Asked for each request, for secrets that live in a vault or differ by sender. */
export type SecretSource = (context: {
  readonly headers: HeaderBag;
  readonly url: string | undefined;
}) => MaybePromise<Secret | readonly Secret[]>;

/** One secret, or several while a rotation runs (the new one first), or where to get them. */
export type Secrets = Secret | readonly Secret[] | SecretSource;

export interface VerifierOptions {
  readonly scheme: Scheme;
  readonly secrets?: Secrets | undefined;
  /** Seconds that a timestamp may lie behind and ahead of the clock; 300 unless told. */
  readonly toleranceS?: number | Tolerance | undefined;
  /** Milliseconds since 1970; `Date.now` unless told. */
  readonly now?: (() => number) | undefined;
}

/** The body as received: bytes, or text if nothing else is to be had. Never a parsed body. */
export type RawBody = Uint8Array | ArrayBuffer | string;

export interface RequestContext {
  readonly url?: string | undefined;
  readonly method?: string | undefined;
}

export interface Verifier {
  readonly scheme: Scheme;
  /** Resolves if the sender holds one of the secrets; otherwise throws `WebhookError`. */
  verify(raw: RawBody, headers: HeadersLike, context?: RequestContext): Promise<Verified>;
  /** The same as a value: nothing that a stranger sends makes it throw. */
  safeVerify(raw: RawBody, headers: HeadersLike, context?: RequestContext): Promise<Verification>;
  /** The same at once, where the runtime has node:crypto and the secrets are no function. */
  verifySync(raw: RawBody, headers: HeadersLike, context?: RequestContext): Verified;
}

const SECRETS_MAX = 16;
const CACHED_MAX = 256;

/**
 * Checks received requests against a scheme and secrets. Secrets that cannot be right (empty, too
 * short, mistyped) throw here, when the program starts, not with the first webhook.
 *
 * @example
 * const verifier = createVerifier({ scheme: schemes.standard(), secrets: process.env.WEBHOOK_SECRET });
 * await verifier.verify(rawBody, req.headers);
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { scheme, toleranceS = 300, now = Date.now } = options;
  const tolerance =
    typeof toleranceS === 'number' ? { pastS: toleranceS, futureS: toleranceS } : toleranceS;
  const keysFor = scheme.needsSecret === false ? () => [] : keySource(scheme, options.secrets);

  const check = (
    raw: RawBody,
    headers: HeadersLike,
    { url, method }: RequestContext = {},
  ): MaybePromise<Verification> => {
    const bytes = bytesOf(raw);
    if (bytes === undefined) return { ok: false, error: alreadyParsed() };
    const request: SignedRequest = { raw: bytes, headers: headerBag(headers), url, method };
    return whenReady(keysFor(request), (keys) =>
      scheme.verify(request, { keys, nowS: now() / 1000, tolerance }),
    );
  };

  return {
    scheme,
    verify: (raw, headers, context) => {
      // Not an async function: where the crypto answers at once, the promise is made of the answer.
      try {
        const result = check(raw, headers, context);
        return isPromise(result) ? result.then(verifiedOf) : Promise.resolve(verifiedOf(result));
      } catch (error) {
        return Promise.reject(error);
      }
    },
    safeVerify: async (raw, headers, context) => {
      try {
        return await check(raw, headers, context);
      } catch (error) {
        // Secrets that a function gave now can be unusable: that too is a value.
        if (error instanceof WebhookError) return { ok: false, error };
        throw error;
      }
    },
    verifySync: (raw, headers, context) => {
      const result = check(raw, headers, context);
      if (isPromise(result)) {
        result.catch(() => undefined);
        throw new TypeError(
          'verifySync needs node:crypto and secrets that are there: await verify() instead',
        );
      }
      return verifiedOf(result);
    },
  };
}

function verifiedOf(result: Verification): Verified {
  if (!result.ok) throw result.error;
  return result.value;
}

function keySource(
  scheme: Scheme,
  secrets: Secrets | undefined,
): (request: SignedRequest) => MaybePromise<readonly SchemeKey[]> {
  if (typeof secrets !== 'function') {
    const keys = importAll(scheme, secrets);
    return () => keys;
  }
  const cache = new Map<string, SchemeKey>();
  const importCached = (secret: Secret): SchemeKey => {
    if (typeof secret !== 'string') return scheme.importSecret(secret);
    const known = cache.get(secret);
    if (known !== undefined) return known;
    const key = scheme.importSecret(secret);
    // Importing costs more than verifying. A vault with more secrets than this starts over.
    if (cache.size === CACHED_MAX) cache.clear();
    cache.set(secret, key);
    return key;
  };
  return ({ headers, url }) =>
    whenReady(secrets({ headers, url }), (given) => listOf(given).map(importCached));
}

function importAll(scheme: Scheme, secrets: Secret | readonly Secret[] | undefined): SchemeKey[] {
  return listOf(secrets).map((secret) => scheme.importSecret(secret));
}

function listOf(secrets: Secret | readonly Secret[] | undefined): readonly Secret[] {
  const list = isOne(secrets) ? [secrets] : (secrets ?? []);
  if (list.length === 0) {
    throw new WebhookError('empty_secret', 'there is no secret to verify with', {
      hint: 'is the variable or file that holds it set?',
    });
  }
  if (list.length > SECRETS_MAX) {
    const message = `${list.length} secrets are more than the ${SECRETS_MAX} that are tried`;
    throw new WebhookError('invalid_secret', message);
  }
  return list;
}

function isOne(secrets: Secret | readonly Secret[] | undefined): secrets is Secret {
  return typeof secrets === 'string' || secrets instanceof Uint8Array;
}

/** undefined = not bytes and not text: something parsed it. */
export function bytesOf(raw: unknown): Uint8Array | undefined {
  if (raw instanceof Uint8Array) return raw;
  if (typeof raw === 'string') return utf8(raw);
  // Bytes of another realm (a test runner's sandbox) are no instance of this one's classes.
  if (ArrayBuffer.isView(raw)) return new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
  const isBuffer = Object.prototype.toString.call(raw) === '[object ArrayBuffer]';
  return isBuffer ? new Uint8Array(raw as ArrayBuffer) : undefined;
}

export function alreadyParsed(): WebhookError {
  return new WebhookError('body_already_parsed', 'a parser has already consumed the body', {
    hint:
      'signatures are made over bytes: mount the receiver before any body parser, or keep the raw ' +
      'bytes (with Express: express.json({ verify: captureRawBody }))',
  });
}
