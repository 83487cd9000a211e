import { StoreError } from '../store.ts';
import type { Querying } from './database.ts';

/** There while a store is being carried over into this one (`posthorn migrate`). */
export const TRANSFER = 'transfer';

export async function readTransfer(db: Querying): Promise<string | undefined> {
  const row = await db.get<{ value: string }>(`select value from meta where key = '${TRANSFER}'`);
  return row?.value;
}

/** Half a store is not opened: what is missing of it would be taken for never having been. */
export async function refuseHalf(db: Querying): Promise<void> {
  if ((await readTransfer(db)) === undefined) return;
  throw new StoreError(
    'fatal',
    'A store is being carried over into this database and is not whole yet: let posthorn migrate finish, or run it again; it goes on where it was.',
  );
}
