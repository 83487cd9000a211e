import { MessageChannel } from 'node:worker_threads';
import { remoteStore, serveStore } from '../remote.ts';
import { storeSuite } from '../store.suite.ts';
import { openForSuite } from './open-for-suite.suite.ts';

storeSuite('sqlite', openForSuite);

storeSuite('sqlite behind a port', async (options) => {
  const { port1, port2 } = new MessageChannel();
  serveStore(port2, await openForSuite(options));
  return remoteStore(port1);
});
