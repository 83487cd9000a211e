import type { Connection, Keeper, Origin } from './connection.ts';

export interface PoolOptions {
  /** How long a connection is kept without work. Below the 5 s after which many servers close theirs. */
  readonly idleMs: number;
  /** Over all origins; the longest unused goes first. */
  readonly idleSocketsMax: number;
  readonly now: () => number;
}

// A peer that says `timeout=5` closes at 5 s of its own clock: leave a second for the way.
const HINT_MARGIN_MS = 1_000;

/**
 * Connections between two requests. Only these are counted: a connection at work belongs to one send, and
 * the caller bounds those (lanes), so an origin needs neither a cap nor a queue here.
 */
export class Pool implements Keeper {
  readonly #options: PoolOptions;
  /** Longest unused first. */
  readonly #idle = new Set<Connection>();
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#idle.size;
  }

  /** The connection of this origin that was used last: the surest to be alive. */
  take(origin: Origin): Connection | undefined {
    for (;;) {
      const connection = origin.idle.pop();
      if (connection === undefined) return undefined;
      this.#idle.delete(connection);
      if (connection.keptUntil > this.#options.now()) return connection;
      connection.destroy();
    }
  }

  keep(connection: Connection): void {
    const { idleMs, idleSocketsMax, now } = this.#options;
    const hintMs = connection.parser.keepAliveMs;
    const keepMs = hintMs === undefined ? idleMs : Math.min(idleMs, hintMs - HINT_MARGIN_MS);
    if (this.#closed || keepMs <= 0) {
      connection.destroy();
      return;
    }
    connection.keptUntil = now() + keepMs;
    this.#idle.add(connection);
    connection.origin.idle.push(connection);
    if (this.#idle.size <= idleSocketsMax) return;
    const [oldest] = this.#idle;
    oldest?.destroy();
  }

  drop(connection: Connection): void {
    if (!this.#idle.delete(connection)) return;
    const { idle } = connection.origin;
    const index = idle.indexOf(connection);
    if (index >= 0) idle.splice(index, 1);
  }

  /** Closes what was kept long enough. */
  sweep(): void {
    const now = this.#options.now();
    for (const connection of this.#idle) if (connection.keptUntil <= now) connection.destroy();
  }

  /** Closes everything kept, and whatever would be kept from now on. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#idle) connection.destroy();
  }
}
