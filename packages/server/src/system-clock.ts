import { type Clock, steadyTime } from './core/clock.ts';

/** This machine's time, which never goes back while the process lives. */
export const systemClock: Clock = {
  now: steadyTime(Date.now, () => performance.now()),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
