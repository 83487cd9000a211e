/**
 * The labelled boundaries of the path of an event. `CRASH_AT=site:n` kills the process at the n-th
 * passage of one (trust/faults/crash.js), which proves that no moment between them loses anything.
 */
export const CRASH_SITES = [
  'ingest:accepted', // parsed and routed, nothing stored
  'store:begun', // inside the transaction, before its first write
  'store:written', // all written, not committed
  'store:committed', // committed, not yet flushed
  'store:flushed', // on the disk, nobody told
  'ingest:committed', // the publisher knows, the producer does not
  'worker:acquired', // lanes taken, nothing fetched
  'worker:fetched', // rows in memory, nothing sent
  'worker:rendered', // the request exists, nothing sent
  'worker:answered', // the receiver answered, nothing logged
  'worker:settled', // outcome decided, not handed to the store
  'worker:completed', // outcome stored
  'job:created', // a replay is stored, nobody told
  'job:read', // what it owes next is in memory, nothing stored
  'job:advanced', // stored, nobody poked
  'purge:configured', // a tenant is gone with its endpoints, its log and captures are not
  'inbox:received', // a request to an inbox read, nothing kept
  'inbox:kept', // on the disk, its sender not answered
] as const;
export type CrashSite = (typeof CRASH_SITES)[number];

/** Called at each boundary; does nothing unless the process was told where to die. */
export type At = (site: CrashSite) => void;
export const nowhere: At = () => {};

/** Reads `site:n` (n counts from 1); throws on an unknown site, so a typo never passes as a pass. */
export function crashAt(spec: string, die: () => void): At {
  const cut = spec.lastIndexOf(':');
  const site = spec.slice(0, cut);
  const passage = Number(spec.slice(cut + 1));
  if (!CRASH_SITES.includes(site as CrashSite) || !(passage >= 1)) {
    throw new Error(`CRASH_AT must be <site>:<n>, with one of ${CRASH_SITES.join(', ')}`);
  }
  let seen = 0;
  return (here) => {
    if (here === site && ++seen === passage) die();
  };
}
