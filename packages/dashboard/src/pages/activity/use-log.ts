import { useEffect, useState } from 'react';
import { useApp, useLive } from '../../app/context.tsx';
import { RowLog, type RowLogOptions } from '../../data/row-log.ts';

/** A list that lives as long as its component. `options` are those of the first render. */
export function useRowLog<T>(options: RowLogOptions<T>): RowLog<T> {
  const [log] = useState(() => new RowLog(options));
  useEffect(() => {
    void log.reload();
    return () => log.close();
  }, [log]);
  useRecovery(log);
  return log;
}

/** What failed while the server was gone is asked for again, and what came meanwhile is looked for. */
export function useRecovery<T>(log: RowLog<T>): void {
  const { reach } = useApp().session;
  useEffect(
    () => reach.onBack(() => void (log.state === 'failed' ? log.more() : log.refresh())),
    [reach, log],
  );
}

/** What happens within it is one look: each reads a page, and the news come twenty times a second. */
const SOON_MS = 250;

/** For lists that no news tell of: looks soon after something happens, and at least every `everyMs`. */
export function useRefresh<T>(log: RowLog<T>, everyMs: number, enabled = true): void {
  const live = useLive();
  useEffect(() => {
    if (!enabled) return undefined;
    const look = () => void log.refresh();
    const timer = setInterval(look, everyMs);
    let soon: ReturnType<typeof setTimeout> | undefined;
    const stop = live.onAttempts(() => {
      soon ??= setTimeout(() => {
        soon = undefined;
        look();
      }, SOON_MS);
    });
    return () => {
      clearInterval(timer);
      clearTimeout(soon);
      stop();
    };
  }, [live, log, everyMs, enabled]);
}
