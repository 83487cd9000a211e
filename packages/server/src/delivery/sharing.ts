import type { Ms } from '../core/model.ts';
import type { HeldLane } from './held-lane.ts';

/** What other nodes put into a lane waits so long at most; longer if very many are held. */
const LOOK_MS = 25;
const LOOKS_PER_MS = 5;
const OFFER_MS = 5000;
const BUSY = 0.9;
const OFFERED_SHARE = 8;
/** A little longer than others take to look for lanes. */
const REST_MS = 150;

/**
 * What a node does because it is not alone. Others ingest into lanes that it holds and can't tell it, so
 * it looks. And lanes that are never idle stay where they are, so a node that has no time to spare
 * offers a part of them: whoever has takes them.
 */
export class Sharing {
  /** Part of its time that the process was busy since this was last asked, 0 to 1. */
  readonly #load: () => number;
  #lookAt: Ms = 0;
  #offerAt: Ms = 0;
  #restsUntil: Ms = 0;

  constructor(load: () => number) {
    this.#load = load;
  }

  get lookAt(): Ms {
    return this.#lookAt;
  }

  /** Until then it takes no lanes: those it offered are for others. */
  get restsUntil(): Ms {
    return this.#restsUntil;
  }

  /** Whether it is time to look at the `held` lanes. */
  looks(held: number, now: Ms): boolean {
    if (now < this.#lookAt) return false;
    this.#lookAt = now + Math.max(LOOK_MS, held / LOOKS_PER_MS);
    return true;
  }

  /** Lanes to be given back, those that are held the longest. */
  offered(lanes: ReadonlyMap<number, HeldLane>, now: Ms): HeldLane[] {
    if (now < this.#offerAt) return [];
    this.#offerAt = now + OFFER_MS;
    if (this.#load() < BUSY) return [];
    const share = Math.ceil(lanes.size / OFFERED_SHARE);
    const mayGo = [...lanes.values()].filter(
      (lane) => !lane.yielding && now - lane.heldSince >= OFFER_MS,
    );
    if (mayGo.length > 0) this.#restsUntil = now + REST_MS;
    return mayGo.slice(0, share);
  }
}
