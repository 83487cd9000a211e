import type { HeaderBag } from '../header-bag.ts';
import type { Scheme, SignedRequest, Verification, Verified } from '../schemes/scheme.ts';
import type { Secret } from '../secret.ts';
import type { Tolerance } from '../signature.ts';
import { WebhookError, type WebhookErrorCode } from '../webhook-error.ts';
import { type Guess, hmacGuesses, sharedGuesses } from './guesses.ts';
import { readingsOf } from './readings.ts';
import { asCarried, sendersOf } from './senders.ts';
import { variantsOf } from './variants.ts';

/**
 * `valid`: one of the secrets made it. `invalid`: it is signed, and a receiver with these secrets
 * refuses it. `unchecked`: it is signed, but there is no secret to check it with. `unsigned`: nothing
 * that looks like a signature.
 */
export type SignatureState = 'valid' | 'invalid' | 'unchecked' | 'unsigned';

export interface SignatureReport {
  readonly state: SignatureState;
  /** Of our schemes; `header` or `url` = the secret itself is sent. */
  readonly scheme: string | undefined;
  /** Which of the secrets, from 0; above 0 an old one is still in use. */
  readonly secret: number | undefined;
  readonly code: WebhookErrorCode | undefined;
  /** One sentence for people. It repeats no secret. */
  readonly reason: string;
  /** What to do about it. */
  readonly hint: string | undefined;
}

export interface Explained extends SignatureReport {
  /** Signs the same way; undefined = it is not known how, or there is no secret. */
  readonly signer: { readonly scheme: Scheme; readonly secret: Secret } | undefined;
}

export interface ExplainOptions {
  /** Tried in turn, also as they were not meant to be read. */
  readonly secrets: readonly string[];
  /** The name of one scheme; undefined = whichever fits. */
  readonly scheme?: string | undefined;
  /** When it was received, in seconds since 1970. */
  readonly nowS: number;
  readonly toleranceS?: number | undefined;
}

/** Larger ones are checked as they are; how else they might have been signed is not tried. */
const TRIED_BYTES_MAX = 65_536;
const ANY_TIME: Tolerance = { pastS: Infinity, futureS: Infinity };

/**
 * Why a request verifies or does not: all schemes that its headers claim, every reading of every
 * secret, and, if nothing fits, what may have happened to the body since. For people who look for a
 * mistake: it accepts more than any receiver may.
 */
export async function explainSignature(
  request: SignedRequest,
  options: ExplainOptions,
): Promise<Explained> {
  const claimed = await claimsOf(request, sendersOf(options.scheme));
  const look = new Look(request, options);
  let refused: Explained | undefined;
  for (const claim of claimed) {
    const found = await look.at(claim);
    if (found.state === 'valid') return found;
    refused ??= found;
  }
  if (options.secrets.length > 0 && options.scheme === undefined) {
    const found = await look.elsewhere();
    if (found) return found;
  }
  return refused ?? nothing(request, options);
}

interface Claim {
  readonly scheme: Scheme;
  /** What is wrong with it before any secret is tried. */
  readonly broken: WebhookError | undefined;
}

/** What a scheme says that found nothing wrong but that no key was given. */
const NO_KEYS: ReadonlySet<WebhookErrorCode> = new Set(['signature_mismatch', 'empty_secret']);

/** The schemes whose headers a request has. */
async function claimsOf(request: SignedRequest, senders: readonly Scheme[]): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const scheme of senders) {
    const trust = { keys: [], nowS: 0, tolerance: ANY_TIME };
    const result = await scheme.verify(request, trust);
    if (result.ok || result.error.code === 'missing_header') continue;
    const { error } = result;
    const broken = NO_KEYS.has(error.code) ? undefined : error;
    claims.push({ scheme: asCarried(scheme, request.headers), broken });
  }
  return claims;
}

class Look {
  readonly #request: SignedRequest;
  readonly #options: ExplainOptions;

  constructor(request: SignedRequest, options: ExplainOptions) {
    this.#request = request;
    this.#options = options;
  }

