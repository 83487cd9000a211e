import { expect } from 'vitest';
import type { Endpoint, EventId } from '../../core/model.ts';
import type { Requeue } from '../store.ts';
import { type Cases, keyOf, makeEndpoint, type World } from './world.suite.ts';

/** Runs after the first one: who gets one, in which order, and only once. */
export const resendCases: Cases = {
  'a resend is the next run of its delivery and shows in the lists': async (w) => {
    const { endpoint, event, node, key } = await failed(w);
    await w.release(node, key);
    expect(await w.requeue(endpoint, event)).toEqual({ kind: 'owed', run: 1 });
    expect(await w.acquired(node)).toEqual([keyOf(endpoint)]);
    expect(await w.due(endpoint)).toMatchObject([{ run: 1, attempt: 0, ownId: false }]);
    const states = [
      [0, 'failed'],
      [1, 'pending'],
    ];
    const rows = await w.deliveries({ event });
    expect(rows.map(({ run, state }) => [run, state])).toEqual(states);
    const ofEndpoint = await w.deliveries({ endpoint: endpoint.id });
    expect(ofEndpoint.map(({ run, state }) => [run, state]).sort()).toEqual(states);
  },

  'asked for at once by many, one run is owed': async (w) => {
    const { endpoint, event } = await failed(w);
    const what: Requeue = { ...keyOf(endpoint), event, after: 0, ownId: false };
    const asked = Array.from({ length: 100 }, () => w.lanes.requeue([what, what], w.now));
    const answers = (await Promise.all(asked)).flat();
    expect(answers.filter(({ kind }) => kind === 'owed')).toEqual([{ kind: 'owed', run: 1 }]);
    expect(answers.filter(({ kind }) => kind === 'pending')).toHaveLength(199);
    expect((await w.log.stats(w.now)).pending).toBe(1);
  },

  'a run that was repeated is not repeated again, its last one is': async (w) => {
    const { endpoint, event, node } = await failed(w);
    await w.requeue(endpoint, event, { after: 0 });
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'succeeded' } });
    expect(await w.requeue(endpoint, event, { after: 0 })).toEqual({ kind: 'superseded', run: 1 });
    expect(await w.requeue(endpoint, event, { after: 2 })).toEqual({ kind: 'unknown' });
    expect(await w.requeue(endpoint, event, { after: 1 })).toEqual({ kind: 'owed', run: 2 });
  },

  'what is owed as routed is not owed again, also while it is retried': async (w) => {
    const endpoint = await w.endpoint();
    const [event] = await w.feed(endpoint);
    const id = event?.id ?? 'evt_';
    expect(await w.requeue(endpoint, id)).toEqual({ kind: 'pending', run: 0 });
    const node = await w.node();
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'retry', at: w.now + 9000 } });
    expect(await w.requeue(endpoint, id)).toEqual({ kind: 'pending', run: 0 });
  },

  'whether a run has an id of its own is kept through its retries': async (w) => {
    const { endpoint, event, node } = await failed(w);
    await w.requeue(endpoint, event, { ownId: true });
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'retry', at: w.now + 5 } });
    w.now += 5;
    expect(await w.due(endpoint)).toMatchObject([{ run: 1, attempt: 1, ownId: true }]);
  },

  'an event can be owed to an endpoint that it was not routed to': async (w) => {
    const endpoint = await w.endpoint();
    const event = w.event([]);
    await w.ingest(event);
    expect(await w.requeue(endpoint, event.id)).toEqual({ kind: 'owed', run: 0 });
    expect(await w.requeue(endpoint, event.id)).toEqual({ kind: 'pending', run: 0 });
    expect(await w.deliveries({ event: event.id })).toMatchObject([{ endpoint: endpoint.id }]);
    expect(await w.log.event('default', event.id)).toMatchObject({ deliveries: 1 });
  },

  'a resend in an ordered lane comes after all that is owed': async (w) => {
    const endpoint = await w.endpoint({ ordering: 'endpoint' });
    const [first] = await w.feed(endpoint, 3);
    const node = await w.node();
    await w.settle(node, endpoint, { key: await w.first(endpoint), next: { kind: 'failed' } });
    await w.requeue(endpoint, first?.id ?? 'evt_');
    w.now += 100;
    expect((await w.due(endpoint)).at(-1)).toMatchObject({ event: first?.id, run: 1 });
  },

  'runs are counted over all lanes that an endpoint has had': async (w) => {
    const { endpoint, event } = await failed(w);
    const ordered = await w.put({ ...endpoint, ordering: 'key' });
    const other = { ...keyOf(ordered), lane: keyOf(ordered).lane + 3 };
    const what = { ...other, event, after: undefined, ownId: false };
    expect(await w.lanes.requeue([what], w.now)).toEqual([{ kind: 'owed', run: 1 }]);
    expect(await w.requeue(endpoint, event)).toEqual({ kind: 'pending', run: 1 });
    const rows = await w.deliveries({ event });
    expect(rows.map(({ run, state }) => [run, state])).toEqual([
      [0, 'failed'],
      [1, 'pending'],
    ]);
  },

  'a full lane takes no resend': async (w) => {
    await w.open({ laneMax: 2 });
    const { endpoint, event } = await failed(w);
    await w.feed(endpoint, 2);
    expect(await w.requeue(endpoint, event)).toEqual({ kind: 'full' });
  },

  'a deleted endpoint is not owed again': async (w) => {
    const { endpoint, event } = await failed(w);
    await w.remove(endpoint);
    expect(await w.requeue(endpoint, event)).toEqual({ kind: 'closed' });
  },

  'what is not known is not owed': async (w) => {
    const endpoint = await w.endpoint();
    const [event] = await w.feed(endpoint);
    const lost = await w.requeue(endpoint, w.ids.event(0, w.now));
    const nowhere = makeEndpoint('ep_0', { number: 999 });
    expect([lost, await w.requeue(nowhere, event?.id ?? 'evt_')]).toEqual([
      { kind: 'unknown' },
      { kind: 'unknown' },
    ]);
    expect((await w.log.stats(w.now)).pending).toBe(1);
  },

  'a resend is cancelled and hastened like any other delivery': async (w) => {
    const { endpoint, event, node, key } = await failed(w);
    await w.requeue(endpoint, event);
    const again = await w.first(endpoint);
    await w.settle(node, endpoint, { key: again, next: { kind: 'retry', at: w.now + 9000 } });
    await w.release(node, key);
    const { slot, lane } = keyOf(endpoint);
    const run = { slot, lane, event, run: 1 };
    expect(await w.lanes.command([{ ...run, do: 'retryNow' }], w.now)).toEqual(['applied']);
    expect(await w.due(endpoint)).toMatchObject([{ run: 1, attempt: 1 }]);
    const cancel = { ...run, do: 'cancel' } as const;
    expect(await w.lanes.command([cancel, cancel], w.now)).toEqual(['applied', 'absent']);
    expect(await w.due(endpoint)).toEqual([]);
  },
};

/** One delivery, given up at its first attempt; its lane is still held. */
async function failed(w: World) {
  const endpoint: Endpoint = await w.endpoint();
  const [stored] = await w.feed(endpoint);
  const event: EventId = stored?.id ?? 'evt_';
  const node = await w.node();
  const key = await w.first(endpoint);
  await w.settle(node, endpoint, { key, next: { kind: 'failed' } });
  return { endpoint, event, node, key };
}
