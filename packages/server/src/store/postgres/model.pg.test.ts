import { describe } from 'vitest';
import { modelTest } from '../model.suite.ts';
import { hasPostgres, needing, TestPostgres } from './cluster.suite.ts';

describe.skipIf(!hasPostgres)(needing('PostgreSQL'), () => {
  const postgres = new TestPostgres();
  modelTest('PostgreSQL', (options) => postgres.open(options), { runs: 4 });
});
