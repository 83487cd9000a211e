import type { RetryPolicyInput, Tenant } from '@posthorn/api';
import type { RetryPolicy } from '../core/model.ts';
import { DEFAULT_RETRY } from '../core/settle.ts';

const ATTEMPTS = 10;
const FACTOR = 2;
const MAX_S = 86_400;

/** The policy as people write it, spelled out: every wait in milliseconds. null = inherited. */
export function retryPolicyFromApi(input: RetryPolicyInput | null): RetryPolicy | null {
  if (input === null) return null;
  return {
    delaysMs: delays(input).map((seconds) => Math.round(seconds * 1000)),
    jitter: input.jitter ?? DEFAULT_RETRY.jitter,
    retryOn: input.retryOn ?? DEFAULT_RETRY.retryOn,
  };
}

function delays(input: RetryPolicyInput): number[] {
  if (input.base !== undefined) {
    const { base, factor = FACTOR, max = MAX_S, attempts = ATTEMPTS } = input;
    return Array.from({ length: attempts - 1 }, (_, i) => Math.min(max, base * factor ** i));
  }
  const schedule = input.schedule ?? DEFAULT_RETRY.delaysMs.map((ms) => ms / 1000);
  const count = (input.attempts ?? schedule.length + 1) - 1;
  return Array.from({ length: count }, (_, i) => schedule[Math.min(i, schedule.length - 1)] ?? 0);
}

type ApiRetryPolicy = Tenant['defaults']['retryPolicy'];

export function retryPolicyToApi(policy: RetryPolicy | null): ApiRetryPolicy {
  if (policy === null) return null;
  return {
    attempts: policy.delaysMs.length + 1,
    schedule: policy.delaysMs.map((ms) => ms / 1000),
    jitter: policy.jitter,
    retryOn: policy.retryOn,
  };
}