  async at({ scheme, broken }: Claim): Promise<Explained> {
    const { secrets } = this.#options;
    const [first] = secrets;
    const signer = first === undefined ? undefined : signerOf(scheme, first);
    if (broken) return refusal(scheme, broken, signer);
    if (first === undefined) {
      const reason = `It is signed as ${scheme.name} signs; there is no secret to check it with.`;
      const hint = 'Give the secret that the sender signs with.';
      return { ...UNKNOWN, state: 'unchecked', scheme: scheme.name, reason, hint, signer };
    }
    const found = (await this.#byReadings(scheme)) ?? (await this.#byVariants(scheme));
    return found ?? this.#mismatch(scheme, signer);
  }

  /** Signed in a way that no well-known sender's headers tell. */
  async elsewhere(): Promise<Explained | undefined> {
    if (this.#request.raw.length > TRIED_BYTES_MAX) return undefined;
    for (const guess of [...hmacGuesses(this.#request), ...sharedGuesses(this.#request)]) {
      const found = await this.#byReadings(guess.scheme, guess);
      if (found) return found;
    }
    return undefined;
  }

  async #byReadings(scheme: Scheme, guess?: Guess): Promise<Explained | undefined> {
    for (const [index, text] of this.#options.secrets.entries()) {
      for (const { secret, hint } of readingsOf(text)) {
        const verified = await this.#verify(scheme, secret, this.#request.raw);
        if (!verified?.ok) continue;
        const what = guess?.what ?? `signed as ${scheme.name} signs`;
        const found = await this.#timely(scheme, { secret, what, verified: verified.value });
        return { ...found, secret: index, hint: found.hint ?? hint };
      }
    }
    return undefined;
  }

  /** The signature holds; is it of its time? */
  async #timely(
    scheme: Scheme,
    of: { secret: Secret; what: string; verified: Verified },
  ): Promise<Explained> {
    const { nowS, toleranceS = 300 } = this.#options;
    const { secret, what, verified } = of;
    const ageS = verified.sentAt && Math.round(nowS - verified.sentAt.getTime() / 1000);
    const signer = { scheme, secret };
    const base = { ...UNKNOWN, scheme: scheme.name, signer };
    if (ageS === undefined || Math.abs(ageS) <= toleranceS) {
      const age = ageS === undefined ? '' : `, ${ageS} s before it arrived`;
      return { ...base, state: 'valid', reason: `It holds: ${what}${age}.` };
    }
    const late = ageS > 0;
    return {
      ...base,
      state: 'invalid',
      code: late ? 'timestamp_too_old' : 'timestamp_in_future',
      reason: late
        ? `The signature fits, but it was made ${ageS} s before it arrived; receivers allow ${toleranceS} s.`
        : `The signature fits, but its time lies ${-ageS} s ahead; receivers allow ${toleranceS} s.`,
      hint: late
        ? 'It is an old request sent again, or the sender’s clock is slow: sign it anew.'
        : 'The sender’s clock, or this machine’s, is wrong.',
    };
  }

  async #byVariants(scheme: Scheme): Promise<Explained | undefined> {
    const { raw } = this.#request;
    if (raw.length > TRIED_BYTES_MAX) return undefined;
    for (const { body, changed } of variantsOf(raw)) {
      for (const [index, secret] of this.#options.secrets.entries()) {
        const verified = await this.#verify(scheme, secret, body);
        if (!verified?.ok) continue;
        return {
          ...UNKNOWN,
          state: 'invalid',
          scheme: scheme.name,
          secret: index,
          code: 'signature_mismatch',
          reason: `The secret is right, but other bytes were signed: ${changed} after signing.`,
          hint: 'Whatever stands between sender and receiver must pass the body on byte for byte.',
          signer: { scheme, secret },
        };
      }
    }
    return undefined;
  }

  /** Nothing fits. Secrets that cannot even be used are the likelier reason. */
  #mismatch(scheme: Scheme, signer: Explained['signer']): Explained {
    for (const secret of this.#options.secrets) {
      try {
        scheme.importSecret(secret);
      } catch (error) {
        if (!(error instanceof WebhookError)) throw error;
        const reason = `It cannot be checked: ${error.message}.`;
        const { code, hint } = error;
        return { ...UNKNOWN, state: 'invalid', scheme: scheme.name, code, reason, hint, signer };
      }
    }
    const { length } = this.#options.secrets;
    const none = length === 1 ? 'the secret does not' : `none of the ${length} secrets does`;
    return {
      ...UNKNOWN,
      state: 'invalid',
      scheme: scheme.name,
      code: 'signature_mismatch',
      reason: `It is signed as ${scheme.name} signs, but ${none} fit, however it is read.`,
      hint: 'The sender uses another secret, or the body was changed on its way.',
      signer,
    };
  }

  /** undefined = the secret is none of this scheme's. */
  async #verify(
    scheme: Scheme,
    secret: Secret,
    raw: Uint8Array,
  ): Promise<Verification | undefined> {
    try {
      const keys = [scheme.importSecret(secret)];
      const trust = { keys, nowS: this.#options.nowS, tolerance: ANY_TIME };
      return await scheme.verify({ ...this.#request, raw }, trust);
    } catch (error) {
      if (error instanceof WebhookError) return undefined;
      throw error;
    }
  }
}

const UNKNOWN = {
  scheme: undefined,
  secret: undefined,
  code: undefined,
  hint: undefined,
  signer: undefined,
} as const;

function signerOf(scheme: Scheme, secret: string): Explained['signer'] {
  try {
    scheme.importSecret(secret);
    return { scheme, secret };
  } catch (error) {
    if (error instanceof WebhookError) return undefined;
    throw error;
  }
}

function refusal(scheme: Scheme, error: WebhookError, signer: Explained['signer']): Explained {
  const { code, message, hint } = error;
  const reason = `It is not what ${scheme.name} sends: ${message}.`;
  return { ...UNKNOWN, state: 'invalid', scheme: scheme.name, code, reason, hint, signer };
}

function nothing({ headers }: SignedRequest, { scheme, secrets }: ExplainOptions): Explained {
  if (scheme !== undefined) {
    const known = sendersOf(scheme)[0];
    const reason = known
      ? `It has no signature of ${scheme}.`
      : `Of the scheme ${scheme} nothing can be told by looking.`;
    const [secret] = secrets;
    const signer = known && secret !== undefined ? signerOf(known, secret) : undefined;
    return { ...UNKNOWN, state: 'unsigned', reason, signer };
  }
  const looks = looksSigned(headers);
  if (looks !== undefined) {
    const what = `The header ${looks} looks like a signature of a sender that is not known here`;
    if (secrets.length > 0) {
      const reason = `${what}, and no common way of signing fits with the secret.`;
      return { ...UNKNOWN, state: 'unchecked', reason };
    }
    const hint = 'Give the secret that the sender signs with: common ways of signing are tried.';
    return { ...UNKNOWN, state: 'unchecked', reason: `${what}.`, hint };
  }
  return { ...UNKNOWN, state: 'unsigned', reason: 'There is no signature.' };
}

function looksSigned(headers: HeaderBag): string | undefined {
  for (const [name] of headers.entries()) {
    if (/signature|hmac/.test(name)) return name;
  }
  return undefined;
}
