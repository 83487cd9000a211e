import { useEffect, useState } from 'react';
import { RowLog, type RowLogOptions } from '../../data/row-log.ts';

/** A list that lives as long as its component. `options` are those of the first render. */
export function useRowLog<T>(options: RowLogOptions<T>): RowLog<T> {
  const [log] = useState(() => new RowLog(options));
  useEffect(() => {
    void log.reload();
    return () => log.close();
  }, [log]);
  return log;
}
