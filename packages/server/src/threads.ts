import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { Exchange, ProbeRequest } from './core/exchange.ts';
import type { InboxPlaces, InboxSink, InsideAnswer, InsideRequest } from './core/inside.ts';
import type { StartRunner } from './delivery/catalogue/schema-runner.ts';
import { type Engine, type EngineParts, type EngineSettings, measureLoad } from './engine.ts';
import type { FromSchemaThread } from './schema-thread.ts';
import type { InboxStore } from './store/inbox.ts';
import { remoteStore } from './store/remote.ts';
import { remoteInbox } from './store/remote-inbox.ts';
import { StoreError } from './store/store.ts';
import { systemClock } from './system-clock.ts';
import type { LoggerOptions } from './telemetry.ts';

/**
 * The threads of a process (docs/decisions/0005-threads.md): HTTP on the main one, the engine (store
 * and sending) on a second, lists and search on a third. A thread that dies takes the process with
 * it: the next start recovers, half a process would not.
 */

export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: { kind: StoreError['kind']; message: string } }
  | { readonly kind: 'fatal'; readonly message: string }
  | { readonly kind: 'configChanged' | 'logged' }
  | { readonly kind: 'inside'; readonly id: number; readonly request: InsideRequest }
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly value: unknown;
      readonly error?: string;
    };

export type ToEngine =
  | { readonly kind: 'configChanged' }
  | { readonly kind: 'listening'; readonly places: InboxPlaces }
  | { readonly kind: 'inside'; readonly id: number; readonly answer: InsideAnswer }
  | { readonly kind: 'watch'; readonly on: boolean }
  | { readonly kind: 'start' | 'metrics' | 'close'; readonly id: number }
  | { readonly kind: 'drain'; readonly id: number; readonly drainMs: number }
  | { readonly kind: 'probe'; readonly id: number; readonly request: ProbeRequest };

export interface ToReader {
  /** Share of its time that the busiest of the other threads works. */
  readonly busy: number;
}

/** Young objects live as long as a commit takes: a larger nursery lets them die there. */
const YOUNG_GENERATION_MB = 64;

interface Common {
  readonly port: MessagePort;
  readonly logger: Pick<LoggerOptions, 'level' | 'format' | 'colors'>;
}

interface InDirectory extends Common {
  readonly directory: string;
  readonly masterKey: string;
}

interface Data {
  engine: Common & { readonly settings: EngineSettings };
  reader: InDirectory & { readonly search: boolean };
  inbox: InDirectory;
}

export type Role = keyof Data;
export type DataOf<R extends Role> = Data[R];

interface Starting {
  readonly worker: Worker;
  /** Opens what it has loaded; rejects with what kept it from that, and then it has ended. */
  open(): Promise<void>;
  end(): Promise<void>;
}

/** Starts a thread that loads, at once, and opens nothing before it is told to. */
function startThread<R extends Role>(
  role: R,
  data: DataOf<R>,
  fatal: (error: Error) => void,
): Starting {
  const worker = new Worker(new URL('./thread.js', import.meta.url), {
    workerData: { role, data },
    transferList: [data.port],
    name: `posthorn-${role}`,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
  });
  let ending = false;
  const end = async () => {
    ending = true;
    await worker.terminate();
  };
  const ready = new Promise<void>((resolve, reject) => {
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
      if (!ending && code !== 0) fatal(new Error(`the ${role} thread ended with ${code}`));
    });
  }).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  // Whoever opens it hears of it; until then nobody waits.
  ready.catch(() => {});
  return {
    worker,
    open() {
      worker.postMessage('open');
      return ready;
    },
    end,
  };
}

export interface EngineThreadOptions extends Pick<EngineParts, 'fatal' | 'configChanged'> {
  readonly settings: EngineSettings;
  readonly logger: Pick<LoggerOptions, 'level' | 'format' | 'colors'>;
  readonly inside: InboxSink;
}

/** Another thread of the process, loading: it opens when it is told to, or ends. */
export interface InboxThread {
  open(): Promise<InboxStore>;
  end(): Promise<void>;
}

/** What strangers send has a thread of its own: no flood of it delays what is owed. */
export function startInboxThread(
  options: Pick<EngineThreadOptions, 'fatal' | 'logger'> &
    Pick<EngineSettings, 'directory' | 'masterKey'>,
): InboxThread {
  const { fatal, ...data } = options;
  const { port1, port2 } = new MessageChannel();
  const thread = startThread('inbox', { port: port2, ...data }, fatal);
  return {
    async open() {
      await thread.open();
      const store = remoteInbox(port1);
      return {
        ...store,
        async close() {
          await store.close();
          await thread.end();
        },
      };
    },
    end: thread.end,
  };
}

