import type { LiveMessage } from '@posthorn/api';
import { matchesPattern } from '@posthorn/wire';
import type { TenantId } from '../../core/model.ts';
import type { AttemptRow } from '../../store/store.ts';
import { toIso } from '../format.ts';
import type { RawExchange } from '../respond.ts';
import { attemptToApi } from '../routes/deliveries.ts';
import { frame, HEARTBEAT, type Place, RETRY } from './frames.ts';
import { PAGE_ROWS, type Source } from './source.ts';

const HEARTBEAT_MS = 15_000;
/** Between two pages: at most 2,000 attempts a second go to one connection. */
const PACE_MS = 100;
export const LIMITS = {
  /** Farther behind than this many rows of the log, a connection is moved to its end and told of it. */
  behindRowsMax: 20_000,
  /** A client that takes nothing for so long is cut; it resumes where it was. */
  slowMs: 30_000,
};
/** How long a last word may take to arrive. */
const FAREWELL_MS = 1000;

export interface Subscription {
  readonly tenant: TenantId;
  readonly endpoint: string | undefined;
  readonly type: string | undefined;
  readonly state: string | undefined;
  readonly status: { readonly least: number; readonly most: number } | undefined;
  readonly fault: string | undefined;
}

type Bye = Extract<LiveMessage, { kind: 'bye' }>;

export interface ConnectionOptions extends RawExchange {
  readonly source: Source;
  readonly subscription: Subscription;
  /** Where to go on; undefined = from now. */
  readonly from: Place | 'unknown' | undefined;
  /** The caller may still read what it reads. */
  readonly allowed: () => boolean;
  readonly limits: typeof LIMITS;
}

/**
 * One follower. It reads the log at its own pace and keeps no queue, so a slow one costs nothing but its
 * own delay: the store is the buffer.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  #place: Place = { attempt: undefined, version: 0 };
  #open = true;
  #sentAt = 0;
  /** Something may have come since the last turn began. */
  #poked = true;
  #wake: () => void = () => {};

  constructor(options: ConnectionOptions) {
    this.#options = options;
    options.res.once('close', () => this.#stop());
  }

  /** Resolves when the connection has ended; never rejects. */
  async run(): Promise<void> {
    const beat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    try {
      await this.#begin();
      while (this.#open) {
        this.#poked = false;
        const full = await this.#turn();
        if (!(await this.#taken()))
          this.#say('slow', 'What was sent here was not taken for too long.');
        else if (!this.#options.allowed()) this.#refuse();
        else await (full ? pause(PACE_MS) : this.#next());
      }
    } catch (error) {
      this.#say('store_unavailable', 'The store does not answer; connect again.');
      this.#options.source.failed(error);
    } finally {
      clearInterval(beat);
      this.#stop();
    }
  }

  /** There may be something new. */
  poke(): void {
    this.#poked = true;
    this.#wake();
  }

  shutDown(): void {
    this.#say('shutting_down', 'The server is stopping; connect again.');
  }

  async #begin(): Promise<void> {
    const { source, subscription, from } = this.#options;
    const { version } = source;
    if (from !== undefined && from !== 'unknown') this.#place = from;
    else {
      const { place } = await source.tail(subscription.tenant, undefined);
      this.#place = { attempt: place, version };
    }
    this.#write(RETRY);
    this.#tell({ kind: 'ready', at: this.#now() });
    if (from === 'unknown') this.#tell({ kind: 'gap', reason: 'removed', at: this.#now() });
  }

  /** true = there is more. */
  async #turn(): Promise<boolean> {
    const { source, subscription } = this.#options;
    const more = await this.#tellChanges();
    const tail = await source.tail(subscription.tenant, this.#place.attempt);
    if (!this.#open) return false;
    if (tail.missed) this.#tell({ kind: 'gap', reason: 'removed', at: this.#now() });
    for (const { place, row } of tail.items) {
      this.#place = { ...this.#place, attempt: place };
      if (fits(row, subscription)) this.#tell({ kind: 'attempt', attempt: attemptToApi(row) });
    }
    this.#place = { ...this.#place, attempt: tail.place };
    if (tail.behind > this.#options.limits.behindRowsMax) await this.#jump();
    return more || tail.items.length === PAGE_ROWS;
  }

  async #jump(): Promise<void> {
    const { source, subscription } = this.#options;
    const { place } = await source.tail(subscription.tenant, undefined);
    this.#place = { ...this.#place, attempt: place };
    this.#tell({ kind: 'gap', reason: 'behind', at: this.#now() });
  }

  /** true = there are more. */
  async #tellChanges(): Promise<boolean> {
    const { source, subscription } = this.#options;
    if (source.version <= this.#place.version) return false;
    const { version, items } = await source.changes(this.#place.version);
    if (!this.#open) return false;
    for (const item of items) {
      this.#place = { ...this.#place, version: item.version };
      if (item.tenant !== subscription.tenant) continue;
      const deleted = item.value === null;
      const { kind: of, id, version } = item;
      this.#tell({ kind: 'change', of: of as 'tenant', id, version, deleted });
    }
    this.#place = { ...this.#place, version };
    return source.version > version;
  }

  #beat(): void {
    if (!this.#options.allowed()) this.#refuse();
    else if (Date.now() - this.#sentAt >= HEARTBEAT_MS / 2) this.#write(HEARTBEAT);
  }

  #refuse(): void {
    this.#say('unauthorized', 'The API key ended or does not allow this any more.');
  }

  #now(): string {
    return toIso(this.#options.source.now());
  }

  #tell(message: LiveMessage): void {
    this.#write(frame(message, this.#place));
  }

  #write(text: string): void {
    if (!this.#open) return;
    this.#sentAt = Date.now();
    this.#options.res.write(text);
  }

  /** The last word. */
  #say(reason: Bye['reason'], detail: string): void {
    const { res } = this.#options;
    if (!this.#open) return;
    this.#tell({ kind: 'bye', reason, detail });
    res.end();
    const cut = setTimeout(() => res.destroy(), FAREWELL_MS);
    res.once('close', () => clearTimeout(cut));
    this.#stop();
  }

  /** false = the client does not take what it is sent. */
  async #taken(): Promise<boolean> {
    const { res, limits } = this.#options;
    if (!res.writableNeedDrain || !this.#open) return true;
    return new Promise((resolve) => {
      const end = (taken: boolean) => () => {
        clearTimeout(slow);
        res.removeListener('drain', drained);
        res.removeListener('close', drained);
        resolve(taken);
      };
      const drained = end(true);
      const slow = setTimeout(end(false), limits.slowMs);
      res.once('drain', drained);
      res.once('close', drained);
    });
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#poked || !this.#open) resolve();
    });
  }

  #stop(): void {
    this.#open = false;
    this.#wake();
  }
}

function fits(row: AttemptRow, { endpoint, type, state, status, fault }: Subscription): boolean {
  return (
    (endpoint === undefined || row.endpoint === endpoint) &&
    (type === undefined || matchesPattern(type, row.type)) &&
    (state === undefined || row.state === state) &&
    (fault === undefined || row.fault === fault) &&
    (status === undefined ||
      (row.status !== undefined && row.status >= status.least && row.status <= status.most))
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
