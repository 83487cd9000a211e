import { modelTest } from './model.suite.ts';
import { openForSuite } from './sqlite/open-for-suite.suite.ts';

modelTest('SQLite', openForSuite, { runs: 80 });
