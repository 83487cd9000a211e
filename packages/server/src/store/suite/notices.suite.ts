import { expect } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import type { Due, Next, Notice, NoticeWhen } from '../store.ts';
import { type Cases, keyOf, laneOf, type World } from './world.suite.ts';

/** Events about ourselves: stored with what they tell, or not at all. */
export const noticeCases: Cases = {
  'an event about a change of configuration is stored with it, and owed': async (w) => {
    const listener = await w.endpoint();
    const event = w.event([laneOf(listener)], { type: 'endpoint.created' });
    await w.store.config.put([tenant('a')], w.now, [event]);
    expect(await w.acquired(await w.join())).toEqual([keyOf(listener)]);
    expect(await w.first(listener)).toMatchObject({ event: event.id, run: 0, attempt: 0 });
    expect(await w.log.event('default', event.id)).toMatchObject({ type: 'endpoint.created' });
  },

  'an event about a refused change is not stored': async (w) => {
    const listener = await w.endpoint();
    const { config } = w.store;
    await config.put([tenant('a')], w.now);
    const event = w.event([laneOf(listener)]);
    const again = { ...tenant('a'), expected: 0 };
    await expect(config.put([again], w.now, [event])).rejects.toMatchObject({ kind: 'conflict' });
    expect(await w.log.stats(w.now)).toMatchObject({ events: 0, pending: 0 });
  },

  'the end of a delivery tells, in the same step': async (w) => {
    const { endpoint, listener, node, key } = await failing(w);
    await settle(w, { node, endpoint, key, next: { kind: 'failed' } }, [
      notice(w, listener, { kind: 'applied' }),
    ]);
    expect(await w.due(listener)).toHaveLength(1);
    expect(await w.log.stats(w.now)).toMatchObject({ events: 2, pending: 1 });
  },

  'what did not happen is not told: the lane was lost': async (w) => {
    const { endpoint, listener, node, key } = await failing(w);
    w.now += 20_000;
    await w.lanes.reap(w.now);
    const failed = { node, endpoint, key, next: { kind: 'failed' } } as const;
    const told = notice(w, listener, { kind: 'applied' });
    const level = notice(w, listener, { kind: 'failing', level: 24 });
    await settle(w, failed, [told, level]);
    expect(await w.log.stats(w.now)).toMatchObject({ events: 1, pending: 1 });
  },

  'of several answers that disable an endpoint one tells': async (w) => {
    const listener = await w.endpoint();
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 3);
    const node = await w.node();
    const rows = await w.due(endpoint);
    const at = w.now + 5;
    const results = rows.map((key) => ({
      ...w.result(key, { kind: 'retry', at }, { endpoint: endpoint.id }),
      disable: { reason: 'gone' } as const,
      notices: [notice(w, listener, { kind: 'disabled' })],
    }));
    const [first, ...others] = results;
    if (!first) throw new Error('nothing is due');
    await w.lanes.complete(node, { results: [first, ...others.slice(0, 1)], release: [] }, w.now);
    await w.lanes.complete(node, { results: others.slice(1), release: [] }, w.now);
    expect(await w.due(listener)).toHaveLength(1);
  },

  'a run that succeeds tells of recovery only if the run before it had failed': async (w) => {
    const { endpoint, listener, node, key } = await failing(w);
    const recovered = () => [notice(w, listener, { kind: 'recovered' })];
    await settle(w, { node, endpoint, key, next: { kind: 'failed' } }, []);
    for (const told of [1, 1]) {
      await w.requeue(endpoint, key.event);
      const again = await w.first(endpoint);
      await settle(w, { node, endpoint, key: again, next: { kind: 'succeeded' } }, recovered());
      expect(await w.due(listener)).toHaveLength(told);
    }
  },

  'failing is told once for each level, and anew after a success': async (w) => {
    const { endpoint, listener, node } = await failing(w, 6);
    const rows = await w.due(endpoint);
    const steps: readonly [number, Next, number][] = [
      [24, { kind: 'retry', at: w.now + 9 }, 1],
      [24, { kind: 'retry', at: w.now + 9 }, 1],
      [72, { kind: 'failed' }, 2],
      [24, { kind: 'retry', at: w.now + 9 }, 2],
      [0, { kind: 'succeeded' }, 2],
      [24, { kind: 'retry', at: w.now + 9 }, 3],
    ];
    for (const [i, [level, next, told]] of steps.entries()) {
      const notices = level === 0 ? [] : [notice(w, listener, { kind: 'failing', level })];
      await settle(w, { node, endpoint, key: rows[i] as Due, next }, notices);
      expect(await w.due(listener)).toHaveLength(told);
    }
  },

  'a change of the endpoint begins a new story of failing': async (w) => {
    const { endpoint, listener, node } = await failing(w, 2);
    const [one, two] = (await w.due(endpoint)) as [Due, Due];
    const level = (): Notice[] => [notice(w, listener, { kind: 'failing', level: 24 })];
    const next = { kind: 'retry', at: w.now + 9 } as const;
    await settle(w, { node, endpoint, key: one, next }, level());
    await w.put({ ...endpoint, name: 'mended' });
    await settle(w, { node, endpoint, key: two, next }, level());
    expect(await w.due(listener)).toHaveLength(2);
  },

  'a listener that owes too much skips what it is told, and the outcome stands': async (w) => {
    await w.open({ laneMax: 1 });
    const listener = await w.endpoint();
    await w.feed(listener);
    const { endpoint, node, key } = await failing(w);
    await settle(w, { node, endpoint, key, next: { kind: 'failed' } }, [
      notice(w, listener, { kind: 'applied' }),
    ]);
    expect(await w.deliveries({ endpoint: listener.id })).toMatchObject([
      { state: 'pending' },
      { state: 'failed', fault: 'skipped' },
    ]);
    expect(await w.deliveries({ endpoint: endpoint.id })).toMatchObject([{ state: 'failed' }]);
  },
};

