import { randomBytes } from 'node:crypto';
import { createIdFactory } from '../core/ids.ts';
import { createMemoryStore } from './memory.ts';
import { storeSuite } from './store.suite.ts';

storeSuite(
  'memory',
  async ({ laneMax }) =>
    createMemoryStore({
      ids: createIdFactory(randomBytes),
      ...(laneMax === undefined ? {} : { laneMax }),
    }),
  { durable: false },
);
