import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ListenMemory } from './cli/listen.ts';

/** A small file; losing it costs a new inbox, nothing else. */
export function memoryIn(directory: string): ListenMemory {
  const path = join(directory, 'listen.json');
  const all = (): Record<string, string> => {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
    } catch {
      return {};
    }
  };
  return {
    read: (key) => (Object.hasOwn(all(), key) ? all()[key] : undefined),
    write(key, inbox) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeFileSync(path, `${JSON.stringify({ ...all(), [key]: inbox }, null, 2)}\n`, {
        mode: 0o600,
      });
    },
  };
}
