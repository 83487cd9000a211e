import type { MessagePort } from 'node:worker_threads';
import { type Packed, packIngest, packReplies, unpackIngest, unpackReplies } from './codec.ts';
import type { JobStore } from './jobs.ts';
import type { SqliteReader } from './sqlite/open-reader.ts';
import type { StatsStore } from './stats.ts';
import {
  type ConfigStore,
  type IngestReply,
  type LaneStore,
  type LogStore,
  type Store,
  StoreError,
} from './store.ts';

/**
 * A store in another thread. `serveStore` answers on a port what `remoteStore` asks on the other end;
 * calls are answered in the order their transactions commit. Losing the thread fails what is open and
 * all that comes: `unavailable`.
 */

interface Call {
  readonly id: number;
  /** Which part of what is served. */
  readonly room: string;
  readonly name: string;
  readonly args: readonly unknown[];
}
interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { kind: StoreError['kind'] | undefined; message: string };
}

export type Methods = Record<string, (...args: never[]) => Promise<unknown>>;

export function serveStore(port: MessagePort, store: Store): void {
  serve(port, {
    lanes: {
      ...bound(store.lanes, LANES),
      ingest: async (packed: Packed, version: number, now: number) =>
        packReplies(await store.lanes.ingest(unpackIngest(packed), version, now)),
    },
    config: bound(store.config, CONFIG),
    log: bound(store.log, LOG),
    stats: bound(store.stats, STATS),
    jobs: bound(store.jobs, JOBS),
    store: { close: () => store.close() },
  });
}

/** The half that only reads; the rest is refused. */
export function serveReader(port: MessagePort, reader: SqliteReader): void {
  serve(port, {
    lanes: {},
    config: bound(reader, ['list', 'readMany']),
    log: bound(reader, READS),
    stats: bound(reader.stats, STATS),
    jobs: bound(reader.jobs, ['list', 'candidates', 'eventsOf']),
    store: { close: () => reader.close() },
  });
}

/** Answers on a port what `Calls` asks on the other end. */
export function serve(port: MessagePort, rooms: Readonly<Record<string, Methods>>): void {
  port.on('message', (call: Call) => {
    perform(rooms, call).then(
      (value) => port.postMessage({ id: call.id, value } satisfies Answer),
      (error: unknown) =>
        port.postMessage({ id: call.id, error: describe(error) } satisfies Answer),
    );
  });
}

/** Calls at once, so that what is asked in order is done in order; what it throws, rejects. */
async function perform(rooms: Readonly<Record<string, Methods>>, call: Call): Promise<unknown> {
  const method = rooms[call.room]?.[call.name];
  if (!method) throw new Error(`This store does not answer ${call.room}.${call.name}.`);
  return method(...(call.args as never[]));
}

function describe(error: unknown): NonNullable<Answer['error']> {
  const kind = error instanceof StoreError ? error.kind : undefined;
  return { kind, message: error instanceof Error ? error.message : String(error) };
}

const LANES = [
  'join',
  'heartbeat',
  'nodes',
  'leave',
  'reap',
  'ingest',
  'acquire',
  'fetch',
  'load',
  'start',
  'complete',
  'command',
  'requeue',
] as const satisfies readonly (keyof LaneStore)[];
const CONFIG = [
  'put',
  'changes',
  'read',
  'readMany',
  'list',
  'forget',
] as const satisfies readonly (keyof ConfigStore)[];
const READS = ['events', 'event', 'deliveries', 'attempts', 'attempt', 'tail'] as const;
const LOG = [
  ...READS,
  'stats',
  'pending',
  'pendingOf',
  'erase',
  'maintain',
] as const satisfies readonly (keyof LogStore)[];

const STATS = ['tenant', 'endpoints', 'follow'] as const satisfies readonly (keyof StatsStore)[];

const JOBS = [
  'create',
  'read',
  'list',
  'running',
  'cancel',
  'candidates',
  'backlog',
  'advance',
  'purge',
  'eventsOf',
] as const satisfies readonly (keyof JobStore)[];

export function bound<T extends object>(target: T, names: readonly (keyof T & string)[]): Methods {
  const methods: Methods = {};
  for (const name of names) {
    const method = target[name] as (...args: never[]) => Promise<unknown>;
    methods[name] = (...args) => method.apply(target, args);
  }
  return methods;
}

export function remoteStore(port: MessagePort): Store {
  const calls = new Calls(port);
  const lanes = calls.forward('lanes', LANES) as unknown as LaneStore;
  return {
    lanes: {
      ...lanes,
      async ingest(batch, version, now) {
        const packed = packIngest(batch);
        const call = { room: 'lanes', name: 'ingest', args: [packed, version, now] } as const;
        const replies = await calls.ask(call, [packed.bytes.buffer]);
        return unpackReplies(replies as (IngestReply | null)[], batch);
      },
    },
    config: calls.forward('config', CONFIG) as unknown as ConfigStore,
    log: calls.forward('log', LOG) as unknown as LogStore,
    stats: calls.forward('stats', STATS) as unknown as StatsStore,
    jobs: calls.forward('jobs', JOBS) as unknown as JobStore,
    async close() {
      await calls.ask({ room: 'store', name: 'close', args: [] }, []);
      port.close();
    },
  };
}

export class Calls {
  readonly #port: MessagePort;
  readonly #open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #lastId = 0;
  #lost: StoreError | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (answer: Answer) => {
      const call = this.#open.get(answer.id);
      this.#open.delete(answer.id);
      if (!call) return;
      if (!answer.error) call.resolve(answer.value);
      else if (answer.error.kind)
        call.reject(new StoreError(answer.error.kind, answer.error.message));
      else call.reject(new Error(answer.error.message));
    });
    port.on('close', () => {
      this.#lost = new StoreError('unavailable', 'The store has been closed.');
      for (const call of this.#open.values()) call.reject(this.#lost);
      this.#open.clear();
    });
  }

  /** Methods that ask for themselves on the other end. */
  forward(room: string, names: readonly string[]): Methods {
    return Object.fromEntries(
      names.map((name) => [name, (...args: unknown[]) => this.ask({ room, name, args }, [])]),
    );
  }

  ask(call: Omit<Call, 'id'>, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    if (this.#lost) return Promise.reject(this.#lost);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      this.#port.postMessage({ ...call, id }, [...transfer]);
    });
  }
}
