import { randomBytes } from 'node:crypto';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import {
  crashPoint,
  createDelivery,
  type Delivery,
  type DeliverySettings,
  systemClock,
} from './deliver.ts';
import { Unpacker, unpackEvents } from './store/codec.ts';
import { remoteStore, serveReader, serveStore } from './store/remote.ts';
import { openSqlite } from './store/sqlite/open.ts';
import { openSqliteReader } from './store/sqlite/open-reader.ts';
import { StoreError } from './store/store.ts';
import { createLogger, type LoggerOptions } from './telemetry.ts';
import type { FromThread, ToDelivery } from './threads.ts';

/**
 * What runs in a thread of its own: the store's writer, its reader, or delivery. `threads.ts` starts
 * one with a role and talks to it.
 */

export type ThreadData =
  | {
      readonly role: 'store';
      readonly ports: readonly MessagePort[];
      readonly directory: string;
      readonly masterKey: string;
      readonly crashAt: string | undefined;
    }
  | {
      readonly role: 'reader';
      readonly ports: readonly MessagePort[];
      readonly directory: string;
      readonly masterKey: string;
    }
  | {
      readonly role: 'delivery';
      readonly store: MessagePort;
      readonly settings: DeliverySettings;
      readonly logger: Pick<LoggerOptions, 'level' | 'format' | 'colors'>;
    };

const parent = parentPort as MessagePort;
const say = (message: FromThread) => parent.postMessage(message);

async function run(data: ThreadData): Promise<void> {
  if (data.role === 'store') await runStore(data);
  else if (data.role === 'reader') await runReader(data);
  else await runDelivery(data);
  say({ kind: 'ready' });
}

async function runStore(data: ThreadData & { role: 'store' }): Promise<void> {
  const store = await openSqlite({
    directory: data.directory,
    masterKey: data.masterKey,
    random: randomBytes,
    now: Date.now,
    at: crashPoint(data.crashAt),
    fatal: (error) => say({ kind: 'fatal', message: error.message }),
  });
  for (const port of data.ports) serveStore(port, store);
}

async function runReader(data: ThreadData & { role: 'reader' }): Promise<void> {
  const reader = await openSqliteReader(data);
  for (const port of data.ports) serveReader(port, reader);
}

async function runDelivery(data: ThreadData & { role: 'delivery' }): Promise<void> {
  const delivery = await createDelivery(data.settings, {
    store: remoteStore(data.store),
    clock: systemClock,
    log: createLogger({ ...data.logger, stream: process.stdout }),
    configChanged: () => say({ kind: 'configChanged' }),
  });
  parent.on('message', (message: ToDelivery) => void obey(delivery, message));
}

async function obey(delivery: Delivery, message: ToDelivery): Promise<void> {
  switch (message.kind) {
    case 'offer':
      return delivery.offer(unpackEvents(new Unpacker(message.packed)));
    case 'poke':
      return delivery.poke();
    case 'configChanged':
      return delivery.configChanged();
    case 'listening':
      return delivery.listening(message.ports);
    case 'metrics':
      return say({ kind: 'metrics', id: message.id, text: await delivery.metrics() });
    case 'stop':
      await delivery.stop(message.drainMs);
      return say({ kind: 'stopped' });
  }
}

run(workerData as ThreadData).catch((error: unknown) => {
  const kind = error instanceof StoreError ? error.kind : 'unavailable';
  say({ kind: 'failed', error: { kind, message: (error as Error).message } });
});
