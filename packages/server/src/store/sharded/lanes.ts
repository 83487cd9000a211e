import { ASLEEP, type Ms } from '../../core/model.ts';
import { laneNumber } from '../lane-book.ts';
import { sameLanes } from '../same-lanes.ts';
import type {
  Acquired,
  Completed,
  Completion,
  Cursor,
  Due,
  IngestReply,
  IngestRequest,
  LaneCommand,
  LaneKey,
  LaneStore,
  LoadedDelivery,
  NodeInfo,
  NodeRow,
  Requeue,
  Requeued,
} from '../store.ts';
import { StoreError } from '../store.ts';
import type { Shards } from './shards.ts';

const slotOf = ({ slot }: LaneKey) => slot;
/** Whoever changes endpoints without end keeps others from storing for a moment, not for ever. */
const TRIES = 20;

/**
 * The lanes of all shards. A node has a row, a lease and lanes in each of them; to whom uses the whole,
 * its number is the one it has on the first. What only sends uses each shard by itself (`sendingOf`),
 * so that one that is away stops nothing but its own lanes.
 */
export class ShardedLanes implements LaneStore {
  readonly #shards: Shards;
  /** What a node is called on each of the shards, by what it is called on the first. */
  readonly #numbers = new Map<number, readonly number[]>();

  constructor(shards: Shards) {
    this.#shards = shards;
  }

  // ---- nodes ----

  async join(info: NodeInfo, ttlMs: Ms, now: Ms): Promise<number> {
    const numbers = await this.#onEach((lanes) => lanes.join({ since: now, ...info }, ttlMs, now));
    const node = numbers[0] as number;
    this.#numbers.set(node, numbers);
    return node;
  }

  async heartbeat(node: number, ttlMs: Ms, now: Ms): Promise<boolean> {
    const beats = await this.#onEach((lanes, shard) =>
      lanes.heartbeat(this.#numberOn(node, shard), ttlMs, now),
    );
    return !beats.includes(false);
  }

  async leave(node: number, now: Ms): Promise<void> {
    await this.#onEach((lanes, shard) => lanes.leave(this.#numberOn(node, shard), now));
    this.#numbers.delete(node);
  }

  /** The rows of a process are one: how many lanes it holds in all, and alive if it is so everywhere. */
  async nodes(now: Ms): Promise<NodeRow[]> {
    const answers = await this.#shards.each((store) => store.lanes.nodes(now));
    const merged = new Map<string, NodeRow>();
    for (const row of answers.flat()) {
      const process = `${row.joinedAt}\n${row.name}`;
      const other = merged.get(process);
      merged.set(process, other ? together(other, row) : row);
    }
    return [...merged.values()];
  }

  async reap(now: Ms): Promise<{ readonly nodes: number; readonly lanes: number }> {
    const reaped = await this.#onEach((lanes) => lanes.reap(now));
    const nodes = Math.max(...reaped.map((one) => one.nodes));
    return { nodes, lanes: reaped.reduce((sum, one) => sum + one.lanes, 0) };
  }

  // ---- what comes in ----

