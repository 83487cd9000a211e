import { described, members, parseBody, text, time } from './body.ts';
import { type Claim, headerClaim, hmacScheme } from './hmac.ts';
import {
  type Challenge,
  type Described,
  missing,
  refused,
  type Scheme,
  type SignedRequest,
  type Verification,
} from './scheme.ts';
import { sharedHeader } from './shared-value.ts';

/** Services whose webhooks a program receives beside ours. */

const SIGNATURES_MAX = 16;

/** Stripe: `stripe-signature: t=…,v1=…`. Its `whsec_…` secret is used as the text it is. */
export function stripe(): Scheme {
  const scheme = hmacScheme({
    name: 'stripe',
    hash: 'sha256',
    encoding: 'hex',
    claim: stripeClaim,
    content: ({ timestamp, body }) => ({ prefix: `${timestamp}.`, body }),
    headers: (signature, { at }) => ({
      'stripe-signature': `t=${Math.floor(at.getTime() / 1000)},v1=${signature}`,
    }),
    describe: (request) => {
      const { id, type, created, data } = members(parseBody(request));
      const payload = members(data)['object'];
      return described({ id: text(id), type: text(type), at: time(created), payload });
    },
    compose: ({ type, payload, at }) => ({
      id: `evt_${at.getTime()}`,
      type,
      created: Math.floor(at.getTime() / 1000),
      data: { object: payload },
    }),
  });
  // It counts down `pending_webhooks` in the event from attempt to attempt.
  return { ...scheme, bodyVaries: true };
}

function stripeClaim({ headers }: SignedRequest): Claim | Verification {
  const header = headers.get('stripe-signature');
  if (header === undefined) return missing('stripe-signature');
  const entries = header.split(',', SIGNATURES_MAX).map((entry) => {
    const at = entry.indexOf('=');
    return [entry.slice(0, at), entry.slice(at + 1)] as const;
  });
  const times = entries.filter(([name]) => name === 't');
  const timestamp = times[0]?.[1];
  if (timestamp === undefined || times.length > 1) {
    return refused('timestamp_missing', 'stripe-signature holds no single t=…');
  }
  const values = entries.filter(([name]) => name === 'v1').map(([, value]) => value);
  if (values.length === 0) {
    return refused('unsupported_version', 'stripe-signature holds no v1=…');
  }
  return { values, timestamp, id: undefined };
}

/** GitHub: `x-hub-signature-256: sha256=…`. The type is the event, with its action: `issues.opened`. */
export function github(): Scheme {
  const header = 'x-hub-signature-256';
  return hmacScheme({
    name: 'github',
    hash: 'sha256',
    encoding: 'hex',
    claim: (request) =>
      headerClaim(request, { header, prefix: 'sha256=', idHeader: 'x-github-delivery' }),
    content: ({ body }) => ({ prefix: '', body }),
    headers: (signature, { id, type }) => ({
      [header]: `sha256=${signature}`,
      'x-github-delivery': id,
      ...(type === undefined ? {} : { 'x-github-event': type.split('.')[0] ?? type }),
    }),
    describe: (request, { id }) => {
      const payload = parseBody(request);
      const event = request.headers.get('x-github-event');
      const action = text(members(payload)['action']);
      const type = event === undefined || action === undefined ? event : `${event}.${action}`;
      return described({ id, type, payload });
    },
  });
}

/** Slack: `v0=` and the HMAC of `v0:<timestamp>:<body>`; its URL verification is answered. */
export function slack(): Scheme {
  const header = 'x-slack-signature';
  const timestampHeader = 'x-slack-request-timestamp';
  const scheme = hmacScheme({
    name: 'slack',
    hash: 'sha256',
    encoding: 'hex',
    claim: (request) => headerClaim(request, { header, prefix: 'v0=', timestampHeader }),
    content: ({ timestamp, body }) => ({ prefix: `v0:${timestamp}:`, body }),
    headers: (signature, { at }) => ({
      [timestampHeader]: String(Math.floor(at.getTime() / 1000)),
      [header]: `v0=${signature}`,
    }),
    describe: (request) => {
      const body = members(parseBody(request));
      const { event, event_id, event_time, type } = body;
      const retries = Number(request.headers.get('x-slack-retry-num') ?? 0);
      return described({
        id: text(event_id),
        type: text(members(event)['type']) ?? text(type) ?? text(body['command']),
        at: time(event_time),
        attempt: Number.isInteger(retries) ? retries + 1 : undefined,
        payload: event ?? body,
      });
    },
    compose: ({ type, payload, at }) => ({
      type: 'event_callback',
      event_id: `Ev${at.getTime()}`,
      event_time: Math.floor(at.getTime() / 1000),
      event: { ...members(payload), type },
    }),
  });
  return { ...scheme, challenge: slackChallenge };
}

function slackChallenge(_request: SignedRequest, { payload }: Described): Challenge | undefined {
  const { type, challenge } = members(payload);
  if (type !== 'url_verification' || typeof challenge !== 'string') return undefined;
  const headers = { 'content-type': 'text/plain; charset=utf-8' };
  return { status: 200, headers, body: challenge };
}

/** Shopify: base64 HMAC of the body. */
export function shopify(): Scheme {
  const header = 'x-shopify-hmac-sha256';
  return hmacScheme({
    name: 'shopify',
    hash: 'sha256',
    encoding: 'base64',
    claim: (request) => headerClaim(request, { header, idHeader: 'x-shopify-webhook-id' }),
    content: ({ body }) => ({ prefix: '', body }),
    headers: (signature, { id, type, at }) => ({
      [header]: signature,
      'x-shopify-webhook-id': id,
      'x-shopify-triggered-at': at.toISOString(),
      ...(type === undefined ? {} : { 'x-shopify-topic': type }),
    }),
    describe: (request, { id }) =>
      described({
        id,
        type: request.headers.get('x-shopify-topic'),
        at: time(request.headers.get('x-shopify-triggered-at')),
        payload: parseBody(request),
      }),
  });
}

/** GitLab: the secret token itself, in `x-gitlab-token`. */
export function gitlab(): Scheme {
  return sharedHeader({
    scheme: 'gitlab',
    name: 'x-gitlab-token',
    describe: (request) => {
      const payload = parseBody(request);
      const event = request.headers.get('x-gitlab-event');
      const id =
        request.headers.get('idempotency-key') ?? request.headers.get('x-gitlab-event-uuid');
      return described({ id, type: text(members(payload)['object_kind']) ?? event, payload });
    },
    signedHeaders: ({ id, type }) => ({
      'idempotency-key': id,
      ...(type === undefined ? {} : { 'x-gitlab-event': type }),
    }),
  });
}
