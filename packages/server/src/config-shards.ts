import { refuseDatabaseUrl } from './config-values.ts';
import { SHARDS_MAX } from './store/sharded/slot-map.ts';

/** The databases of a store: one, or the map of several over which it is divided. */

export const SHARDS_OPTION = {
  name: 'shards',
  kind: 'list',
  secret: true,
  help: 'Further PostgreSQL databases, comma-separated URLs: tenants are divided evenly over DATABASE_URL and these. Their order and number stay as they are.',
} as const;

/** `label`: where the list stands. What is wrong is named by its number, as a URL may hold a password. */
export function problemsOfShards(
  databaseUrl: string | undefined,
  shardUrls: readonly string[],
  label: string,
): string[] {
  if (shardUrls.length === 0) return [];
  if (databaseUrl === undefined) {
    return [`${label}: these are further databases; set DATABASE_URL to the first`];
  }
  if (shardUrls.length >= SHARDS_MAX) {
    return [`${label}: with DATABASE_URL there may be ${SHARDS_MAX} databases at most`];
  }
  return shardUrls.flatMap((url, i) => {
    const problem = refuseDatabaseUrl(url);
    if (problem !== undefined) return [`${label}, number ${i + 1}: ${problem}`];
    const first = [databaseUrl, ...shardUrls].indexOf(url);
    return first < i + 1 ? [`${label}, number ${i + 1}: is the same database as another`] : [];
  });
}
