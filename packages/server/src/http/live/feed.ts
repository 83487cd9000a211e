import { EVENT_STREAM } from '@posthorn/api';
import { AppError } from '../../core/errors.ts';
import type { RawExchange } from '../respond.ts';
import { Connection, LIMITS, type Subscription } from './connection.ts';
import { parsePlace } from './frames.ts';
import { Source, type SourceOptions } from './source.ts';

/** Connections of one key, and of all. They hold a socket and little else. */
const PER_KEY_MAX = 10;
const ALL_MAX = 1000;
/** The log is looked at as often when nobody could tell that it grew. */
const POLL_MS = 1000;
/** When the same request may be tried again. */
const RETRY_AFTER_S = 5;

export interface FeedOptions extends SourceOptions {
  /** Has `listener` called when the log has grown; undefined = nobody follows any more. */
  readonly watch: (listener: (() => void) | undefined) => void;
  readonly limits?: typeof LIMITS;
}

export interface Follower {
  /** Id of the key or session that follows. */
  readonly key: string;
  readonly subscription: Subscription;
  /** As sent: a place, or something else. */
  readonly after: string | undefined;
  readonly allowed: () => boolean;
}

/** Over those of every answer, which are in lower case. */
const HEAD = {
  'content-type': `${EVENT_STREAM}; charset=utf-8`,
  'cache-control': 'no-store, no-transform',
  // nginx and those that follow it would collect the stream.
  'x-accel-buffering': 'no',
} as const;

/** The live feed of all tenants: who follows, and when to look. */
export class LiveFeed {
  readonly #source: Source;
  readonly #watch: FeedOptions['watch'];
  readonly #limits: typeof LIMITS;
  readonly #open = new Map<Connection, string>();
  readonly #perKey = new Map<string, number>();
  #polling: NodeJS.Timeout | undefined;

  constructor(options: FeedOptions) {
    this.#source = new Source(options);
    this.#watch = options.watch;
    this.#limits = options.limits ?? LIMITS;
  }

  /** Throws `overloaded` when there are too many. */
  admit(key: string): void {
    const ofKey = this.#perKey.get(key) ?? 0;
    if (ofKey >= PER_KEY_MAX) {
      throw tooMany(`This API key has ${PER_KEY_MAX} live connections: close one.`);
    }
    if (this.#open.size >= ALL_MAX) {
      throw tooMany(`This server has ${ALL_MAX} live connections: close one, or try again later.`);
    }
  }

  /** Answers with a stream; admitted before. */
  follow(exchange: RawExchange, follower: Follower, headers: Record<string, string>): void {
    const { key, subscription, after, allowed } = follower;
    const { res } = exchange;
    res.writeHead(200, { ...headers, ...HEAD });
    const from = after === undefined ? undefined : (parsePlace(after) ?? 'unknown');
    const connection = new Connection({
      ...exchange,
      source: this.#source,
      subscription,
      from,
      allowed,
      limits: this.#limits,
    });
    this.#add(connection, key);
    // Never rejects.
    void connection.run().finally(() => this.#remove(connection));
  }

  /** The log or the configuration may have grown. */
  poke(): void {
    for (const connection of this.#open.keys()) connection.poke();
  }

  /** Ends every stream with a word why. */
  close(): void {
    for (const connection of this.#open.keys()) connection.shutDown();
  }

  #add(connection: Connection, key: string): void {
    this.#open.set(connection, key);
    this.#perKey.set(key, (this.#perKey.get(key) ?? 0) + 1);
    if (this.#polling) return;
    this.#polling = setInterval(() => this.poke(), POLL_MS);
    this.#watch(() => this.poke());
  }

  #remove(connection: Connection): void {
    const key = this.#open.get(connection);
    this.#open.delete(connection);
    if (key !== undefined) {
      const left = (this.#perKey.get(key) ?? 1) - 1;
      if (left === 0) this.#perKey.delete(key);
      else this.#perKey.set(key, left);
    }
    if (this.#open.size > 0) return;
    clearInterval(this.#polling);
    this.#polling = undefined;
    this.#watch(undefined);
  }
}

function tooMany(message: string): AppError {
  return new AppError('overloaded', message, { retryAfterS: RETRY_AFTER_S });
}
