import type { Ms } from '../../core/model.ts';
import { type Store, StoreError } from '../store.ts';

export interface LaterOptions {
  readonly open: () => Promise<Store>;
  /** Of this machine: how often it is tried again. */
  readonly elapsed: () => Ms;
  /** It could not be opened, and not because it is away. */
  readonly refused: (error: unknown) => void;
}

const AGAIN_MS = 1000;

type Room = 'lanes' | 'config' | 'log' | 'stats' | 'jobs';

/**
 * A store that is away while the others are opened: every call fails as it would if it had gone away
 * later, and opens it once it is there.
 */
export function storeForLater({ open, elapsed, refused }: LaterOptions): Store {
  let opened: Store | undefined;
  let opening: Promise<Store> | undefined;
  let cause: unknown;
  let againAt = elapsed() + AGAIN_MS;
  let closed = false;
  const current = async (): Promise<Store> => {
    if (opened) return opened;
    if (!opening && !closed && elapsed() >= againAt) {
      opening = open()
        .then((store) => {
          opened = store;
          return store;
        })
        .catch((error: unknown) => {
          cause = error;
          if (!(error instanceof StoreError) || error.kind !== 'unavailable') refused(error);
          throw error;
        })
        .finally(() => {
          opening = undefined;
          againAt = elapsed() + AGAIN_MS;
        });
    }
    if (opening) return opening;
    throw new StoreError('unavailable', 'The database could not be opened yet.', cause);
  };
  const room = <Name extends Room>(name: Name): Store[Name] =>
    new Proxy({} as Store[Name], {
      get:
        (_, method) =>
        async (...args: unknown[]) => {
          const store = (await current())[name] as unknown as Record<PropertyKey, Method>;
          return store[method]?.(...args);
        },
    });
  return {
    lanes: room('lanes'),
    config: room('config'),
    log: room('log'),
    stats: room('stats'),
    jobs: room('jobs'),
    staged: {
      async drain(limit, publish) {
        return (await current()).staged?.drain(limit, publish) ?? 0;
      },
    },
    leads: (now) => opened?.leads?.(now) ?? false,
    async close() {
      closed = true;
      await opening?.catch(() => {});
      await opened?.close();
    },
  };
}

type Method = (...args: unknown[]) => Promise<unknown>;