/** The engine in a thread of its own, its lists answered by another. */
export async function startEngineThreads(options: EngineThreadOptions): Promise<Engine> {
  const { settings, logger, fatal, inside } = options;
  const { directory, masterKey, search } = settings;
  const writing = new MessageChannel();
  const reading = new MessageChannel();
  const sending = startThread('engine', { port: writing.port2, settings, logger }, fatal);
  const lists = startThread(
    'reader',
    { port: reading.port2, directory, masterKey, search, logger },
    fatal,
  );
  const { worker } = sending;
  const engine = new Asker(worker);
  let listener: (() => void) | undefined;
  worker.on('message', (message: FromThread) => {
    if (message.kind === 'configChanged') options.configChanged();
    if (message.kind === 'logged') listener?.();
    if (message.kind === 'inside') {
      const { id, request } = message;
      void inside(request).then((answer) => engine.tell({ kind: 'inside', id, answer }));
    }
  });
  try {
    // In this order: the engine holds the directory, and makes what the other reads.
    await sending.open();
    await lists.open();
  } catch (error) {
    await Promise.all([sending.end(), lists.end()]);
    throw error;
  }
  const store = remoteStore(writing.port1);
  const reads = remoteStore(reading.port1);
  const stopWatching = tellPressure({ engine: worker, reader: lists.worker });
  return {
    store: {
      lanes: store.lanes,
      config: { ...store.config, list: reads.config.list, readMany: reads.config.readMany },
      log: {
        ...reads.log,
        stats: store.log.stats,
        pending: store.log.pending,
        pendingOf: store.log.pendingOf,
        erase: store.log.erase,
        maintain: store.log.maintain,
      },
      stats: reads.stats,
      jobs: {
        ...store.jobs,
        list: reads.jobs.list,
        candidates: reads.jobs.candidates,
        eventsOf: reads.jobs.eventsOf,
      },
      close: async () => {},
    },
    clock: systemClock,
    start: () => engine.ask({ kind: 'start' }).then(() => {}),
    configChanged: () => engine.tell({ kind: 'configChanged' }),
    listening: (places) => engine.tell({ kind: 'listening', places }),
    watch(given) {
      listener = given;
      engine.tell({ kind: 'watch', on: given !== undefined });
    },
    metrics: () => engine.ask({ kind: 'metrics' }) as Promise<string>,
    probe: (request) => engine.ask({ kind: 'probe', request }) as Promise<Exchange>,
    drain: (drainMs) => engine.ask({ kind: 'drain', drainMs }).then(() => {}),
    async close() {
      stopWatching();
      await reads.close();
      await lists.end();
      await engine.ask({ kind: 'close' });
      await sending.end();
    },
  };
}

const PRESSURE_EVERY_MS = 500;

/** What the reader does beside answering gives way to sending and to producers. */
function tellPressure({ engine, reader }: { engine: Worker; reader: Worker }): () => void {
  const [sending, here] = [measureLoad(engine.performance), measureLoad(performance)];
  const timer = setInterval(() => {
    const busy = Math.max(sending(), here());
    reader.postMessage({ busy } satisfies ToReader);
  }, PRESSURE_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

type Question =
  | { kind: 'start' | 'metrics' | 'close' }
  | { kind: 'drain'; drainMs: number }
  | { kind: 'probe'; request: ProbeRequest };

class Asker {
  readonly #worker: Worker;
  readonly #open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #lastId = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (message: FromThread) => {
      if (message.kind !== 'answer') return;
      const question = this.#open.get(message.id);
      this.#open.delete(message.id);
      if (message.error === undefined) question?.resolve(message.value);
      else question?.reject(new Error(message.error));
    });
    worker.on('exit', () => {
      for (const { reject } of this.#open.values()) reject(new Error('the engine thread ended'));
      this.#open.clear();
    });
  }

  tell(message: ToEngine): void {
    this.#worker.postMessage(message);
  }

  ask(question: Question): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      this.tell({ ...question, id });
    });
  }
}

/** What checking data against one schema may take; more ends the thread. */
const SCHEMA_HEAP_MB = 128;

/** Where events are checked against the catalogue: ended without regard when something takes too long. */
export const startSchemaThread: StartRunner = ({ ready, answered, died }) => {
  const worker = new Worker(new URL('./schema-thread.js', import.meta.url), {
    name: 'posthorn-schemas',
    resourceLimits: { maxOldGenerationSizeMb: SCHEMA_HEAP_MB },
  });
  worker.unref();
  worker.on('message', (message: FromSchemaThread) => {
    if (message.kind === 'ready') ready();
    else answered(message);
  });
  // Out of memory comes as an error, and then as an exit.
  worker.on('error', () => {});
  worker.on('exit', died);
  return {
    post(ask) {
      if (ask.kind === 'compile') return worker.postMessage(ask);
      // A view would be cloned with all of the request's body that lies behind it.
      const data = new Uint8Array(ask.data);
      worker.postMessage({ ...ask, data }, [data.buffer]);
    },
    end() {
      worker.off('exit', died);
      void worker.terminate();
    },
  };
};
