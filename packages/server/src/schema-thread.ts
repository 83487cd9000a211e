import { type MessagePort, parentPort } from 'node:worker_threads';
import { type SchemaAsk, SchemaBench } from './delivery/catalogue/schema-runner.ts';

/** Checks data against schemas in a thread that may be ended at any moment; it loads nothing else. */

const port = parentPort as MessagePort;
const bench = new SchemaBench();
port.on('message', (ask: SchemaAsk) => port.postMessage(bench.answer(ask)));
