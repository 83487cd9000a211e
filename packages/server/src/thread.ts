import { once } from 'node:events';
import { workerData } from 'node:worker_threads';
import { StoreError } from './store/store.ts';
import { parent, say } from './thread-port.ts';
import type { DataOf, Role } from './threads.ts';

/**
 * What runs in a thread of its own; `threads.ts` starts one with a role and talks to it. It loads what
 * its role needs while others still do, and opens when it is told to.
 */

type Opening = { [R in Role]: () => Promise<{ open(data: DataOf<R>): Promise<void> }> };

const ROLES: Opening = {
  engine: () => import('./engine-thread.ts'),
  reader: () => import('./reader-thread.ts'),
  inbox: () => import('./inbox-thread.ts'),
};

async function run<R extends Role>({ role, data }: { role: R; data: DataOf<R> }): Promise<void> {
  const told = once(parent, 'message');
  const { open } = await ROLES[role]();
  await told;
  await open(data);
  say({ kind: 'ready' });
}

run(workerData).catch((error: unknown) => {
  const kind = error instanceof StoreError ? error.kind : 'unavailable';
  say({ kind: 'failed', error: { kind, message: (error as Error).message } });
});
