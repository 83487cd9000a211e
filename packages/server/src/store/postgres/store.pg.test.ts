import { describe } from 'vitest';
import { storeSuite } from '../store.suite.ts';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';

describe.skipIf(!hasPostgres)(needing('PostgreSQL'), () => {
  const postgres = new TestPostgres();
  storeSuite('postgresql', (options) => postgres.open(options));
});
