import type { SignatureScheme } from '@posthorn/wire/explain';
import type { Header, Ms, TenantId } from './model.ts';

/** An inbox as configuration keeps it, and the rules by which it answers. */

export type InboxId = `inb_${string}`;
export type CaptureId = `cap_${string}`;

/** What is kept; beyond any of the three the oldest captures go. */
export interface Keep {
  readonly captures: number;
  readonly ageMs: Ms;
  readonly bytes: number;
}

/** How an answer is spoilt on purpose, to see what the sender does. */
export type AnswerFault = 'reset' | 'timeout' | 'drip';

export interface Reply {
  readonly status: number;
  readonly headers: readonly Header[];
  /** A template: `{{body.challenge}}` (inbox/template.ts). */
  readonly body: string;
  readonly delayMs: Ms;
  readonly fault: AnswerFault | null;
}

export type Answer =
  | ({ readonly kind: 'reply' } & Reply)
  /** By a listener's local server, if it answers within `waitMs`; else by `fallback`. */
  | { readonly kind: 'live'; readonly waitMs: Ms; readonly fallback: Reply };

/** Every given condition must hold. */
export interface RuleMatch {
  readonly methods: readonly string[];
  /** Glob over the path below the inbox: `*` is any text. */
  readonly path: string | null;
  /** The search language (wire/query.ts): `headers.x-event:push body.user.id:42`. */
  readonly query: string | null;
  /** Counts the requests that fit the rest: 1 = the first; `every` 3 = each third. */
  readonly nth: {
    readonly from: number;
    readonly to: number | null;
    readonly every: number;
  } | null;
  /** Of the requests that fit the rest, this share: 0…1. */
  readonly probability: number | null;
}

export interface Rule {
  /** Chosen by us, stable while the rule is edited. */
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly when: RuleMatch;
  readonly answer: Answer;
}

/** How requests to an inbox are signed; what is checked, and what a replay signs with. */
export interface InboxSigning {
  /** Of wire's schemes; null = whichever fits. */
  readonly scheme: SignatureScheme | null;
  readonly secrets: readonly string[];
}

export interface Inbox {
  readonly id: InboxId;
  readonly tenant: TenantId;
  /** Stands in the URL: random, or chosen by the owner and then claimed (`InboxName`). */
  readonly name: string;
  readonly title: string;
  /** When no rule matches. */
  readonly answer: Answer;
  readonly rules: readonly Rule[];
  /** Answers the handshakes of well-known senders before any rule. */
  readonly handshakes: boolean;
  readonly keep: Keep;
  readonly signing: InboxSigning;
  readonly createdAt: Ms;
  readonly updatedAt: Ms;
}

/** Who a name belongs to. It stays after the inbox is gone, so that nobody else gets its requests. */
export interface InboxName {
  readonly tenant: TenantId;
  /** null = released. */
  readonly inbox: InboxId | null;
  readonly releasedAt: Ms | null;
}
