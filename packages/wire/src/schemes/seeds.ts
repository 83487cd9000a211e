import { caisy as caisyDialect } from '../dialects/caisy.ts';
import { cand as candDialect } from '../dialects/cand.ts';
import { casdoor as casdoorDialect } from '../dialects/casdoor.ts';
import { casdoorDocs } from '../dialects/casdoor-docs.ts';
import { ferriskey as ferriskeyDialect } from '../dialects/ferriskey.ts';
import { logto as logtoDialect } from '../dialects/logto.ts';
import { members, parseJson } from './body.ts';
import { describedBy, fromDialect } from './from-dialect.ts';
import { headerClaim, hmacScheme } from './hmac.ts';
import type { Scheme } from './scheme.ts';
import { secretUrl, sharedHeader } from './shared-value.ts';

/** The five systems whose formats Posthorn speaks: how their requests are verified and read. */

/** Logto: hex HMAC-SHA256 of the body. It signs no time, so an old request can be sent again. */
export function logto(): Scheme {
  const header = 'logto-signature-sha-256';
  return hmacScheme({
    name: 'logto',
    hash: 'sha256',
    encoding: 'hex',
    claim: (request) => headerClaim(request, { header }),
    content: ({ body }) => ({ prefix: '', body }),
    headers: (signature) => ({ [header]: signature }),
    ...fromDialect(logtoDialect),
  });
}

/**
 * FerrisKey: hex HMAC-SHA256 of `<timestamp>.<body>`; the secret's 64 hex digits are the key as text.
 * The delivery id is not signed.
 */
export function ferriskey(): Scheme {
  const header = 'x-ferriskey-signature';
  const timestampHeader = 'x-ferriskey-timestamp';
  const idHeader = 'x-ferriskey-delivery-id';
  return hmacScheme({
    name: 'ferriskey',
    hash: 'sha256',
    encoding: 'hex',
    claim: (request) => headerClaim(request, { header, timestampHeader, idHeader }),
    content: ({ timestamp, body }) => ({ prefix: `${timestamp}.`, body }),
    headers: (signature, { id, at }) => ({
      [timestampHeader]: String(Math.floor(at.getTime() / 1000)),
      [idHeader]: id,
      [header]: signature,
    }),
    ...fromDialect(ferriskeyDialect),
  });
}

/**
 * Casdoor signs nothing: a secret in a custom header is all there is. `object`, JSON in a string, is
 * parsed; the payload that its documentation shows is understood too.
 */
export function casdoor(options: { readonly header?: string | undefined } = {}): Scheme {
  const name = options.header ?? 'casdoor-secret';
  return sharedHeader({
    scheme: 'casdoor',
    name,
    compose: fromDialect(casdoorDialect).compose,
    describe: (request) => {
      const real = 'action' in members(parseJson(request.raw));
      return describedBy(real ? casdoorDialect : casdoorDocs, request);
    },
  });
}

/** canD: the URL is the secret. Types are `module:type`, such as `MOIM:product.created`. */
export function cand(): Scheme {
  return secretUrl({ scheme: 'cand', ...fromDialect(candDialect) });
}

/** caisy: a secret in a custom header. The payload is the event's metadata. */
export function caisy(options: { readonly header?: string | undefined } = {}): Scheme {
  const name = options.header ?? 'x-auth';
  return sharedHeader({ scheme: 'caisy', name, ...fromDialect(caisyDialect) });
}
