import type { Claim, ClaimOptions, CompleteOptions, IdempotencyStore } from './store.ts';
import { newToken } from './token.ts';

/**
 * Sends one command. ioredis: `([name, ...rest]) => client.call(name, ...rest)`; node-redis:
 * `(command) => client.sendCommand(command)`.
 */
export type RedisCommand = (command: [string, ...string[]]) => Promise<unknown>;

export interface RedisOptions {
  /** Stands before each key; `posthorn:idempotency:` unless told. */
  readonly prefix?: string | undefined;
}

/** A value is `p<token>` while in progress, `d<fingerprint>` when done; Redis itself ends its time. */
const CLAIM = `
local held = redis.call('get', KEYS[1])
if held and not (ARGV[3] == '1' and string.sub(held, 1, 1) == 'd') then
  return { held, redis.call('pttl', KEYS[1]) }
end
redis.call('set', KEYS[1], 'p' .. ARGV[1], 'px', ARGV[2])
return false`;
const COMPLETE = `
if redis.call('get', KEYS[1]) == 'p' .. ARGV[1] then
  redis.call('set', KEYS[1], 'd' .. ARGV[2], 'px', ARGV[3])
end
return 1`;
const RELEASE = `
if redis.call('get', KEYS[1]) == 'p' .. ARGV[1] then redis.call('del', KEYS[1]) end
return 1`;

/**
 * For any number of machines, as durable as that Redis is: what it forgets, runs again on a retry.
 * It must not evict keys (`maxmemory-policy noeviction`).
 */
export function redis(command: RedisCommand, options: RedisOptions = {}): IdempotencyStore {
  return new RedisStore(command, options.prefix ?? 'posthorn:idempotency:');
}

class RedisStore implements IdempotencyStore {
  readonly #command: RedisCommand;
  readonly #prefix: string;

  constructor(command: RedisCommand, prefix: string) {
    this.#command = command;
    this.#prefix = prefix;
  }

  async claim(key: string, { leaseMs, force = false }: ClaimOptions): Promise<Claim> {
    const token = newToken();
    const lease = String(Math.ceil(leaseMs));
    const held = await this.#eval(CLAIM, key, [token, lease, force ? '1' : '0']);
    if (!Array.isArray(held)) return { state: 'new', token };
    const [value, leftMs] = held as [unknown, unknown];
    const text = String(value);
    if (text.startsWith('d')) return { state: 'done', fingerprint: text.slice(1) };
    return { state: 'in_progress', retryAfterMs: Math.max(0, Number(leftMs)) };
  }

  async complete(key: string, token: string, options: CompleteOptions): Promise<void> {
    const ttl = String(Math.ceil(options.ttlMs));
    await this.#eval(COMPLETE, key, [token, options.fingerprint, ttl]);
  }

  async release(key: string, token: string): Promise<void> {
    await this.#eval(RELEASE, key, [token]);
  }

  #eval(script: string, key: string, values: readonly string[]): Promise<unknown> {
    return this.#command(['EVAL', script, '1', this.#prefix + key, ...values]);
  }
}
