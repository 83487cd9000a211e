import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type SnapshotFacts, type SnapshotTask, snapshot } from './store/sqlite/snapshot.ts';

/** Copies or checks one database file; the thread that shows how far it is stays free. */
export type FromSnapshotThread = { readonly facts: SnapshotFacts } | { readonly failed: string };

const port = parentPort as MessagePort;
snapshot(workerData as SnapshotTask).then(
  (facts) => port.postMessage({ facts } satisfies FromSnapshotThread),
  (error: unknown) =>
    port.postMessage({ failed: (error as Error).message } satisfies FromSnapshotThread),
);
