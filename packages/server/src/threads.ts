import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Delivery, DeliveryEvents, DeliverySettings } from './deliver.ts';
import { type Packed, Packer, packEvents } from './store/codec.ts';
import { remoteStore } from './store/remote.ts';
import { type Store, StoreError } from './store/store.ts';
import type { LoggerOptions } from './telemetry.ts';
import type { ThreadData } from './thread.ts';

/**
 * The threads of a process (docs/decisions/0005-threads.md): HTTP stays on the main one; the store's
 * writer, its reader and delivery each have their own. A thread that dies takes the process with it:
 * the next start recovers, half a process would not.
 */

export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: { kind: StoreError['kind']; message: string } }
  | { readonly kind: 'fatal'; readonly message: string }
  | { readonly kind: 'configChanged' }
  | { readonly kind: 'metrics'; readonly id: number; readonly text: string }
  | { readonly kind: 'stopped' };

export type ToDelivery =
  | { readonly kind: 'offer'; readonly packed: Packed }
  | { readonly kind: 'poke' }
  | { readonly kind: 'configChanged' }
  | { readonly kind: 'listening'; readonly ports: readonly number[] }
  | { readonly kind: 'metrics'; readonly id: number }
  | { readonly kind: 'stop'; readonly drainMs: number };

export interface ThreadFailure {
  /** The process must end. */
  readonly fatal: (error: Error) => void;
}

/** Starts a thread; resolves when it is ready, rejects with what kept it from that. */
async function startThread(
  data: ThreadData,
  transfer: readonly MessagePort[],
  { fatal }: ThreadFailure,
): Promise<Worker> {
  const worker = new Worker(new URL('./thread.js', import.meta.url), {
    workerData: data,
    transferList: [...transfer],
    name: `posthorn-${data.role}`,
  });
  let ending = false;
  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'ready') resolve();
      if (message.kind === 'failed') {
        ending = true;
        reject(new StoreError(message.error.kind, message.error.message));
      }
      if (message.kind === 'fatal') fatal(new StoreError('fatal', message.message));
    });
    worker.on('error', (error) => {
      reject(error);
      fatal(error);
    });
    worker.on('exit', (code) => {
      if (!ending && code !== 0) fatal(new Error(`the ${data.role} thread ended with ${code}`));
    });
  }).catch(async (error: unknown) => {
    ending = true;
    await worker.terminate();
    throw error;
  });
  return worker;
}

export interface StoreThreads {
  readonly store: Store;
  /** The same store for another thread. */
  readonly forDelivery: MessagePort;
}

export interface StoreThreadOptions extends ThreadFailure {
  readonly directory: string;
  readonly masterKey: string;
  readonly crashAt: string | undefined;
}

export async function startStoreThreads(options: StoreThreadOptions): Promise<StoreThreads> {
  const { directory, masterKey, crashAt } = options;
  const main = new MessageChannel();
  const delivery = new MessageChannel();
  const ports = [main.port2, delivery.port2];
  const writer = await startThread(
    { role: 'store', ports, directory, masterKey, crashAt },
    ports,
    options,
  );
  const reading = new MessageChannel();
  const reader = await startThread(
    { role: 'reader', ports: [reading.port2], directory, masterKey },
    [reading.port2],
    options,
  );
  const store = remoteStore(main.port1);
  const reads = remoteStore(reading.port1);
  return {
    forDelivery: delivery.port1,
    store: {
      lanes: store.lanes,
      config: { ...store.config, list: reads.config.list },
      log: { ...reads.log, stats: store.log.stats, maintain: store.log.maintain },
      async close() {
        await reads.close();
        await reader.terminate();
        await store.close();
        await writer.terminate();
      },
    },
  };
}

export interface DeliveryThreadOptions extends ThreadFailure {
  readonly settings: DeliverySettings;
  readonly store: MessagePort;
  readonly logger: Pick<LoggerOptions, 'level' | 'format' | 'colors'>;
  readonly configChanged: DeliveryEvents['configChanged'];
}

export async function startDeliveryThread(options: DeliveryThreadOptions): Promise<Delivery> {
  const { settings, store, logger } = options;
  const worker = await startThread({ role: 'delivery', store, settings, logger }, [store], options);
  const asked = new Map<number, (text: string) => void>();
  let lastId = 0;
  let stopped = () => {};
  worker.on('message', (message: FromThread) => {
    if (message.kind === 'configChanged') options.configChanged();
    if (message.kind === 'stopped') stopped();
    if (message.kind !== 'metrics') return;
    asked.get(message.id)?.(message.text);
    asked.delete(message.id);
  });
  const tell = (message: ToDelivery, transfer: ArrayBuffer[] = []) =>
    worker.postMessage(message, transfer);
  return {
    offer(events) {
      const packer = new Packer();
      packEvents(packer, events);
      const packed = packer.finish();
      tell({ kind: 'offer', packed }, [packed.bytes.buffer]);
    },
    poke: () => tell({ kind: 'poke' }),
    configChanged: () => tell({ kind: 'configChanged' }),
    listening: (ports) => tell({ kind: 'listening', ports }),
    metrics: () =>
      new Promise((resolve) => {
        lastId += 1;
        asked.set(lastId, resolve);
        tell({ kind: 'metrics', id: lastId });
      }),
    async stop(drainMs) {
      await new Promise<void>((resolve) => {
        stopped = resolve;
        tell({ kind: 'stop', drainMs });
      });
      await worker.terminate();
    },
  };
}
