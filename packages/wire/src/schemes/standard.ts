import { standard as standardDialect } from '../dialects/standard.ts';
import { type MaybePromise, whenReady } from '../maybe-promise.ts';
import { checkSecret, type Secret, secretBytes } from '../secret.ts';
import {
  check,
  hmacKey,
  importKey,
  importVerifyKey,
  SignatureError,
  signAnywhere,
  type VerifyFailure,
  type VerifyKey,
} from '../signature.ts';
import { WebhookError } from '../webhook-error.ts';
import { described, isForm, members, parseJson, text, time } from './body.ts';
import { describedBy } from './from-dialect.ts';
import {
  accepted,
  MISMATCH_HINT,
  missing,
  refused,
  type Scheme,
  type SignedRequest,
  type Trust,
  type Verification,
} from './scheme.ts';

export interface StandardOptions {
  /** The header names that are looked for, `webhook-…` first unless told. */
  readonly prefixes?: readonly ('webhook' | 'svix')[] | undefined;
}

/**
 * Standard Webhooks 1.0.0: `v1` with `whsec_…` secrets, `v1a` with `whpk_…` public keys, under the
 * names `webhook-*` and, as Svix sends them, `svix-*`.
 *
 * @example createVerifier({ scheme: schemes.standard(), secrets: process.env.WEBHOOK_SECRET })
 */
export function standard(options: StandardOptions = {}): Scheme {
  const all = (options.prefixes ?? ['webhook', 'svix']).map(namesOf);
  const [names = namesOf('webhook')] = all;
  return {
    name: 'standard',
    importSecret: (secret) => importStandard(secret, importVerifyKey),
    verify: (request, trust) => verify(request, trust, all),
    sign: ({ raw, id, at, secret }) => {
      const timestampS = Math.floor(at.getTime() / 1000);
      const key = importStandard(secret, importKey);
      return whenReady(signAnywhere(key, { id, timestampS, body: raw }), (signature) => ({
        [names.id]: id,
        [names.timestamp]: String(timestampS),
        [names.signature]: signature,
      }));
    },
    compose: ({ type, payload, at }) => ({ type, timestamp: at.toISOString(), data: payload }),
    describe: (request, { id }) => {
      if (isForm(request)) return { ...describedBy(standardDialect, request), id };
      const body = parseJson(request.raw);
      const { type, timestamp, data, actor } = members(body);
      // A sender may use these headers beside a body of its own making; then all of it is payload.
      const own = typeof type !== 'string' || data === undefined;
      if (own) return described({ id, type: text(type), at: time(timestamp), payload: body });
      const who = actor === undefined ? undefined : members(actor);
      return described({ id, type, at: time(timestamp), actor: who, payload: data });
    },
  };
}

function importStandard<K extends VerifyKey>(secret: Secret, read: (text: string) => K) {
  checkSecret(secret);
  try {
    if (typeof secret === 'string' && /^wh(sec|sk|pk)_/.test(secret)) {
      if (secret.endsWith('_')) checkSecret('');
      return read(secret);
    }
    if (typeof secret === 'string' && !/^(hex|base64|raw):/.test(secret)) return read(secret);
    return hmacKey(secretBytes(secret));
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw new WebhookError('invalid_secret', error.message, {
      hint: 'copy the secret as the sender shows it, with its prefix',
    });
  }
}

/** Made once: a name put together for each look-up costs more than the look-up. */
interface Names {
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
}

function namesOf(prefix: string): Names {
  return { id: `${prefix}-id`, timestamp: `${prefix}-timestamp`, signature: `${prefix}-signature` };
}

function verify(
  { raw, headers }: SignedRequest,
  { keys, nowS, tolerance }: Trust,
  all: readonly Names[],
): MaybePromise<Verification> {
  let names = all[0] ?? namesOf('webhook');
  let signature = headers.get(names.signature);
  for (let i = 1; i < all.length && signature === undefined; i += 1) {
    const given = headers.get(all[i]?.signature ?? '');
    if (given === undefined) continue;
    names = all[i] ?? names;
    signature = given;
  }
  const id = headers.get(names.id);
  const timestamp = headers.get(names.timestamp);
  if (id === undefined) return missing(names.id);
  if (timestamp === undefined) {
    return refused('timestamp_missing', `the header ${names.timestamp} is missing`);
  }
  if (signature === undefined) return missing(names.signature);
  const input = {
    id,
    timestamp,
    signature,
    body: raw,
    keys: keys as readonly VerifyKey[],
    nowS,
    toleranceS: tolerance,
  };
  return whenReady(check(input), (result) => {
    if (!result.ok) return refusal(result.reason, { names, timestamp, nowS });
    const sentAt = new Date(result.timestampS * 1000);
    return accepted({ scheme: 'standard', id, sentAt, keyIndex: result.keyIndex });
  });
}

interface RefusalPlace {
  readonly names: Names;
  readonly timestamp: string;
  readonly nowS: number;
}

function refusal(reason: VerifyFailure, { names, timestamp, nowS }: RefusalPlace): Verification {
  const ageS = Math.round(nowS - Number(timestamp));
  switch (reason) {
    case 'missing_header':
      return missing(names.signature);
    case 'invalid_id':
      return refused('malformed_header', `${names.id} is not 1 to 64 letters, digits, "_" or "-"`);
    case 'invalid_timestamp':
      return refused('malformed_header', `${names.timestamp} is not whole seconds since 1970`);
    case 'invalid_body':
      return refused('body_already_parsed', 'the body is not bytes', { hint: MISMATCH_HINT });
    case 'too_old':
      return refused('timestamp_too_old', `it was sent ${ageS} s ago`, {
        hint: 'a replay, or a clock that is wrong: compare the time of both machines',
        detail: { ageS },
      });
    case 'too_new':
      return refused('timestamp_in_future', `it was sent ${-ageS} s in the future`, {
        hint: "a clock is wrong: compare this machine's time with the sender's",
        detail: { ageS },
      });
    case 'no_keys':
      return refused('empty_secret', 'there is no secret to verify with');
    case 'no_signature':
      return refused(
        'unsupported_version',
        `${names.signature} holds no signature that a secret of this kind could have made`,
        {
          hint: 'whsec_ secrets verify v1, whpk_ keys verify v1a: which of them does the sender use?',
        },
      );
    case 'mismatch':
      return refused('signature_mismatch', 'no signature matches', { hint: MISMATCH_HINT });
  }
}
