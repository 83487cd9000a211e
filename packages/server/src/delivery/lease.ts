import type { Clock } from '../core/clock.ts';
import type { Ms } from '../core/model.ts';
import type { LaneStore, NodeInfo } from '../store/store.ts';
import type { WorkerLog } from './worker-options.ts';

const TTL_MS = 15_000;
/** Between attempts to join a store that was away when the process began. */
const JOIN_AGAIN_MS = 1000;

export interface LeaseOptions {
  readonly store: Pick<LaneStore, 'join' | 'heartbeat' | 'reap' | 'leave'>;
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly info: NodeInfo;
  /** Other processes take over when it ends: nothing is done without it then. */
  readonly shared: boolean;
  /** It ended: whatever is held under it is somebody else's. */
  readonly lost: () => void;
  /** Joined again, under another id. */
  readonly renewed: () => void;
}

/**
 * This process as a node of the store: joined, kept alive by heartbeats, and joined again when it was
 * found dead.
 */
export class Lease {
  readonly #o: LeaseOptions;
  #node = 0;
  /** Until then nobody else may take what it holds, as far as the last heartbeat said. */
  #until: Ms = 0;
  /** The last two heartbeats came through. */
  #steady = true;
  #joining: Promise<void> | undefined;
  #stopped = false;
  #cancel: () => void = () => {};

  constructor(options: LeaseOptions) {
    this.#o = options;
  }

  /** 0 = it has not joined. */
  get node(): number {
    return this.#node;
  }

  /** Whether others still respect it. A store of this process alone has no others. */
  holds(now: Ms): boolean {
    return this.#node !== 0 && (!this.#o.shared || now < this.#until);
  }

  /** Where others share the store and it is away, it is joined when it is back. */
  async start(): Promise<void> {
    try {
      await this.#join();
    } catch (err) {
      if (!this.#o.shared) throw err;
      this.#o.log.warn({ err }, 'could not join; it is tried again');
    }
    this.#beat();
  }

  /** No more heartbeats: who still needs the lease for a while has it until it ends. */
  async leave(): Promise<void> {
    const { store, clock, log } = this.#o;
    this.#stopped = true;
    this.#cancel();
    await this.#joining?.catch(() => {});
    await store.leave(this.#node, clock.now()).catch((error: unknown) => {
      log.warn({ err: error }, 'could not leave in order; the lease will end by itself');
    });
  }

  /** The store says that it ended. */
  fenced(): void {
    if (this.#joining || this.#stopped) return;
    this.#o.log.warn({ node: this.#node }, 'lease lost: dropping all lanes and joining again');
    this.#until = 0;
    this.#o.lost();
    this.#join().then(this.#o.renewed, (err: unknown) => {
      // The next heartbeat finds it lost again.
      this.#o.log.warn({ err }, 'could not join again; it is tried at the next heartbeat');
    });
  }

  #join(): Promise<void> {
    const { store, clock, info } = this.#o;
    const join = async () => {
      await store.reap(clock.now());
      const now = clock.now();
      this.#node = await store.join(info, TTL_MS, now);
      this.#until = now + TTL_MS;
    };
    this.#joining = join().finally(() => {
      this.#joining = undefined;
    });
    return this.#joining;
  }

  #beat(): void {
    this.#cancel = this.#o.clock.after(this.#node === 0 ? JOIN_AGAIN_MS : TTL_MS / 3, () => {
      void this.#renew().finally(() => {
        if (!this.#stopped) this.#beat();
      });
    });
  }

  async #renew(): Promise<void> {
    const { store, clock, log } = this.#o;
    try {
      // From before it was asked: what the store adds to is no later.
      const now = clock.now();
      if (!(await store.heartbeat(this.#node, TTL_MS, now))) {
        this.fenced();
        return;
      }
      this.#until = Math.max(this.#until, now + TTL_MS);
      // After an outage of the store everybody is late: others get their chance to say they live.
      if (this.#steady) await store.reap(clock.now());
      this.#steady = true;
    } catch (error) {
      this.#steady = false;
      log.warn({ err: error }, 'heartbeat failed');
    }
  }
}
