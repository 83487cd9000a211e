import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Exchange } from './core/exchange.ts';
import type { InboxSink, InsideAnswer } from './core/inside.ts';
import { type Engine, type EngineSettings, openEngine, REPLACED, systemClock } from './engine.ts';
import { Follower } from './store/follower.ts';
import { serveReader, serveStore } from './store/remote.ts';
import { serveInbox } from './store/remote-inbox.ts';
import { startCheckpoints } from './store/sqlite/checkpoint.ts';
import { openSqliteInbox } from './store/sqlite/open-inbox.ts';
import { openSqliteReader } from './store/sqlite/open-reader.ts';
import { StoreError } from './store/store.ts';
import { createLogger, type LoggerOptions } from './telemetry.ts';
import type { FromThread, ToEngine, ToReader } from './threads.ts';

/** What runs in a thread of its own; `threads.ts` starts one with a role and talks to it. */
export type ThreadData =
  | {
      readonly role: 'engine';
      readonly port: MessagePort;
      readonly settings: EngineSettings;
      readonly logger: Pick<LoggerOptions, 'level' | 'format' | 'colors'>;
    }
  | {
      readonly role: 'reader';
      readonly port: MessagePort;
      readonly directory: string;
      readonly masterKey: string;
      readonly search: boolean;
      readonly logger: Pick<LoggerOptions, 'level' | 'format' | 'colors'>;
    }
  | {
      readonly role: 'inbox';
      readonly port: MessagePort;
      readonly directory: string;
      readonly masterKey: string;
      readonly logger: Pick<LoggerOptions, 'level' | 'format' | 'colors'>;
    };

const parent = parentPort as MessagePort;
const say = (message: FromThread) => parent.postMessage(message);

async function run(data: ThreadData): Promise<void> {
  if (data.role === 'engine') await runEngine(data);
  else if (data.role === 'reader') await runReader(data);
  else await runInbox(data);
  say({ kind: 'ready' });
}

/** What was sent to our own inboxes and has no answer yet: they are with the main thread. */
class Inside {
  readonly #open = new Map<number, (answer: InsideAnswer) => void>();
  #lastId = 0;

  readonly sink: InboxSink = (request) => {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      this.#open.set(id, resolve);
      say({ kind: 'inside', id, request });
    });
  };

  answered(id: number, answer: InsideAnswer): void {
    this.#open.get(id)?.(answer);
    this.#open.delete(id);
  }
}

async function runEngine(data: ThreadData & { role: 'engine' }): Promise<void> {
  const inside = new Inside();
  const engine = await openEngine(data.settings, {
    clock: systemClock,
    inside: inside.sink,
    readsElsewhere: true,
    log: createLogger({ ...data.logger, stream: process.stdout }),
    fatal: (error) => say({ kind: 'fatal', message: error.message }),
    configChanged: () => say({ kind: 'configChanged' }),
  });
  serveStore(data.port, engine.store);
  parent.on('message', (message: ToEngine) => {
    if (message.kind === 'inside') inside.answered(message.id, message.answer);
    else void obey(engine, message);
  });
}

/** Also follows the log and keeps it short: work on files that no commit should wait for. */
async function runReader(data: ThreadData & { role: 'reader' }): Promise<void> {
  const log = createLogger({ ...data.logger, stream: process.stdout });
  const replaced = (reason: string) => log.warn({ reason }, REPLACED);
  const reader = await openSqliteReader({ ...data, replaced });
  const stopCheckpoints = await startCheckpoints(data.directory, (err) =>
    log.warn({ err }, 'the log could not be moved into the database; it is tried again'),
  );
  const follower = new Follower({ stats: reader.stats, clock: systemClock, logger: log });
  parent.on('message', ({ busy }: ToReader) => follower.pressure(busy));
  follower.start();
  serveReader(data.port, {
    ...reader,
    async close() {
      stopCheckpoints();
      await follower.stop();
      await reader.close();
    },
  });
}

async function runInbox(data: ThreadData & { role: 'inbox' }): Promise<void> {
  const store = await openSqliteInbox({
    ...data,
    fatal: (error) => say({ kind: 'fatal', message: error.message }),
  });
  serveInbox(data.port, store);
}

type Order = Exclude<ToEngine, { kind: 'inside' }>;

async function obey(engine: Engine, message: Order): Promise<void> {
  if (message.kind === 'configChanged') return engine.configChanged();
  if (message.kind === 'listening') return engine.listening(message.places);
  if (message.kind === 'watch') {
    return engine.watch(message.on ? () => say({ kind: 'logged' }) : undefined);
  }
  try {
    const value = await answer(engine, message);
    say({ kind: 'answer', id: message.id, value });
  } catch (error) {
    say({ kind: 'answer', id: message.id, value: '', error: (error as Error).message });
  }
}

async function answer(engine: Engine, message: Order): Promise<unknown> {
  if (message.kind === 'metrics') return engine.metrics();
  if (message.kind === 'probe') return compact(await engine.probe(message.request));
  if (message.kind === 'start') await engine.start();
  if (message.kind === 'drain') await engine.drain(message.drainMs);
  if (message.kind === 'close') await engine.close();
  return '';
}

/** A view would be cloned with all of the memory that lies behind it. */
function compact(exchange: Exchange): Exchange {
  const copy = <T extends Uint8Array | undefined>(bytes: T) => bytes && new Uint8Array(bytes);
  const { head, body, ...outcome } = exchange.outcome;
  return {
    ...exchange,
    requestHead: copy(exchange.requestHead),
    outcome: { ...outcome, head: copy(head), body: copy(body) } as Exchange['outcome'],
  };
}

run(workerData as ThreadData).catch((error: unknown) => {
  const kind = error instanceof StoreError ? error.kind : 'unavailable';
  say({ kind: 'failed', error: { kind, message: (error as Error).message } });
});
