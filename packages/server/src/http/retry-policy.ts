import { type RetryPolicyInput, spellOut, type Tenant } from '@posthorn/api';
import type { RetryPolicy } from '../core/model.ts';

/** The policy as people write it, spelled out: every wait in milliseconds. null = inherited. */
export function retryPolicyFromApi(input: RetryPolicyInput | null): RetryPolicy | null {
  if (input === null) return null;
  const { schedule, jitter, retryOn } = spellOut(input);
  return { delaysMs: schedule.map((seconds) => Math.round(seconds * 1000)), jitter, retryOn };
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
