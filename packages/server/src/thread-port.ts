import { type MessagePort, parentPort } from 'node:worker_threads';
import type { FromThread } from './threads.ts';

/** The main thread, as seen from another. */
export const parent = parentPort as MessagePort;

export const say = (message: FromThread): void => parent.postMessage(message);
