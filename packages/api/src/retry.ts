import { z } from 'zod';

const Seconds = z.number().min(0).max(604_800);

/** When to try again, as people write it: a list of waits, or base × factor up to max. */
export const RetryPolicyInput = z
  .strictObject({
    attempts: z.int().min(1).max(100).optional().meta({
      description: 'All attempts, the first included. A shorter schedule repeats its last wait.',
    }),
    schedule: z.array(Seconds).max(99).optional().meta({ description: 'Waits in seconds.' }),
    base: Seconds.optional().meta({ description: 'First wait in seconds; not with schedule.' }),
    factor: z.number().min(1).max(100).optional().meta({ description: 'Default 2; 1 = fixed.' }),
    max: Seconds.optional().meta({ description: 'Longest wait in seconds; default 86,400.' }),
    jitter: z.number().min(0).max(1).optional().meta({ description: 'Default 0.2; only later.' }),
    retryOn: z.enum(['any', 'transient']).optional().meta({
      description: 'transient: only 408, 425, 429, 5xx and failed connections. Default any.',
    }),
  })
  .refine((p) => p.schedule === undefined || p.base === undefined, {
    path: ['base'],
    message: 'use either schedule or base',
  })
  .refine((p) => p.base !== undefined || (p.factor === undefined && p.max === undefined), {
    path: ['base'],
    message: 'factor and max need base',
  })
  .refine((p) => p.schedule?.length !== 0 || p.attempts === undefined || p.attempts === 1, {
    path: ['schedule'],
    message: 'an empty schedule allows one attempt',
  })
  .meta({ id: 'RetryPolicyInput' });
export type RetryPolicyInput = z.infer<typeof RetryPolicyInput>;

/** The policy as kept: every wait spelled out. It may be sent back as it is. */
export const RetryPolicy = z
  .strictObject({
    attempts: z.int(),
    schedule: z.array(z.number()),
    jitter: z.number(),
    retryOn: z.enum(['any', 'transient']),
  })
  .meta({ id: 'RetryPolicy' });
export type RetryPolicy = z.infer<typeof RetryPolicy>;

/** Ten attempts over about 75 h: what applies where nothing is said (Standard Webhooks). */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 10,
  schedule: [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400],
  jitter: 0.2,
  retryOn: 'any',
};
const FACTOR = 2;
const MAX_S = 86_400;

/** The policy as it is kept. */
export function spellOut(input: RetryPolicyInput): RetryPolicy {
  const { jitter, retryOn } = DEFAULT_RETRY_POLICY;
  const schedule = waits(input).map((seconds) => Math.round(seconds * 1000) / 1000);
  return {
    attempts: schedule.length + 1,
    schedule,
    jitter: input.jitter ?? jitter,
    retryOn: input.retryOn ?? retryOn,
  };
}

function waits(input: RetryPolicyInput): number[] {
  if (input.base !== undefined) {
    const { base, factor = FACTOR, max = MAX_S } = input;
    const { attempts = DEFAULT_RETRY_POLICY.attempts } = input;
    return Array.from({ length: attempts - 1 }, (_, i) => Math.min(max, base * factor ** i));
  }
  const { schedule = DEFAULT_RETRY_POLICY.schedule } = input;
  const count = (input.attempts ?? schedule.length + 1) - 1;
  return Array.from({ length: count }, (_, i) => schedule[Math.min(i, schedule.length - 1)] ?? 0);
}
