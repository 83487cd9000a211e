import { expect } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import type { Due, LaneCommand } from '../store.ts';
import { type Cases, everyPage, keyOf, laneOf, type World } from './world.suite.ts';

/** What outcomes, late outcomes and commands do to a delivery. */
export const outcomeCases: Cases = {
  'an ordered row that is kept stays first, whatever came after it': async (w) => {
    const endpoint = await w.endpoint({ ordering: 'endpoint' });
    const [head] = await w.feed(endpoint, 2);
    w.now += 10;
    const node = await w.node();
    const key = await w.first(endpoint);
    const at = w.now + 5000;
    await w.settle(node, endpoint, { key, next: { kind: 'keep', at } });
    await w.release(node, key, { notBefore: at, failures: 1, failingSince: w.now });
    await w.feed(endpoint);
    expect(await w.acquired(node)).toEqual([]);
    w.now = at;
    expect(await w.acquired(node)).toEqual([keyOf(endpoint)]);
    const rows = await w.due(endpoint);
    expect(rows[0]).toMatchObject({ event: head?.id, dueAt: key.dueAt, attempt: 1 });
    expect(rows).toHaveLength(3);
  },

  'of a node that lost its lease only successes count': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 2);
    const zombie = await w.node();
    const [one, two] = (await w.due(endpoint)) as [Due, Due];
    w.now += 20_000;
    await w.lanes.reap(w.now);
    const owner = await w.node();
    const retry = { kind: 'retry', at: w.now + 9000 } as const;
    const results = [
      w.result(one, { kind: 'succeeded' }, { endpoint: endpoint.id }),
      { ...w.result(two, retry, { endpoint: endpoint.id }), disable: { reason: 'gone' } as const },
    ];
    const healthy = { notBefore: 0, failingSince: 0, failures: 0 };
    const release = [{ ...keyOf(endpoint), ...healthy }];
    expect(await w.lanes.complete(zombie, { results, release }, w.now)).toEqual({
      fenced: true,
      moved: [],
    });
    expect(await w.due(endpoint)).toEqual([two]);
    expect(await w.log.attempts({ tenant: 'default', limit: 10 })).toMatchObject({
      items: [{ state: 'pending' }, { state: 'succeeded' }],
    });
    const item = await w.store.config.read('endpoint', endpoint.id);
    expect(item?.value).toMatchObject({ disabled: null });
    expect((await w.log.stats(w.now)).lanesHeld).toBe(1);
    await w.settle(owner, endpoint, { key: two, next: { kind: 'succeeded' } });
    expect((await w.log.stats(w.now)).pending).toBe(0);
  },

  'joining again does not give a lost lane back': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    await w.node();
    const key = await w.first(endpoint);
    w.now += 20_000;
    await w.lanes.reap(w.now);
    await w.node();
    const again = await w.join();
    await w.settle(again, endpoint, { key, next: { kind: 'retry', at: w.now + 9000 } });
    expect(await w.due(endpoint)).toEqual([key]);
    await w.settle(again, endpoint, { key, next: { kind: 'failed' } });
    expect(await w.due(endpoint)).toEqual([key]);
  },

  'a late success ends the delivery also when the row was re-dated': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const zombie = await w.node();
    const key = await w.first(endpoint);
    w.now += 20_000;
    await w.lanes.reap(w.now);
    const owner = await w.node();
    const at = w.now + 100;
    await w.settle(owner, endpoint, { key, next: { kind: 'retry', at } });
    await w.settle(zombie, endpoint, { key, next: { kind: 'succeeded' } });
    w.now = at;
    expect(await w.due(endpoint)).toEqual([]);
    expect(await w.log.stats(w.now)).toMatchObject({ pending: 0, attempts: 2 });
  },

  'two successes of one delivery are one delivery and two attempts': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const zombie = await w.node();
    const key = await w.first(endpoint);
    w.now += 20_000;
    await w.lanes.reap(w.now);
    const owner = await w.node();
    await w.settle(owner, endpoint, { key, next: { kind: 'succeeded' } });
    await w.settle(zombie, endpoint, { key, next: { kind: 'succeeded' } });
    for (const query of [{}, { endpoint: endpoint.id }, { event: key.event }] as const) {
      expect(await w.deliveries(query)).toMatchObject([{ state: 'succeeded' }]);
    }
    expect((await w.log.attempts({ tenant: 'default', limit: 9 })).items).toHaveLength(2);
    expect((await w.log.stats(w.now)).pending).toBe(0);
  },

  'disabling is part of the outcome and holds the lane': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 2);
    const node = await w.node();
    const key = await w.first(endpoint);
    const gone = { reason: 'gone' } as const;
    const retry = { kind: 'retry', at: w.now + 5 } as const;
    const result = { ...w.result(key, retry, { endpoint: endpoint.id }), disable: gone };
    const healthy = { notBefore: 0, failingSince: 0, failures: 0 };
    const release = [{ ...keyOf(endpoint), ...healthy }];
    await w.lanes.complete(node, { results: [result], release }, w.now);
    const item = await w.store.config.read('endpoint', endpoint.id);
    expect(item?.value).toMatchObject({ disabled: { at: w.now, reason: 'gone' } });
    expect(item?.version).toBeGreaterThan(w.version);
    expect(await w.request(w.event([laneOf(endpoint)]))).toMatchObject({ kind: 'stale' });
    w.now += 10;
    expect(await w.acquired(node)).toEqual([]);
    await w.put({ ...(item?.value as Endpoint), disabled: null });
    expect(await w.acquired(node)).toEqual([keyOf(endpoint)]);
    expect(await w.due(endpoint)).toHaveLength(2);
  },
};

