import { type MessagePort, parentPort } from 'node:worker_threads';
import {
  type SchemaAnswer,
  type SchemaAsk,
  SchemaBench,
} from './delivery/catalogue/schema-runner.ts';

/** Checks data against schemas in a thread that may be ended at any moment; it loads nothing else. */

const port = parentPort as MessagePort;
const bench = new SchemaBench();
/** `ready` comes first: who waits must not count the start as work. */
export type FromSchemaThread = { readonly kind: 'ready' } | SchemaAnswer;
const say = (message: FromSchemaThread) => port.postMessage(message);

// The drafts' own schemas are compiled with the first one of anybody's.
bench.answer({ kind: 'compile', schema: {} });
say({ kind: 'ready' });
port.on('message', (ask: SchemaAsk) => say(bench.answer(ask)));
