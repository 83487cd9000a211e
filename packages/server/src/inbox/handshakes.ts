import { createHmac } from 'node:crypto';
import type { Reply } from '../core/inbox.ts';
import type { Subject } from './subject.ts';

/**
 * What well-known senders ask before they send anything, and the answer each wants. Answers go out as
 * text or JSON, never as a page, so that repeating what was asked does no harm.
 */
interface Handshake {
  readonly name: string;
  /** undefined = this is not it. */
  readonly answer: (subject: Subject, secret: string | undefined) => Partial<Reply> | undefined;
}

const CHALLENGE_CHARS_MAX = 4096;

const HANDSHAKES: readonly Handshake[] = [
  {
    // https://api.slack.com/events/url_verification
    name: 'slack',
    answer: (subject) => {
      if (subject.method !== 'POST' || !subject.mentions('url_verification')) return undefined;
      if (bodyText(subject, 'type') !== 'url_verification') return undefined;
      return plain(bodyText(subject, 'challenge'));
    },
  },
  {
    // https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests
    name: 'meta',
    answer: (subject) => {
      const { query } = subject;
      if (subject.method !== 'GET' || query.get('hub.mode') !== 'subscribe') return undefined;
      return plain(query.get('hub.challenge'));
    },
  },
  {
    // https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
    name: 'microsoft-graph',
    answer: ({ method, query }) =>
      method === 'POST' ? plain(query.get('validationToken')) : undefined,
  },
  {
    // https://developers.zoom.us/docs/api/webhooks/#validate-your-webhook-endpoint
    name: 'zoom',
    answer: (subject, secret) => {
      if (subject.method !== 'POST' || !subject.mentions('endpoint.url_validation'))
        return undefined;
      const token = bodyText(subject, 'payload', 'plainToken');
      const asks = bodyText(subject, 'event') === 'endpoint.url_validation';
      if (!asks || !token || secret === undefined) return undefined;
      const encryptedToken = createHmac('sha256', secret).update(token).digest('hex');
      return json({ plainToken: token, encryptedToken });
    },
  },
  {
    // https://developers.asana.com/docs/webhooks-guide#the-webhook-handshake
    name: 'asana',
    answer: (subject) => {
      const value = subject.method === 'POST' ? subject.header('x-hook-secret') : undefined;
      if (!value) return undefined;
      return { headers: [{ name: 'X-Hook-Secret', value }] };
    },
  },
  {
    // https://developer.okta.com/docs/concepts/event-hooks/#one-time-verification-request
    name: 'okta',
    answer: (subject) => {
      if (subject.method !== 'GET') return undefined;
      const verification = subject.header('x-okta-verification-challenge');
      return verification ? json({ verification }) : undefined;
    },
  },
  {
    // https://www.dropbox.com/developers/reference/webhooks#documentation
    name: 'dropbox',
    answer: ({ method, query }) => (method === 'GET' ? plain(query.get('challenge')) : undefined),
  },
];

/** The answer to a handshake; undefined = the request is none. */
export function answerHandshake(
  subject: Subject,
  secret: string | undefined,
): { readonly name: string; readonly reply: Reply } | undefined {
  for (const { name, answer } of HANDSHAKES) {
    const reply = answer(subject, secret);
    if (reply) {
      return {
        name,
        reply: { status: 200, headers: [], body: '', delayMs: 0, fault: null, ...reply },
      };
    }
  }
  return undefined;
}

function bodyText(subject: Subject, ...path: string[]): string | undefined {
  const [value] = subject.at(path);
  return typeof value === 'string' ? value : undefined;
}

function plain(challenge: string | null | undefined): Partial<Reply> | undefined {
  if (!challenge || challenge.length > CHALLENGE_CHARS_MAX) return undefined;
  return { headers: [{ name: 'Content-Type', value: 'text/plain' }], body: challenge };
}

function json(value: unknown): Partial<Reply> {
  const headers = [{ name: 'Content-Type', value: 'application/json' }];
  return { headers, body: JSON.stringify(value) };
}
