import type { Fault, Outcome } from './exchange.ts';
import type { Ms, RetryPolicy } from './model.ts';

/**
 * What follows from an outcome: pure, so that the schedule, the refusals and the give-up can be read
 * and tested in one place.
 */

const S = 1000;
const H = 3600 * S;

/** Ten attempts over about 75 h (Standard Webhooks, "Retry schedule"). */
export const DEFAULT_RETRY: RetryPolicy = {
  delaysMs: [5 * S, 300 * S, 1800 * S, 2 * H, 5 * H, 10 * H, 14 * H, 20 * H, 24 * H],
  jitter: 0.2,
  retryOn: 'any',
};
export const RETRY_AFTER_MAX_MS = 24 * H;
export const FAILING_MS = 5 * 24 * H;
export const FAILING_ATTEMPTS = 10;
const OURS: readonly Fault[] = [
  'stale_connection',
  'aborted',
  'render_failed',
  'quarantined',
  'expired',
  'internal',
];

export interface Health {
  /** First failure since the last success; 0 = none. */
  readonly failingSince: Ms;
  readonly failures: number;
}
export const HEALTHY: Health = { failingSince: 0, failures: 0 };

/** Five days of failures count from the last change its owner made: a resumed webhook starts anew. */
export function healthSince(health: Health, changedAt: Ms): Health {
  if (health.failingSince === 0 || health.failingSince >= changedAt) return health;
  return { ...health, failingSince: changedAt };
}

/** After how many hours without a success an owner is told, before the endpoint is disabled. */
const ALERT_HOURS = [72, 24] as const;
export type AlertLevel = 0 | (typeof ALERT_HOURS)[number];

/** How long it has been failing, as owners are told it; 0 = not long enough to be told. */
export function alertLevel({ failingSince }: Health, now: Ms): AlertLevel {
  if (failingSince === 0) return 0;
  return ALERT_HOURS.find((hours) => now - failingSince >= hours * H) ?? 0;
}

export interface SettleInput {
  readonly outcome: Outcome;
  /** Attempts made before this one. */
  readonly attempt: number;
  readonly policy: RetryPolicy;
  readonly health: Health;
  readonly now: Ms;
  /** 0 ≤ x < 1, for jitter. */
  readonly random: number;
}

export interface Settled {
  readonly next:
    | { readonly kind: 'retry'; readonly at: Ms }
    | { readonly kind: 'succeeded' | 'failed' };
  readonly health: Health;
  readonly disable: 'gone' | 'failing' | undefined;
  /** The receiver asked for less, so the lane narrows. */
  readonly slowDown: boolean;
}

export function settle(input: SettleInput): Settled {
  const { outcome, now } = input;
  if (outcome.kind === 'response' && outcome.status >= 200 && outcome.status < 300) {
    return { next: { kind: 'succeeded' }, health: HEALTHY, disable: undefined, slowDown: false };
  }
  const health: Health = isOurs(outcome)
    ? input.health
    : {
        failingSince: input.health.failingSince || now,
        failures: input.health.failures + 1,
      };
  const gone = outcome.kind === 'response' && outcome.status === 410;
  const failing =
    health !== input.health &&
    health.failures >= FAILING_ATTEMPTS &&
    now - health.failingSince >= FAILING_MS;
  return {
    next: nextTry(input),
    health,
    disable: gone ? 'gone' : failing ? 'failing' : undefined,
    slowDown: isOverload(outcome),
  };
}

function nextTry(input: SettleInput): Settled['next'] {
  const { outcome, attempt, policy, now } = input;
  // Our own stop ends no delivery: the next start sends it, whatever the schedule has left.
  if (outcome.kind === 'fault' && outcome.fault === 'aborted') return { kind: 'retry', at: now };
  const delay = policy.delaysMs[attempt];
  if (delay === undefined) return { kind: 'failed' };
  if (outcome.kind === 'fault') {
    if (outcome.fault === 'quarantined' || outcome.fault === 'expired') return { kind: 'failed' };
    // A kept connection that turned out closed says nothing about the receiver.
    if (outcome.fault === 'stale_connection') return { kind: 'retry', at: now };
  } else if (policy.retryOn === 'transient' && !isTransient(outcome.status)) {
    return { kind: 'failed' };
  }
  const asked = outcome.kind === 'response' ? retryAfterMs(outcome, now) : undefined;
  const base = asked ?? delay;
  const jitter = asked === undefined ? policy.jitter : 0.2;
  const wait = Math.round(base * (1 + jitter * input.random));
  return {
    kind: 'retry',
    at: now + (asked === undefined ? wait : Math.min(wait, RETRY_AFTER_MAX_MS)),
  };
}

/** 410 stays with the transient: the endpoint is held, and what it is owed waits for its owner. */
function isTransient(status: number): boolean {
  return status >= 500 || [408, 410, 425, 429].includes(status);
}

/** Says something about us, not about the receiver: neither its breaker nor its five days count it. */
function isOurs(outcome: Outcome): boolean {
  return outcome.kind === 'fault' && OURS.includes(outcome.fault);
}

function isOverload(outcome: Outcome): boolean {
  if (outcome.kind === 'fault')
    return outcome.fault === 'timeout' || outcome.fault === 'connect_timeout';
  return outcome.status === 429 || outcome.status === 503;
}

/** `Retry-After` of a 429 or 503 (RFC 9110 §10.2.3) in ms, at most a day; undefined = none or junk. */
function retryAfterMs(outcome: Outcome & { kind: 'response' }, now: Ms): Ms | undefined {
  if (outcome.status !== 429 && outcome.status !== 503) return undefined;
  const text = headerValue(outcome.head, 'retry-after');
  return text === undefined ? undefined : parseRetryAfter(text, now);
}

export function parseRetryAfter(text: string, now: Ms): Ms | undefined {
  const value = text.trim();
  const ms = /^\d{1,19}$/.test(value)
    ? Number(value) * S
    : /^[A-Z][a-z]{2}, /.test(value)
      ? Date.parse(value) - now
      : Number.NaN;
  if (!(ms > 0)) return undefined;
  return Math.min(ms, RETRY_AFTER_MAX_MS);
}

/** First value of a header in a raw head (Latin-1 bytes, CRLF lines); names in any case. */
export function headerValue(head: Uint8Array, name: string): string | undefined {
  const wanted = `\r\n${name.toLowerCase()}:`;
  const text = latin1(head);
  const at = text.toLowerCase().indexOf(wanted);
  if (at < 0) return undefined;
  const start = at + wanted.length;
  const end = text.indexOf('\r\n', start);
  return text.slice(start, end < 0 ? undefined : end).trim();
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