export const commandCases: Cases = {
  'cancel on a free lane applies at once': async (w) => {
    const { endpoint, command } = await owed(w);
    expect(await w.lanes.command([command('cancel'), command('cancel')], w.now)).toEqual([
      'applied',
      'absent',
    ]);
    expect(await w.due(endpoint)).toEqual([]);
    expect(await w.deliveries()).toMatchObject([{ state: 'cancelled', attempts: 0 }]);
    expect((await w.log.stats(w.now)).pending).toBe(0);
  },

  'retryNow on a free lane makes a waiting row due': async (w) => {
    const { endpoint, command, node, key } = await owed(w, { held: true });
    const retry = { kind: 'retry', at: w.now + 99_000 } as const;
    await w.settle(node, endpoint, { key, next: retry });
    await w.release(node, key);
    expect(await w.acquired(node)).toEqual([]);
    expect(await w.lanes.command([command('retryNow')], w.now)).toEqual(['applied']);
    expect(await w.acquired(node)).toEqual([keyOf(endpoint)]);
    expect(await w.due(endpoint)).toMatchObject([{ dueAt: w.now, attempt: 1 }]);
  },

  'a command for a held lane waits for its holder': async (w) => {
    const { endpoint, command, node } = await owed(w, { held: true });
    expect(await w.lanes.command([command('cancel')], w.now)).toEqual(['queued']);
    expect(await w.due(endpoint)).toHaveLength(1);
    const { commanded } = await w.lanes.acquire(node, 1, w.now);
    expect(commanded).toEqual([keyOf(endpoint)]);
    const { moved } = await w.lanes.complete(node, { results: [], release: [] }, w.now);
    expect(moved).toMatchObject([{ event: command('cancel').event, run: 0 }]);
    expect(await w.due(endpoint)).toEqual([]);
    expect((await w.lanes.acquire(node, 1, w.now)).commanded).toEqual([]);
  },

  'a command that comes while the lane is being released is not lost': async (w) => {
    const { command, node, key } = await owed(w, { held: true });
    const commanded = w.lanes.command([command('cancel')], w.now);
    const released = w.release(node, key);
    await Promise.all([commanded, released]);
    await w.lanes.complete(node, { results: [], release: [] }, w.now);
    expect((await w.log.stats(w.now)).pending).toBe(0);
    expect(await w.deliveries()).toMatchObject([{ state: 'cancelled' }]);
  },

  'retryNow never moves a row that is being sent': async (w) => {
    const { endpoint, command, node, key } = await owed(w, { held: true });
    w.now += 50;
    await w.lanes.command([command('retryNow')], w.now);
    await w.lanes.complete(node, { results: [], release: [] }, w.now);
    expect(await w.due(endpoint)).toEqual([key]);
    await w.settle(node, endpoint, { key, next: { kind: 'succeeded' } });
    expect(await w.due(endpoint)).toEqual([]);
    expect((await w.log.stats(w.now)).pending).toBe(0);
  },

  'a row cancelled under its sender stays cancelled, and the exchange is logged': async (w) => {
    const { endpoint, command, node, key } = await owed(w, { held: true });
    await w.lanes.command([command('cancel')], w.now);
    await w.lanes.complete(node, { results: [], release: [] }, w.now);
    await w.settle(node, endpoint, { key, next: { kind: 'retry', at: w.now + 5 } });
    expect(await w.deliveries()).toMatchObject([{ state: 'cancelled' }]);
    const attempts = await w.log.attempts({ tenant: 'default', limit: 9 });
    expect(attempts.items.map(({ n, state }) => [n, state])).toEqual([
      [1, 'cancelled'],
      [0, 'cancelled'],
    ]);
    expect((await w.log.stats(w.now)).pending).toBe(0);
  },

  'retryNow ends the wait of an ordered lane and keeps its order': async (w) => {
    const endpoint = await w.endpoint({ ordering: 'endpoint' });
    const events = await w.feed(endpoint, 3);
    const node = await w.node();
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'keep', at: w.now + 9000 } });
    await w.release(node, key, { notBefore: w.now + 9000 });
    w.now += 100;
    const retryNow = { ...keyOf(endpoint), do: 'retryNow', event: key.event, run: 0 } as const;
    expect(await w.lanes.command([retryNow], w.now)).toEqual(['applied']);
    expect(await w.acquired(node)).toEqual([keyOf(endpoint)]);
    expect((await w.due(endpoint)).map(({ event }) => event)).toEqual(events.map(({ id }) => id));
  },

  'commands of a node that leaves or dies are carried out': async (w) => {
    for (const end of ['leave', 'reap'] as const) {
      const { endpoint, command, node } = await owed(w, { held: true });
      await w.lanes.command([command('cancel')], w.now);
      if (end === 'leave') await w.lanes.leave(node, w.now);
      w.now += 20_000;
      await w.lanes.reap(w.now);
      expect(await w.due(endpoint)).toEqual([]);
    }
    expect(await w.deliveries({ state: 'cancelled' })).toHaveLength(2);
  },
};

