import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../store.ts';
import type { OpenOptions } from '../suite/world.suite.ts';
import { openSqlite } from './open.ts';

export const masterKey = 'k'.repeat(32);

/**
 * Real SQLite in the suite's directory, under the suite's clock. An empty ballast stands in for the
 * real one: nothing here fills the disk, and writing it would be most of what a test costs.
 */
export function openForSuite({ directory, now, limits }: OpenOptions): Promise<Store> {
  writeFileSync(join(directory, 'ballast'), '');
  return openSqlite({ directory, masterKey, now: () => now, limits });
}
