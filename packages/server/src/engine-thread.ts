import type { Exchange } from './core/exchange.ts';
import type { InboxSink, InsideAnswer } from './core/inside.ts';
import { type Engine, openEngine } from './engine.ts';
import { serveStore } from './store/remote.ts';
import { systemClock } from './system-clock.ts';
import { createLogger } from './telemetry.ts';
import { parent, say } from './thread-port.ts';
import type { DataOf, ToEngine } from './threads.ts';

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

/** Store and sending. */
export async function open(data: DataOf<'engine'>): Promise<void> {
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
