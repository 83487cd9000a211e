import type { LaneStore } from './store.ts';

/** Their methods by themselves, for whoever does some of them differently: `{ ...sameLanes(lanes), … }`. */
export function sameLanes(lanes: LaneStore): LaneStore {
  return {
    join: (info, ttlMs, now) => lanes.join(info, ttlMs, now),
    heartbeat: (node, ttlMs, now) => lanes.heartbeat(node, ttlMs, now),
    leave: (node, now) => lanes.leave(node, now),
    nodes: (now) => lanes.nodes(now),
    reap: (now) => lanes.reap(now),
    ingest: (batch, configVersion, now) => lanes.ingest(batch, configVersion, now),
    acquire: (node, max, now) => lanes.acquire(node, max, now),
    fetch: (cursors, now) => lanes.fetch(cursors, now),
    load: (rows) => lanes.load(rows),
    start: (node, key) => lanes.start(node, key),
    complete: (node, work, now) => lanes.complete(node, work, now),
    command: (commands, now) => lanes.command(commands, now),
    requeue: (what, now) => lanes.requeue(what, now),
  };
}
