import { expect } from 'vitest';
import type { EventId } from '../../core/model.ts';
import type { Erased } from '../store.ts';
import { wide } from './ingest.suite.ts';
import { type Cases, keyOf, laneOf, RETENTION, type World } from './world.suite.ts';

/** What privacy law asks: a payload goes, and with it all that was going to be sent of it. */
export const erasureCases: Cases = {
  'the payload goes from the event and its attempts, and what is pending is cancelled': async (
    w,
  ) => {
    const [sent, waiting] = [await w.endpoint(), await w.endpoint({ paused: true })];
    const data = Buffer.from('{"secret":1}');
    const event = w.event([laneOf(sent), laneOf(waiting)], { data, meta: '{"subject":"s"}' });
    await w.ingest(event);
    const node = await w.node();
    const key = await w.first(sent);
    await w.settle(node, sent, { key, next: { kind: 'succeeded' } });
    expect(await erase(w, event.id)).toMatchObject({ erasedAt: w.now, cancelled: 1, asked: 0 });
    const row = await w.log.event('default', event.id);
    expect(row).toMatchObject({ erasedAt: w.now, meta: '', sizeBytes: 0, deliveries: 2 });
    const rows = await w.deliveries({ event: event.id });
    expect(rows.map(({ state }) => state).sort()).toEqual(['cancelled', 'succeeded']);
    const { items } = await w.log.attempts({ tenant: 'default', limit: 9 });
    const detail = 'The payload of the event was erased.';
    expect(items.map((a) => [a.erased, a.state, a.detail]).sort()).toEqual([
      [false, 'cancelled', detail],
      [true, 'succeeded', ''],
    ]);
    const attempt = items.find(({ erased }) => erased)?.id ?? 'att_';
    const whole = await w.log.attempt('default', attempt);
    for (const name of ['requestHead', 'requestBody', 'responseHead', 'responseBody'] as const) {
      expect([name, whole?.[name].length]).toEqual([name, 0]);
    }
    expect((await w.log.stats(w.now)).pending).toBe(0);
  },

  'erasing twice is erasing once': async (w) => {
    const endpoint = await w.endpoint();
    const [event] = await w.feed(endpoint);
    const id = event?.id ?? 'evt_';
    const first = await erase(w, id);
    const at = w.now;
    w.now += 1000;
    expect(first).toMatchObject({ cancelled: 1 });
    expect(await erase(w, id)).toMatchObject({ erasedAt: at, cancelled: 0, asked: 0 });
    expect(await w.deliveries()).toHaveLength(1);
    expect(await w.requeue(endpoint, id)).toEqual({ kind: 'erased' });
  },

  'of another tenant nothing is erased': async (w) => {
    const endpoint = await w.endpoint();
    const [event] = await w.feed(endpoint);
    const what = { tenant: 'other', event: event?.id ?? 'evt_', from: 0 } as const;
    expect(await w.log.erase(what, w.now)).toBeUndefined();
    const unknown = { ...what, tenant: 'default', event: w.ids.event(0, w.now) };
    expect(await w.log.erase(unknown, w.now)).toBeUndefined();
    expect(await w.due(endpoint)).toHaveLength(1);
  },

  'the holder of a lane is asked, and of what it sends meanwhile no bytes are kept': async (w) => {
    const endpoint = await w.endpoint();
    const [event] = await w.feed(endpoint);
    const id = event?.id ?? 'evt_';
    const node = await w.node();
    const key = await w.first(endpoint);
    expect(await erase(w, id)).toMatchObject({ cancelled: 0, asked: 1 });
    expect(await erase(w, id)).toMatchObject({ cancelled: 0, asked: 1 });
    expect((await w.lanes.load([key]))[0]?.event).toBeUndefined();
    const next = { kind: 'retry', at: w.now + 5 } as const;
    const result = w.result(key, next, { endpoint: endpoint.id });
    const { moved } = await w.lanes.complete(node, { results: [result], release: [] }, w.now);
    expect(moved).toHaveLength(1);
    expect(await w.deliveries()).toMatchObject([{ state: 'cancelled' }]);
    const { items } = await w.log.attempts({ tenant: 'default', limit: 9 });
    expect(items.map(({ n, erased }) => [n, erased]).sort()).toEqual([
      [0, false],
      [1, true],
    ]);
    const sent = items.find(({ n }) => n === 1)?.id ?? 'att_';
    const whole = await w.log.attempt('default', sent);
    expect([whole?.requestHead.length, whole?.responseBody.length]).toEqual([0, 0]);
  },

  'of a fan-out that is being expanded, what is owed ends and what would be owed is not': async (
    w,
  ) => {
    const { event } = await wide(w);
    await w.log.maintain({ ...RETENTION, chunk: 100 }, w.now);
    const { cancelled } = await erase(w, event.id);
    expect(cancelled).toBeGreaterThanOrEqual(100);
    await w.maintain({ ...RETENTION, chunk: 5000 });
    expect((await w.log.stats(w.now)).pending).toBe(0);
    const rows = await w.deliveries({ event: event.id });
    expect(rows).toHaveLength(event.lanes.length);
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(['cancelled']));
  },

  'runs of it that people asked for are cancelled as well': async (w) => {
    const endpoint = await w.endpoint();
    const [event] = await w.feed(endpoint);
    const id = event?.id ?? 'evt_';
    const node = await w.node();
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'failed' } });
    await w.release(node, keyOf(endpoint));
    await w.requeue(endpoint, id);
    expect(await erase(w, id)).toMatchObject({ cancelled: 1 });
    const rows = await w.deliveries({ event: id });
    expect(rows.map(({ run, state }) => [run, state])).toEqual([
      [0, 'failed'],
      [1, 'cancelled'],
    ]);
  },
};

/** All steps; the sum of them. */
export async function erase(w: World, event: EventId): Promise<Omit<Erased, 'next'>> {
  const sum = { erasedAt: 0, cancelled: 0, asked: 0 };
  for (let from: number | undefined = 0; from !== undefined; ) {
    const done: Erased | undefined = await w.log.erase({ tenant: 'default', event, from }, w.now);
    if (!done) throw new Error('there is no such event');
    sum.erasedAt = done.erasedAt;
    sum.cancelled += done.cancelled;
    sum.asked += done.asked;
    from = done.next;
  }
  return sum;
}
