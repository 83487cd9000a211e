import type { Ms } from './model.ts';

/** Time as a part that is handed in: the system's in the product, a virtual one in tests. */
export interface Clock {
  now(): Ms;
  /** Runs `task` once, not before `delayMs` have passed; the result cancels it. */
  after(delayMs: Ms, task: () => void): () => void;
}

/**
 * Time that never goes back: a wall clock set back would make everything owed wait until it has
 * caught up. Set forward it is followed, which is also how the time a machine slept through is found.
 */
export function steadyTime(wall: () => Ms, monotonic: () => number): () => Ms {
  let offset = wall() - monotonic();
  return () => {
    const told = wall();
    const steady = monotonic() + offset;
    if (told <= steady) return Math.floor(steady);
    offset += told - steady;
    return told;
  };
}
