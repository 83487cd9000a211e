import { afterAll, describe } from 'vitest';
import { hasPostgres, needing, TestPostgres } from '../store/postgres/cluster.suite.ts';
import { keepStoresIn } from './harness.suite.ts';

/** The tests of lanes and of retries once more, with PostgreSQL behind the front door. */
describe.skipIf(!hasPostgres)(needing('delivery on PostgreSQL'), async () => {
  if (!hasPostgres) return;
  const postgres = new TestPostgres();
  keepStoresIn((directory) => postgres.databaseOf(directory));
  afterAll(() => keepStoresIn(undefined));

  await import('./lanes.test.ts');
  await import('./retries.test.ts');
});
