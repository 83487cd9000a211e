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

/**
 * Time that follows `goal`, a clock elsewhere as it is known here, and never goes back: where `goal`
 * turns out to be behind, it runs at half speed until that has caught up.
 */
export function slewedTime(goal: () => number, monotonic: () => number): () => Ms {
  let shown = goal();
  let at = monotonic();
  return () => {
    const now = monotonic();
    shown = Math.max(goal(), shown + (now - at) / 2);
    at = now;
    return Math.floor(shown);
  };
}