export const durableCommandCases: Cases = {
  'commands that waited for a holder are carried out when the store is opened again': async (w) => {
    const cancelled = await owed(w, { held: true });
    const hastened = await owed(w, { held: true });
    const { endpoint, node, key } = hastened;
    const retry = { kind: 'retry', at: w.now + 9000 } as const;
    await w.settle(node, endpoint, { key, next: retry });
    const commands = [cancelled.command('cancel'), hastened.command('retryNow')];
    expect(await w.lanes.command(commands, w.now)).toEqual(['queued', 'queued']);
    await w.open();
    expect(await w.due(cancelled.endpoint)).toEqual([]);
    expect(await w.due(endpoint)).toMatchObject([{ dueAt: w.now, attempt: 1 }]);
    expect((await w.log.stats(w.now)).pending).toBe(1);
    const page = (cursor?: string) => w.log.deliveries({ tenant: 'default', limit: 1, cursor });
    expect(await everyPage(page)).toHaveLength(2);
  },
};

async function owed(w: World, { held }: { held?: boolean } = {}) {
  const endpoint = await w.endpoint();
  await w.feed(endpoint);
  const node = held ? await w.node() : await w.join();
  const key = await w.first(endpoint);
  const { slot, lane, event, run } = key;
  const command = (what: LaneCommand['do']): LaneCommand => ({ slot, lane, event, run, do: what });
  return { endpoint, node, key, command };
}
