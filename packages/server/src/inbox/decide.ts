import type { Answer, Inbox, Reply } from '../core/inbox.ts';
import type { Incoming } from './capturing.ts';

export interface Decision {
  /**
   * What the capture’s log shows: `default`, `rule:<id>`, `handshake:<name>`, `live`, `fallback`,
   * `refused`.
   */
  readonly by: string;
  readonly answer: Answer;
}

/** How a request is answered, before anybody has seen it. */
export function decide(inbox: Inbox, incoming: Incoming, _random: () => number): Decision {
  if (incoming.bodyBytes > incoming.body.length) {
    return { by: 'refused', answer: { kind: 'reply', ...TOO_LARGE } };
  }
  const { answer } = inbox;
  return { by: answer.kind === 'live' ? 'live' : 'default', answer };
}

const TOO_LARGE: Reply = {
  status: 413,
  headers: [],
  body: 'The body is larger than this inbox keeps; only its beginning was.\n',
  delayMs: 0,
  fault: null,
};
