import type { Ms, TenantId } from '../../core/model.ts';
import type { ConfigItem, ConfigKind, ConfigStore, LogStore, Tail } from '../../store/store.ts';

/** Rows that one read of the log brings. */
export const PAGE_ROWS = 200;
const CHANGES_MAX = 200;
/** What people see of the configuration; keys and sessions are nobody's business. */
const KINDS: readonly ConfigKind[] = ['tenant', 'endpoint', 'event-type'];

export interface SourceOptions {
  readonly log: Pick<LogStore, 'tail'>;
  readonly configStore: Pick<ConfigStore, 'changes'>;
  readonly config: { readonly version: number };
  readonly now: () => Ms;
  readonly failed: (error: unknown) => void;
}

/** What all connections read from. Those that are at the same place share one read. */
export class Source {
  readonly #options: SourceOptions;
  readonly #reading = new Map<string, Promise<Tail>>();

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  /** Of the configuration, as this process knows it. */
  get version(): number {
    return this.#options.config.version;
  }

  now(): Ms {
    return this.#options.now();
  }

  failed(error: unknown): void {
    this.#options.failed(error);
  }

  tail(tenant: TenantId, after: string | undefined): Promise<Tail> {
    const key = `${tenant} ${after}`;
    const running = this.#reading.get(key);
    if (running) return running;
    const read = this.#options.log.tail(tenant, after, PAGE_ROWS);
    this.#reading.set(key, read);
    const done = () => void this.#reading.delete(key);
    read.then(done, done);
    return read;
  }

  changes(since: number): Promise<{ version: number; items: ConfigItem[] }> {
    return this.#options.configStore.changes(since, CHANGES_MAX, KINDS);
  }
}
