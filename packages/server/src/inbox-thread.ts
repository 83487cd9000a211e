import { serveInbox } from './store/remote-inbox.ts';
import { openSqliteInbox } from './store/sqlite/open-inbox.ts';
import { say } from './thread-port.ts';
import type { DataOf } from './threads.ts';

/** What strangers send. */
export async function open(data: DataOf<'inbox'>): Promise<void> {
  const store = await openSqliteInbox({
    ...data,
    fatal: (error) => say({ kind: 'fatal', message: error.message }),
  });
  serveInbox(data.port, store);
}
