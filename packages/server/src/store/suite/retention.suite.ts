import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import type { RetentionPolicy } from '../store.ts';
import { type Cases, DAY, laneOf, RETENTION, type World } from './world.suite.ts';

/** What is kept for a shorter time than its log, and how a store stays as small as it must. */

const SHORT: RetentionPolicy = { ...RETENTION, payloadMs: 2 * DAY, chunk: 3 };

export const payloadCases: Cases = {
  'payloads go before their log, and rows say so': async (w) => {
    const endpoint = await w.endpoint();
    const data = Buffer.from('{"secret":1}');
    const lanes = [laneOf(endpoint)];
    const keyed = { idempotencyKey: 'k', meta: '{"subject":"s"}', data };
    const [old] = [w.event(lanes, keyed), w.event(lanes, { data })];
    await w.ingest(old, w.event(lanes, { data }), w.event(lanes, { data }), w.event([], { data }));
    await settleAll(w, endpoint);
    w.now += 2 * DAY + 1;
    const young = w.event(lanes, { data });
    await w.ingest(young);
    expect(await w.maintain(SHORT)).toMatchObject({ erased: 4, removed: 0 });
    const row = await w.log.event('default', old.id);
    expect(row).toMatchObject({ erasedAt: w.now, sizeBytes: 0, meta: '', idempotencyKey: 'k' });
    expect(row?.data).toHaveLength(0);
    expect(await w.log.event('default', young.id)).toMatchObject({ erasedAt: undefined });
    const { items } = await w.log.attempts({ tenant: 'default', limit: 9 });
    expect(items.map(({ erased, status }) => [erased, status])).toEqual([
      [true, 200],
      [true, 200],
      [true, 200],
    ]);
    const whole = await w.log.attempt('default', items[0]?.id ?? 'att_');
    for (const name of ['requestHead', 'requestBody', 'responseHead', 'responseBody'] as const) {
      expect([name, whole?.[name].length]).toEqual([name, 0]);
    }
    // The id is still taken, and there is nothing to send.
    expect(await w.request(w.event(lanes, keyed))).toMatchObject({
      events: [{ id: old.id, duplicate: true }],
    });
    expect(await w.requeue(endpoint, old.id)).toEqual({ kind: 'erased' });
  },

  'what is owed keeps its payload, and loses it at a later pass': async (w) => {
    const [paused, endpoint] = [await w.endpoint({ paused: true }), await w.endpoint()];
    await w.feed(paused, 2);
    const events = await w.feed(endpoint, 5);
    await settleAll(w, endpoint);
    w.now += 3 * DAY;
    expect(await w.maintain(SHORT)).toMatchObject({ erased: 5, expired: 0 });
    const [owed] = await w.due(paused);
    if (!owed) throw new Error('nothing is owed');
    expect((await w.lanes.load([owed]))[0]?.event?.data.length).toBeGreaterThan(0);
    const resumed = await w.put({ ...paused, paused: false });
    await settleAll(w, resumed);
    w.now += DAY;
    expect(await w.maintain(SHORT)).toMatchObject({ erased: 2 });
    expect(await w.log.event('default', events[0]?.id ?? 'evt_')).toBeDefined();
  },

  'what is given up at last loses its payload, however young its log is': async (w) => {
    const paused = await w.endpoint({ paused: true });
    const [event] = await w.feed(paused, 1);
    w.now += 32 * DAY;
    expect(await w.maintain(SHORT)).toMatchObject({ expired: 1, erased: 1, removed: 0 });
    expect(await w.log.event('default', event?.id ?? 'evt_')).toMatchObject({ sizeBytes: 0 });
  },

  'of an outcome that comes after the payload went no bytes are kept': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    const key = await w.first(endpoint);
    await w.lanes.leave(node, w.now);
    const { slot, lane, event, run } = key;
    await w.lanes.command([{ slot, lane, event, run, do: 'cancel' }], w.now);
    w.now += 3 * DAY;
    expect(await w.maintain(SHORT)).toMatchObject({ erased: 1 });
    const result = w.result(key, { kind: 'succeeded' }, { endpoint: endpoint.id });
    await w.lanes.complete(await w.join(), { results: [result], release: [] }, w.now);
    const { items } = await w.log.attempts({ tenant: 'default', limit: 9 });
    const sent = items.find(({ n }) => n === 1);
    expect(sent).toMatchObject({ erased: true, state: 'cancelled' });
    // A decision held no bytes.
    expect(items.find(({ n }) => n === 0)).toMatchObject({ erased: false, state: 'cancelled' });
    const whole = await w.log.attempt('default', sent?.id ?? 'att_');
    expect([whole?.requestHead.length, whole?.responseBody.length]).toEqual([0, 0]);
  },

  'what is owed again while a pass is under way keeps its payload': async (w) => {
    const endpoint = await w.endpoint();
    const events = await w.feed(endpoint, 6);
    await settleAll(w, endpoint);
    w.now += 3 * DAY;
    await w.log.maintain({ ...SHORT, chunk: 1 }, w.now);
    const last = events.at(-1)?.id ?? 'evt_';
    const again = await w.requeue(endpoint, last);
    await w.maintain({ ...SHORT, chunk: 1 });
    const kept = (await w.log.event('default', last))?.erasedAt === undefined;
    // Either it was too late to ask, or what was promised is kept.
    expect(kept).toBe(again.kind === 'owed');
  },
};

