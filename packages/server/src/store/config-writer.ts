import { AppError } from '../core/errors.ts';
import type { Ms, TenantId } from '../core/model.ts';
import type { ConfigChange, ConfigItem, ConfigKind, ConfigStore, NewEvent } from './store.ts';
import { StoreError } from './store.ts';

const TRIES = 3;
const PAGE = 500;

/** A value with the version of the change that wrote it. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

/** What a write finds and what it leaves. `next` null deletes; it is asked again after a lost race. */
export interface Write<T> {
  readonly kind: ConfigKind;
  readonly id: string;
  readonly version: number | undefined;
  readonly next: (current: T | undefined) => Left<T> | Promise<Left<T>>;
  /** The events that tell of the change. */
  readonly tell?: (before: T | undefined, after: T | null) => readonly NewEvent[];
}

interface Left<T> {
  readonly tenant: TenantId;
  readonly value: T | null;
}

export interface WriterOptions {
  readonly store: ConfigStore;
  readonly now: () => Ms;
  /** Awaited after each write, so that who wrote something meets it in the next request. */
  readonly refresh: () => Promise<void>;
}

/**
 * How configuration is written: each verb is one read-modify-write with the version it read; a writer
 * that lost the race reads again, three times at most.
 */
export class ConfigWriter {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  async read<T>(kind: ConfigKind, id: string): Promise<ConfigItem & { readonly value: T }> {
    const item = await this.#options.store.read(kind, id);
    if (!item?.value) throw notFound(kind);
    return item as ConfigItem & { readonly value: T };
  }

  async write<T>(write: Write<T>): Promise<Versioned<T>> {
    const { kind, id } = write;
    for (let tries = 1; ; tries++) {
      const item = await this.#options.store.read(kind, id);
      const found = item?.value ? item.version : 0;
      if (write.version !== undefined && write.version !== found) throw conflict(kind);
      const current = (item?.value ?? undefined) as T | undefined;
      const { tenant, value } = await write.next(current);
      if (value === current) {
        // Another node may have written it just now.
        await this.#options.refresh();
        return { value: value as T, version: found };
      }
      const events = write.tell?.(current, value);
      try {
        const change = { kind, id, tenant, value, expected: found };
        return (await this.put([change], events)) as Versioned<T>;
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (tries === TRIES || write.version !== undefined) throw conflict(kind, error);
      }
    }
  }

  /** Several at once, all or nothing; `plan` is asked again after a lost race. Its result comes back. */
  async writeAll<T>(
    plan: () => Promise<{
      readonly changes: readonly ConfigChange[];
      readonly events?: readonly NewEvent[];
      readonly result: T;
    }>,
  ): Promise<T> {
    for (let tries = 1; ; tries++) {
      const { changes, events, result } = await plan();
      if (changes.length === 0) return result;
      try {
        await this.put(changes, events);
        return result;
      } catch (error) {
        if (!isConflict(error)) throw error;
        if (tries === TRIES) throw conflict(changes[0]?.kind ?? 'tenant', error);
      }
    }
  }

  /** A write that reading again would not help. */
  async putOnce(
    changes: readonly ConfigChange[],
    events?: readonly NewEvent[],
  ): Promise<Versioned<unknown>> {
    try {
      return await this.put(changes, events);
    } catch (error) {
      if (isConflict(error)) throw conflict(changes[0]?.kind ?? 'tenant', error);
      throw error;
    }
  }

  async put(
    changes: readonly ConfigChange[],
    events: readonly NewEvent[] = [],
  ): Promise<Versioned<unknown>> {
    const { store, now, refresh } = this.#options;
    const written = await store.put(changes, now(), events);
    await refresh();
    const item = written.items[0];
    return { value: item?.value, version: item?.version ?? written.version };
  }
}

/** Every item of a kind, of one tenant or of all, page by page. */
export async function* everyItem(
  store: Pick<ConfigStore, 'list'>,
  kind: ConfigKind,
  tenant: TenantId | undefined,
): AsyncGenerator<ConfigItem> {
  let after: string | undefined;
  do {
    const page = await store.list(kind, { tenant, limit: PAGE, after });
    yield* page.items;
    after = page.next;
  } while (after !== undefined);
}

export function deletion(item: ConfigItem, expected: number | undefined): ConfigChange {
  return { kind: item.kind, id: item.id, tenant: item.tenant, value: null, expected };
}

export function isConflict(error: unknown): boolean {
  return error instanceof StoreError && error.kind === 'conflict';
}

function conflict(kind: ConfigKind, cause?: unknown): AppError {
  const message = `The ${wordOf(kind)} was changed meanwhile: read it again and repeat the change.`;
  return new AppError('conflict', message, { cause });
}

export function notFound(kind: ConfigKind): AppError {
  return new AppError('not_found', `There is no such ${wordOf(kind)}.`);
}

function wordOf(kind: ConfigKind): string {
  return kind === 'event-type' ? 'event type' : kind;
}

export function invalid(field: string, problem: string): AppError {
  return new AppError('invalid_request', `${field}: ${problem}.`, { details: { field } });
}
