import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createIdFactory } from '../../core/ids.ts';
import { LANE_PARTS } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import { openSqlite } from '../sqlite/open.ts';
import type { NewEvent, Store } from '../store.ts';

/**
 * A process to be killed: it stores and settles without end and writes the id of each event to
 * standard output once that is acknowledged. Its endpoints are those it finds in the store.
 */

const slot = slotOf('default');

async function produce(store: Store, lanes: readonly number[], version: number): Promise<never> {
  for (;;) {
    const now = Date.now();
    const events = Array.from({ length: 3 }, (): NewEvent => {
      const about = { tenant: 'default', type: 'a.b', occurredAt: now, createdAt: now, meta: '' };
      const id = ids.event(slot, now);
      const data = randomBytes(200);
      return { id, slot, ...about, data, idempotencyKey: id, hash: data.subarray(32), lanes };
    });
    const [reply] = await store.lanes.ingest([{ events }], version, now);
    if (reply?.kind !== 'accepted') throw new Error(`refused: ${reply?.kind}`);
    writeSync(1, `${reply.events.map(({ id }) => id).join('\n')}\n`);
  }
}

async function consume(store: Store): Promise<never> {
  const node = await store.lanes.join({ name: 'n', version: '1' }, 60_000, Date.now());
  for (;;) {
    const now = Date.now();
    const { lanes } = await store.lanes.acquire(node, 2, now);
    const cursors = lanes.map(({ slot, lane }) => ({ slot, lane, after: undefined, limit: 5 }));
    const rows = await store.lanes.fetch(cursors, now);
    const results = rows.map((key, i) => {
      const endpoint = lanes.find(({ lane }) => lane === key.lane)?.endpoint ?? 'ep_';
      const next =
        i % 3 === 0 ? ({ kind: 'retry', at: now } as const) : ({ kind: 'succeeded' } as const);
      return {
        key,
        attempt: { ...ATTEMPT, endpoint },
        next,
        disable: undefined,
        notices: undefined,
      };
    });
    const healthy = { notBefore: 0, failingSince: 0, failures: 0 };
    const release = lanes.map(({ slot, lane }) => ({ slot, lane, ...healthy }));
    await store.lanes.complete(node, { results, release }, now);
  }
}

const ATTEMPT = {
  tenant: 'default',
  type: 'a.b',
  n: 1,
  startedAt: 1,
  timings: {
    dnsMs: undefined,
    connectMs: undefined,
    tlsMs: undefined,
    firstByteMs: undefined,
    totalMs: 1,
  },
  status: 200,
  fault: undefined,
  detail: '',
  remoteAddress: undefined,
  method: 'POST',
  url: 'http://a.test/',
  requestHead: randomBytes(300),
  body: { kind: 'around', before: randomBytes(50), after: randomBytes(50) },
  responseHead: randomBytes(100),
  responseBody: randomBytes(100),
  responseTruncated: false,
  secretHeads: false,
  afterCrash: false,
} as const;

const [directory = '', masterKey = ''] = process.argv.slice(2);
const store = await openSqlite({ directory, masterKey, now: Date.now });
const ids = createIdFactory(randomBytes, {
  after: (await store.log.stats(Date.now())).newestAt,
});
const { items, version } = await store.config.changes(0, 100);
const lanes = items.map(({ value }) => (value as { number: number }).number * LANE_PARTS);
await Promise.all([produce(store, lanes, version), consume(store)]);