/** For engines that keep what they are told when they are opened again. */
export const durableNoticeCases: Cases = {
  'what was told of failing is known after a restart': async (w) => {
    const { endpoint, listener, node } = await failing(w, 3);
    const [one, two, three] = (await w.due(endpoint)) as [Due, Due, Due];
    const next = { kind: 'retry', at: w.now + 9 } as const;
    const level = (n: number) => [notice(w, listener, { kind: 'failing', level: n })];
    await settle(w, { node, endpoint, key: one, next }, level(24));
    await w.open();
    const again = await w.node();
    await settle(w, { node: again, endpoint, key: two, next }, level(24));
    expect(await w.due(listener)).toHaveLength(1);
    await settle(w, { node: again, endpoint, key: three, next }, level(72));
    expect(await w.due(listener)).toHaveLength(2);
  },
};

/** An endpoint that owes `count` deliveries, its lane held, and one that listens. */
async function failing(w: World, count = 1) {
  const listener = await w.endpoint({ name: 'listener' });
  const endpoint = await w.endpoint();
  await w.feed(endpoint, count);
  const node = await w.node();
  return { endpoint, listener, node, key: await w.first(endpoint) };
}

function notice(w: World, listener: Endpoint, when: NoticeWhen): Notice {
  return { event: w.event([laneOf(listener)], { type: `told.${when.kind}` }), when };
}

function settle(
  w: World,
  outcome: { node: number; endpoint: Endpoint; key: Due; next: Next },
  notices: readonly Notice[],
) {
  const { node, endpoint, key, next } = outcome;
  const result = { ...w.result(key, next, { endpoint: endpoint.id }), notices };
  return w.lanes.complete(node, { results: [result], release: [] }, w.now);
}

function tenant(id: string) {
  return { kind: 'tenant', id, tenant: id, value: {}, expected: undefined } as const;
}
