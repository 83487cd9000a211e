import { type MaybePromise, whenReady } from '../maybe-promise.ts';
import type { Secret } from '../secret.ts';
import { WebhookError } from '../webhook-error.ts';
import type { Scheme, SchemeKey, SignedRequest, Trust, Verification, Verified } from './scheme.ts';

/** A secret as each scheme reads it; undefined = it cannot be one of that scheme. */
type KeyPerScheme = readonly (SchemeKey | undefined)[];

/**
 * Accepts what one of the schemes accepts: for a sender that changes its format, or for one URL with
 * several senders. Each secret is used by every scheme whose form it has. The first scheme signs.
 *
 * @example schemes.anyOf(schemes.standard(), schemes.logto())
 */
export function anyOf(...list: readonly Scheme[]): Scheme {
  const first = list[0];
  if (first === undefined) throw new TypeError('anyOf needs at least one scheme');
  const byName = ({ scheme }: Verified) => list.find((one) => one.name === scheme) ?? first;
  return {
    name: list.map((one) => one.name).join('|'),
    importSecret: (secret) => importForEach(list, secret),
    verify: (request, trust) => verifyOne(list, request, trust),
    sign: (input) => first.sign(input),
    compose: (event) => first.compose?.(event),
    describe: (request, verified) => byName(verified).describe(request, verified),
    challenge: (request, described) => {
      for (const scheme of list) {
        const challenge = scheme.challenge?.(request, described);
        if (challenge !== undefined) return challenge;
      }
      return undefined;
    },
  };
}

function importForEach(list: readonly Scheme[], secret: Secret): KeyPerScheme {
  const errors: unknown[] = [];
  const keys = list.map((scheme) => {
    try {
      return scheme.importSecret(secret);
    } catch (error) {
      errors.push(error);
      return undefined;
    }
  });
  if (keys.every((key) => key === undefined)) throw errors[0];
  return keys;
}

function verifyOne(
  list: readonly Scheme[],
  request: SignedRequest,
  trust: Trust,
): MaybePromise<Verification> {
  const attempt = (at: number, refusals: readonly WebhookError[]): MaybePromise<Verification> => {
    const scheme = list[at];
    if (scheme === undefined) return { ok: false, error: mostTelling(refusals) };
    const held = (trust.keys as readonly KeyPerScheme[]).map((keys) => keys[at]);
    const indexes = held.flatMap((key, index) => (key === undefined ? [] : [index]));
    if (indexes.length === 0) return attempt(at + 1, refusals);
    const keys = held.filter((key) => key !== undefined);
    return whenReady(scheme.verify(request, { ...trust, keys }), (result) => {
      if (!result.ok) return attempt(at + 1, [...refusals, result.error]);
      const keyIndex = indexes[result.value.keyIndex] ?? 0;
      return { ok: true, value: { ...result.value, keyIndex } };
    });
  };
  return attempt(0, []);
}

/** The scheme that the request was made for: one whose headers are there. */
function mostTelling(refusals: readonly WebhookError[]): WebhookError {
  const error = refusals.find((one) => one.code !== 'missing_header') ?? refusals[0];
  return error ?? new WebhookError('empty_secret', 'there is no secret to verify with');
}
