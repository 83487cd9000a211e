import { parseSeconds, parseSecondsList, printSeconds } from '../../data/durations.ts';
import type { EndpointRow } from '../../data/types.ts';
import { form } from '../../strings/webhook-form.ts';

/** How webhooks send, as it stands in a form: a webhook's own, or what a tenant hands down. */
export interface SendingDraft {
  readonly retry: DraftRetry;
  readonly timeoutS: string;
  readonly rateLimit: string;
  readonly maxConcurrency: string;
}

export interface DraftRetry {
  readonly mode: 'inherited' | 'backoff' | 'schedule' | 'never';
  readonly attempts: string;
  readonly base: string;
  readonly factor: string;
  readonly max: string;
  readonly schedule: string;
  readonly jitterPercent: string;
  readonly retryOn: 'any' | 'transient';
}

const RETRY: DraftRetry = {
  mode: 'inherited',
  attempts: '8',
  base: '10s',
  factor: '3',
  max: '6h',
  schedule: '5s 5m 30m 2h 5h 10h 14h 20h 24h',
  jitterPercent: '20',
  retryOn: 'any',
};

export const NO_LIMITS: SendingDraft = {
  retry: RETRY,
  timeoutS: '',
  rateLimit: '',
  maxConcurrency: '',
};

type Sending = Pick<EndpointRow, 'retryPolicy' | 'timeoutMs' | 'rateLimit' | 'maxConcurrency'>;

export function sendingDraftOf(sending: Sending): SendingDraft {
  const { retryPolicy, timeoutMs, rateLimit, maxConcurrency } = sending;
  return {
    retry: retryOf(retryPolicy),
    timeoutS: timeoutMs === null ? '' : String(timeoutMs / 1000),
    rateLimit: rateLimit === null ? '' : String(rateLimit),
    maxConcurrency: maxConcurrency === null ? '' : String(maxConcurrency),
  };
}

/** The server spells every wait out, so an existing policy is a list. */
function retryOf(policy: EndpointRow['retryPolicy']): DraftRetry {
  if (policy === null) return RETRY;
  const shared = {
    ...RETRY,
    jitterPercent: String(Math.round(policy.jitter * 100)),
    retryOn: policy.retryOn,
  };
  if (policy.schedule.length === 0) return { ...shared, mode: 'never' };
  const schedule = policy.schedule.map(printSeconds).join(' ');
  return { ...shared, mode: 'schedule', schedule };
}

/** A draft as the API takes it; what cannot be understood goes into `mistakes`. */
export function sendingOf(draft: SendingDraft, mistakes: Record<string, string>) {
  const number = (field: 'timeoutS' | 'rateLimit' | 'maxConcurrency'): number | null => {
    const text = draft[field].trim();
    if (text === '') return null;
    const value = Number(text.replace(',', '.'));
    if (!Number.isFinite(value)) mistakes[field] = form.invalid.number;
    return value;
  };
  const timeoutS = number('timeoutS');
  return {
    retryPolicy: policyOf(draft.retry, mistakes),
    timeoutMs: timeoutS === null ? null : Math.round(timeoutS * 1000),
    rateLimit: number('rateLimit'),
    maxConcurrency: number('maxConcurrency'),
  };
}

function policyOf(retry: DraftRetry, mistakes: Record<string, string>) {
  const { mode, retryOn } = retry;
  if (mode === 'inherited') return null;
  if (mode === 'never') return { attempts: 1 };
  const plain = (field: 'attempts' | 'factor' | 'jitterPercent', name: string = field) => {
    const value = Number(retry[field].replace(',', '.'));
    if (!Number.isFinite(value)) mistakes[`retryPolicy.${name}`] = form.invalid.number;
    return value;
  };
  const jitter = plain('jitterPercent', 'jitter') / 100;
  if (mode === 'schedule') {
    const schedule = parseSecondsList(retry.schedule);
    if (!schedule) mistakes['retryPolicy.schedule'] = form.invalid.duration;
    return { schedule: schedule ?? [], jitter, retryOn };
  }
  const seconds = (field: 'base' | 'max') => {
    const value = parseSeconds(retry[field]);
    if (value === undefined) mistakes[`retryPolicy.${field}`] = form.invalid.duration;
    return value ?? 0;
  };
  return {
    attempts: plain('attempts'),
    base: seconds('base'),
    factor: plain('factor'),
    max: seconds('max'),
    jitter,
    retryOn,
  };
}

/** How many attempts a policy makes, and over how long; undefined = it is not its own or not right. */
export function spanOf(retry: DraftRetry): { attempts: number; ms: number } | undefined {
  const mistakes: Record<string, string> = {};
  const policy = policyOf(retry, mistakes);
  if (policy === null || Object.keys(mistakes).length > 0) return undefined;
  const waits = waitsOf(policy);
  return { attempts: waits.length + 1, ms: waits.reduce((sum, wait) => sum + wait, 0) * 1000 };
}

function waitsOf(policy: NonNullable<ReturnType<typeof policyOf>>): number[] {
  if ('schedule' in policy) return policy.schedule ?? [];
  const { attempts, base = 0, factor = 1, max = 0 } = policy;
  const count = Math.min(Math.max(attempts - 1, 0), 99);
  return Array.from({ length: count }, (_, n) => Math.min(base * factor ** n, max));
}
