import type { Ms } from '../core/model.ts';
import { type RetentionPolicy, StoreError } from './store.ts';

/** Rules of retention that all engines share. */

const HOUR_MS = 3_600_000;
const LEAST_MS = 10_000;

/** Between passes over the store: a tenth of the shortest time anything is kept, an hour at most. */
export function passEveryMs({ logMs, payloadMs }: RetentionPolicy): Ms {
  const shortest = Math.min(logMs, payloadMs ?? logMs);
  return Math.min(HOUR_MS, Math.max(LEAST_MS, Math.floor(shortest / 10)));
}

/** Shares of the cap: at the first what has ended begins to go, until the store is at the second. */
export const CAP_BEGIN = 0.95;
export const CAP_END = 0.9;
/** Nothing is removed for its size before it is so old. */
export const CAP_YOUNG_MS = 60_000;
/** When nothing more could be removed, it is tried again after so long. */
export const CAP_AGAIN_MS = 60_000;

/** The store is as large as it may be. `stuck`: removing what has ended does not help. */
export interface Capped {
  readonly bytesMax: number;
  readonly stuck: boolean;
}

export function cappedError({ bytesMax, stuck }: Capped): StoreError {
  const cap = `The store is as large as it may be (${Math.round(bytesMax / 2 ** 20)} MiB, option storeMax)`;
  return new StoreError(
    stuck ? 'capped' : 'capping',
    stuck
      ? `${cap}, and all that is left is still owed. Raise storeMax, or deliver, cancel or delete what is held: paused and disabled endpoints first.`
      : `${cap}. Old log is being removed: try again shortly.`,
  );
}
