import type { Ms } from './model.ts';

/** Time as a part that is handed in: the system's in the product, a virtual one in tests. */
export interface Clock {
  now(): Ms;
  /** Runs `task` once, not before `delayMs` have passed; the result cancels it. */
  after(delayMs: Ms, task: () => void): () => void;
}
