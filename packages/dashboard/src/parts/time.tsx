import { createContext, useContext, useSyncExternalStore } from 'react';
import { formatMoment, formatRelative } from '../app/format.ts';

const TICK_MS = 1000;

/** One clock for all that says "3 s ago"; it stands still while nothing does. */
class Ticker {
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #now = Date.now();

  now = (): number => this.#now;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(this.#tick, TICK_MS);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  };

  #tick = (): void => {
    this.#now = Date.now();
    for (const listener of this.#listeners) listener();
  };
}

const TickerContext = createContext(new Ticker());

/** The time, to the second. */
export function useNow(): number {
  const ticker = useContext(TickerContext);
  return useSyncExternalStore(ticker.subscribe, ticker.now);
}

/** When, as people say it; the exact moment in the title. */
export function Ago({ at }: { at: string }) {
  // What happened between two ticks is not in the future.
  const now = Math.max(useNow(), Date.now() - TICK_MS);
  const when = Date.parse(at);
  const past = when > now && when < now + 2 * TICK_MS ? now : when;
  return (
    <time dateTime={at} title={formatMoment(at)}>
      {formatRelative(past, now)}
    </time>
  );
}
