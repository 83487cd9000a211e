import { describe } from 'vitest';
import { storeSuite } from '../store.suite.ts';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';

describe.skipIf(!hasPostgres)(needing('PostgreSQL'), () => {
  const postgres = new TestPostgres();
  // The disk is the server's, so is the limit on it.
  storeSuite('postgresql', (options) => postgres.open(options), { capped: false });
});