const MIB = 2 ** 20;

export const capCases: Cases = {
  'what has ended goes first, oldest first; what is owed stays': async (w) => {
    const [paused, endpoint] = [await w.endpoint({ paused: true }), await w.endpoint()];
    const owed = await fill(w, paused, 1);
    await fill(w, endpoint, 4);
    await settleAll(w, endpoint);
    w.now += 61_000;
    const late = await fill(w, endpoint, 1);
    await settleAll(w, endpoint);
    w.now += 61_000;
    const policy = { ...RETENTION, bytesMax: 5 * MIB };
    expect((await w.maintain(policy)).removed).toBeGreaterThan(10);
    for (const { id } of [...owed, ...late]) {
      expect(await w.log.event('default', id)).toBeDefined();
    }
    expect((await w.log.stats(w.now)).pending).toBe(owed.length);
    await fill(w, endpoint, 1);
  },

  'when only what is owed is left nothing more is taken in, until there is room': async (w) => {
    const paused = await w.endpoint({ paused: true });
    await fill(w, paused, 3);
    w.now += 61_000;
    const policy = { ...RETENTION, bytesMax: 2 * MIB };
    await w.maintain(policy);
    const refused = w.request(w.event([]));
    await expect(refused).rejects.toMatchObject({
      kind: 'capped',
      message: expect.stringMatching(/2 MiB, option storeMax.*still owed. Raise storeMax/),
    });
    expect((await w.log.stats(w.now)).pending).toBe(12);
    await w.remove(paused);
    w.now += 61_000;
    await w.maintain(policy);
    await w.maintain(policy);
    expect((await w.log.stats(w.now)).pending).toBe(0);
    expect(await w.request(w.event([]))).toMatchObject({ kind: 'accepted' });
  },

  'what is younger than a minute does not go for its size': async (w) => {
    const endpoint = await w.endpoint();
    const events = await fill(w, endpoint, 2);
    await settleAll(w, endpoint);
    const policy = { ...RETENTION, bytesMax: MIB };
    expect(await w.maintain(policy)).toMatchObject({ removed: 0 });
    await expect(w.request(w.event([]))).rejects.toMatchObject({ kind: 'capping' });
    w.now += 61_000;
    expect((await w.maintain(policy)).removed).toBeGreaterThan(events.length);
    expect(await w.request(w.event([]))).toMatchObject({ kind: 'accepted' });
  },
};

/** Events of 256 KiB for one endpoint. */
async function fill(w: World, endpoint: Endpoint, mib: number) {
  const events = Array.from({ length: mib * 4 }, () =>
    w.event([laneOf(endpoint)], {
      data: Buffer.from(JSON.stringify(randomBytes(MIB / 8).toString('hex'))),
    }),
  );
  for (const event of events) await w.ingest(event);
  return events;
}

/** Sends all that is due with success and gives the lane back. */
async function settleAll(w: World, endpoint: Endpoint): Promise<void> {
  const node = await w.node();
  const results = (await w.due(endpoint)).map((key) =>
    w.result(key, { kind: 'succeeded' }, { endpoint: endpoint.id }),
  );
  await w.lanes.complete(node, { results, release: [] }, w.now);
  await w.lanes.leave(node, w.now);
}