  /**
   * Each shard stores its requests in a transaction of its own. Where only some of them can, the
   * requests of the others are answered `failed`: what is stored is said to be.
   */
  async ingest(
    batch: readonly IngestRequest[],
    configVersion: number,
    now: Ms,
  ): Promise<IngestReply[]> {
    let stored = false;
    let fault: unknown;
    const replies = await this.#shards.map.gather(
      batch,
      ({ events }) => events[0]?.slot ?? 0,
      async (shard, requests): Promise<IngestReply[]> => {
        try {
          const given = await this.#ingestInto(shard, requests, { configVersion, now });
          stored = true;
          return given;
        } catch (error) {
          if (!(error instanceof StoreError) || error.kind === 'fatal') throw error;
          fault = error;
          return requests.map(() => ({ kind: 'failed', error }));
        }
      },
    );
    if (!stored && fault !== undefined) throw fault;
    return replies;
  }

  async #ingestInto(
    shard: number,
    batch: readonly IngestRequest[],
    { configVersion, now }: { readonly configVersion: number; readonly now: Ms },
  ): Promise<IngestReply[]> {
    const { lanes } = this.#shards.at(shard);
    if (shard === 0) return lanes.ingest(batch, configVersion, now);
    let reached = await this.#shards.configured(shard, configVersion, now);
    for (let tries = 0; tries < TRIES; tries++) {
      const { routing, local } = reached;
      if (configVersion < routing) return batch.map(() => ({ kind: 'stale', version: routing }));
      const replies = await lanes.ingest(batch, local, now);
      if (replies.every(({ kind }) => kind !== 'stale')) return replies;
      reached = await this.#shards.reread(shard);
    }
    throw new StoreError('unavailable', 'The configuration keeps changing; nothing was stored.');
  }

  command(commands: readonly LaneCommand[], now: Ms): Promise<('applied' | 'queued' | 'absent')[]> {
    return this.#shards.map.gather(commands, slotOf, (shard, mine) =>
      this.#shards.at(shard).lanes.command(mine, now),
    );
  }

  requeue(what: readonly Requeue[], now: Ms): Promise<Requeued[]> {
    return this.#shards.map.gather(what, slotOf, (shard, mine) =>
      this.#shards.at(shard).lanes.requeue(mine, now),
    );
  }

  // ---- sending ----

  /** From one after the other, as far as there is room. */
  async acquire(node: number, max: number, now: Ms): Promise<Acquired> {
    const lanes: Acquired['lanes'][number][] = [];
    const answers: Acquired[] = [];
    for (const [shard, store] of this.#shards.stores.entries()) {
      const room = max - lanes.length;
      const taken = await store.lanes.acquire(this.#numberOn(node, shard), room, now);
      lanes.push(...taken.lanes);
      answers.push(taken);
    }
    return {
      lanes,
      commanded: answers.flatMap(({ commanded }) => commanded),
      nextAt: Math.min(ASLEEP, ...answers.map(({ nextAt }) => nextAt)),
    };
  }

  async fetch(cursors: readonly Cursor[], now: Ms): Promise<Due[]> {
    const rows = await this.#shards.map.gather(cursors, slotOf, async (shard, mine) => {
      const found = await this.#shards.at(shard).lanes.fetch(mine, now);
      return mine.map((one) => found.filter((row) => laneNumber(row) === laneNumber(one)));
    });
    return rows.flat();
  }

  load(rows: readonly Due[]): Promise<LoadedDelivery[]> {
    return this.#shards.map.gather(rows, slotOf, (shard, mine) =>
      this.#shards.at(shard).lanes.load(mine),
    );
  }

  start(node: number, key: Due): Promise<void> {
    const shard = this.#shards.map.shardOf(key.slot);
    return this.#shards.at(shard).lanes.start(this.#numberOn(node, shard), key);
  }

  async complete(node: number, work: Completion, now: Ms): Promise<Completed> {
    const { map } = this.#shards;
    const done = await this.#onEach(async (lanes, shard) => {
      const here = (key: LaneKey) => map.shardOf(key.slot) === shard;
      const results = work.results.filter(({ key }) => here(key));
      const mine = { results, release: work.release.filter(here) };
      const completed = await lanes.complete(this.#numberOn(node, shard), mine, now);
      if (tells(mine)) await this.#shards.carryFrom(shard, now);
      return completed;
    });
    return {
      fenced: done.some(({ fenced }) => fenced),
      moved: done.flatMap(({ moved }) => moved),
    };
  }

  #onEach<T>(ask: (lanes: LaneStore, shard: number) => Promise<T>): Promise<T[]> {
    return Promise.all(this.#shards.stores.map(({ lanes }, shard) => ask(lanes, shard)));
  }

  /** No number of a node, if it has not joined there. */
  #numberOn(node: number, shard: number): number {
    return this.#numbers.get(node)?.[shard] ?? -1;
  }
}

/** The lanes of one shard. What its outcomes mean for others is carried there behind them. */
export function sendingOf(shards: Shards, shard: number): LaneStore {
  const { lanes } = shards.at(shard);
  return {
    ...sameLanes(lanes),
    async complete(node, work, now) {
      const done = await lanes.complete(node, work, now);
      if (tells(work)) shards.carryBehind(shard, now);
      return done;
    },
  };
}

function tells({ results }: Completion): boolean {
  return results.some(({ disable, notices }) => disable || notices);
}

function together(a: NodeRow, b: NodeRow): NodeRow {
  return {
    ...a,
    beatAt: Math.min(a.beatAt, b.beatAt),
    alive: a.alive && b.alive,
    lanes: a.lanes + b.lanes,
    backlog: a.backlog + b.backlog,
  };
}
