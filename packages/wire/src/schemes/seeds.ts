import { described, members, parseBody, parseJson, text, time } from './body.ts';
import { headerClaim, hmacScheme } from './hmac.ts';
import type { Described, Scheme, SignedRequest } from './scheme.ts';
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
    describe: (request) => {
      const body = members(parseBody(request));
      const { event, createdAt, hookId: _, ...context } = body;
      const payload = 'data' in body ? body['data'] : body;
      return described({ type: text(event), at: time(createdAt), context, payload });
    },
    compose: ({ type, payload, at }) => ({
      event: type,
      createdAt: at.toISOString(),
      data: payload,
      hookId: 'testkit0testkit0testk',
    }),
  });
}

/** FerrisKey: hex HMAC-SHA256 of `<timestamp>.<body>`; the secret's 64 hex digits are the key as text. */
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
    describe: (request, { id }) => {
      const { event, timestamp, resource_id, data } = members(parseBody(request));
      const at = time(timestamp);
      return described({ id, type: text(event), at, subject: text(resource_id), payload: data });
    },
    compose: ({ type, payload, at }) => ({
      event: type,
      timestamp: at.toISOString().replace('Z', '+00:00'),
      resource_id: '00000000-0000-8000-8000-000000000000',
      data: payload,
    }),
  });
}

/**
 * Casdoor signs nothing: a secret in a custom header is all there is. `object`, JSON in a string, is
 * parsed.
 */
export function casdoor(options: { readonly header?: string | undefined } = {}): Scheme {
  const name = options.header ?? 'casdoor-secret';
  return sharedHeader({ scheme: 'casdoor', name, describe: describeCasdoor });
}

function describeCasdoor({ raw }: SignedRequest): Described {
  // Always JSON, also where the content type says form.
  const body = members(parseJson(raw));
  const { name, action, createdTime, object, extendedUser, user, organization } = body;
  if (action === undefined) {
    // The payload of its documentation, which no version sends.
    const type = text(body['event']);
    return described({ type, at: time(body['timestamp']), payload: body['user'] });
  }
  return described({
    type: text(action),
    id: text(name),
    at: time(createdTime),
    actor: { name: user, ...members(extendedUser) },
    context: { ...members(body), organization },
    payload: objectOf(object),
  });
}

function objectOf(object: unknown): unknown {
  if (typeof object !== 'string') return object;
  if (object === '') return null;
  return parseJson(new TextEncoder().encode(object));
}

/** canD: the URL is the secret. Types are `module:type`, such as `MOIM:product.created`. */
export function cand(): Scheme {
  return secretUrl({
    scheme: 'cand',
    describe: (request) => {
      const { module, type, context, payload } = members(parseBody(request));
      const name = text(module) === undefined ? text(type) : `${module}:${type}`;
      const actor = { id: members(context)['userId'], profileId: members(context)['profileId'] };
      return described({ type: name, actor, context: members(context), payload });
    },
  });
}

/** caisy: a secret in a custom header. The payload is the event's metadata. */
export function caisy(options: { readonly header?: string | undefined } = {}): Scheme {
  const name = options.header ?? 'x-auth';
  return sharedHeader({
    scheme: 'caisy',
    name,
    describe: (request) => {
      const { event_id, metadata, scope, webhook } = members(parseBody(request));
      const type = text(members(webhook)['trigger']);
      return described({
        id: text(event_id),
        type,
        context: { ...members(scope) },
        payload: metadata,
      });
    },
  });
}
