import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import type { Due, LogQuery, SentBody } from '../store.ts';
import {
  type Cases,
  DAY,
  everyPage,
  keyOf,
  laneOf,
  makeEndpoint,
  RETENTION,
  type World,
} from './world.suite.ts';

/** What is kept of each exchange, and for how long. */
export const logCases: Cases = {
  'the body a run was first sent with is frozen, spliced or whole': async (w) => {
    const data = Buffer.from('{"n":12345678901234567890}');
    const [before, after] = [Buffer.from('{"data":'), randomBytes(9)];
    const bodies: [SentBody, Uint8Array][] = [
      [{ kind: 'around', before, after }, Buffer.concat([before, data, after])],
      [{ kind: 'around', before: Buffer.of(), after: Buffer.of() }, data],
      [{ kind: 'full', bytes: after }, after],
      [{ kind: 'full', bytes: Buffer.of() }, Buffer.of()],
    ];
    for (const [body, sent] of bodies) {
      const endpoint = await w.endpoint();
      await w.ingest(w.event([laneOf(endpoint)], { data }));
      const node = await w.node();
      const first = await w.first(endpoint);
      expect((await w.lanes.load([first]))[0]?.frozen).toBeUndefined();
      const results = [
        w.result(first, { kind: 'retry', at: w.now }, { endpoint: endpoint.id, body }),
      ];
      await w.lanes.complete(node, { results, release: [] }, w.now);
      const second = await w.first(endpoint);
      const [loaded] = await w.lanes.load([second]);
      expect(Buffer.from(loaded?.frozen ?? 'none')).toEqual(Buffer.from(sent));
      await w.settle(node, endpoint, { key: second, next: { kind: 'succeeded' } });
      const { items } = await w.log.attempts({ tenant: 'default', event: first.event, limit: 9 });
      for (const { id } of items) {
        const whole = await w.log.attempt('default', id);
        expect(Buffer.from(whole?.requestBody ?? 'none')).toEqual(Buffer.from(sent));
      }
      await w.release(node, first);
    }
  },

  'an attempt comes back with the exact bytes of both sides': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    const key = await w.first(endpoint);
    for (const secretHeads of [false, true]) {
      const heads = {
        requestHead: Buffer.from(
          'PUT /p?q=1 HTTP/1.1\r\nHost: b.test:8080\r\nX: \xe9\r\n',
          'latin1',
        ),
        responseHead: Buffer.from('HTTP/1.1 500 \xe9\r\nA: 1\r\na: 2\r\n', 'latin1'),
        responseBody: randomBytes(300),
        method: 'PUT',
        url: 'https://b.test:8080/p?q=1',
      };
      const said = { ...heads, secretHeads, responseTruncated: true, afterCrash: true, n: 7 };
      const again = { kind: 'retry', at: w.now } as const;
      const result = w.result(await w.first(endpoint), again, { endpoint: endpoint.id, ...said });
      await w.lanes.complete(node, { results: [result], release: [] }, w.now);
      const id = await w.attemptId();
      const whole = await w.log.attempt('default', id);
      expect(whole).toMatchObject({
        method: 'PUT',
        url: heads.url,
        remoteAddress: '192.0.2.1:80',
        timings: result.attempt.timings,
        responseTruncated: true,
        row: { id, event: key.event, n: 7, afterCrash: true, status: 500 },
      });
      for (const name of ['requestHead', 'responseHead', 'responseBody'] as const) {
        expect(Buffer.from(whole?.[name] ?? '')).toEqual(heads[name]);
      }
      expect(await w.log.attempt('other', id)).toBeUndefined();
    }
  },

  'an attempt that wrote nothing names its method, URL and fault': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    const nothing = { requestHead: Buffer.of(), responseHead: Buffer.of(), status: undefined };
    const said = { ...nothing, fault: 'dns_failed', detail: 'no answer', body: SAME } as const;
    const result = w.result(await w.first(endpoint), { kind: 'failed' }, said);
    const attempt = { ...result.attempt, endpoint: endpoint.id };
    await w.lanes.complete(node, { results: [{ ...result, attempt }], release: [] }, w.now);
    const whole = await w.log.attempt('default', await w.attemptId());
    expect(whole).toMatchObject({ url: 'http://a.test/x', row: { fault: 'dns_failed' } });
    expect(whole?.requestBody).toHaveLength(0);
    expect(await w.deliveries()).toMatchObject([{ state: 'failed', fault: 'dns_failed' }]);
  },

  'lists page without loss or repeats while rows are added': async (w) => {
    const endpoint = await w.endpoint();
    const wanted = (await w.feed(endpoint, 23)).map(({ id }) => id);
    await settleAll(w, endpoint, 11);
    const attempts = (await w.log.attempts({ tenant: 'default', limit: 99 })).items;
    const add = async () => {
      await w.feed(endpoint);
      await settleAll(w, endpoint, 1);
    };
    const query = (more: Partial<LogQuery>) => ({ tenant: 'default', limit: 4, ...more });
    const events = await everyPage(async (cursor) => {
      await w.feed(endpoint);
      return w.log.events(query({ cursor }));
    });
    expect(ids(events).filter((id) => wanted.includes(id as never))).toEqual(wanted.toReversed());
    expect(new Set(ids(events)).size).toBe(events.length);
    const logged = await everyPage(async (cursor) => {
      await add();
      return w.log.attempts(query({ cursor }));
    });
    expect(ids(logged).slice(-11)).toEqual(ids(attempts));
    expect(new Set(ids(logged)).size).toBe(logged.length);
    for (const one of [{}, { endpoint: endpoint.id, state: 'succeeded' } as const]) {
      const rows = await everyPage(async (cursor) => {
        await add();
        return w.log.deliveries(query({ ...one, cursor }));
      });
      const found = rows.map(({ event }) => event);
      expect(new Set(found).size).toBe(found.length);
      for (const { event } of attempts) expect(found).toContain(event);
    }
    expect((await w.log.deliveries(query({}))).items).toHaveLength(4);
  },

  'a page holds no more than was asked for, also inside a wide event': async (w) => {
    const endpoints = await Promise.all(Array.from({ length: 7 }, () => w.endpoint()));
    w.version = (await w.store.config.changes(0, 100)).version;
    const event = w.event(endpoints.map(laneOf));
    await w.ingest(event, w.event(endpoints.map(laneOf)));
    await settleAll(w, endpoints[3] as Endpoint, 1);
    for (const query of [{}, { event: event.id }]) {
      const sizes: number[] = [];
      const rows = await everyPage(async (cursor) => {
        const page = await w.log.deliveries({ tenant: 'default', limit: 3, cursor, ...query });
        sizes.push(page.items.length);
        return page;
      });
      expect(Math.max(...sizes)).toBe(3);
      const names = new Set(rows.map((row) => row.event + row.endpoint));
      expect(names.size).toBe(rows.length);
      expect(rows).toHaveLength('event' in query ? 7 : 14);
    }
  },

  'every filter of a list narrows it': async (w) => {
    const [a, b] = [await w.endpoint(), await w.endpoint()];
    const lanes = [laneOf(a), laneOf(b)];
    const meta = JSON.stringify({ subject: 'order/7' });
    const one = w.event(lanes, { type: 'a.b', idempotencyKey: 'k', meta });
    await w.ingest(one);
    w.now += 1000;
    const two = w.event([laneOf(a)], { type: 'c.d' });
    await w.ingest(two);
    const node = await w.node();
    const [first, second] = (await w.due(a)) as [Due, Due];
    const timedOut = { type: 'c.d', status: undefined, fault: 'timeout' } as const;
    const results = [
      w.result(first, { kind: 'failed' }, { endpoint: a.id, type: 'a.b' }),
      w.result(second, { kind: 'retry', at: w.now + 5 }, { ...timedOut, endpoint: a.id }),
    ];
    await w.lanes.complete(node, { results, release: [] }, w.now);
    const narrow: [Partial<LogQuery>, number, number, number][] = [
      // what, events, deliveries, attempts
      [{}, 2, 3, 2],
      [{ type: 'a.b' }, 1, 2, 1],
      [{ type: 'none' }, 0, 0, 0],
      [{ event: two.id }, 1, 1, 1],
      [{ idempotencyKey: 'k' }, 1, 2, 1],
      [{ idempotencyKey: 'none' }, 0, 0, 0],
      [{ from: w.now }, 1, 1, 2],
      [{ to: w.now }, 1, 2, 0],
      [{ from: w.now - 1000, to: w.now + 1 }, 2, 3, 2],
      [{ type: 'a.b', event: two.id }, 0, 0, 0],
      [{ type: 'a.*' }, 1, 2, 1],
      [{ type: '*.*' }, 2, 3, 2],
      [{ type: '*d' }, 1, 1, 1],
      [{ type: 'z*' }, 0, 0, 0],
      [{ type: '*', event: two.id }, 1, 1, 1],
      [{ subject: 'order/7' }, 1, 2, 1],
      [{ subject: 'order' }, 0, 0, 0],
      [{ subject: 'order/7', event: one.id }, 1, 2, 1],
      [{ subject: 'order/7', event: two.id }, 0, 0, 0],
    ];
    for (const [query, events, deliveries, attempts] of narrow) {
      const whole = { tenant: 'default', limit: 50, ...query };
      const counts = [
        (await w.log.events(whole)).items.length,
        (await w.deliveries(query)).length,
        (await w.log.attempts(whole)).items.length,
      ];
      expect([query, ...counts]).toEqual([query, events, deliveries, attempts]);
    }
    const states: [Partial<LogQuery>, number][] = [
      [{ endpoint: a.id }, 2],
      [{ endpoint: b.id }, 1],
      [{ endpoint: 'ep_00000000000000000000000000' }, 0],
      [{ state: 'pending' }, 2],
      [{ state: 'failed' }, 1],
      [{ state: 'cancelled' }, 0],
      [{ state: 'pending', endpoint: b.id }, 1],
      [{ state: 'pending', type: 'c.d' }, 1],
      [{ state: 'failed', event: one.id }, 1],
      [{ state: 'pending', from: w.now }, 1],
      [{ state: 'failed', to: w.now }, 1],
      [{ state: 'failed', from: w.now }, 0],
      [{ state: 'failed', idempotencyKey: 'k' }, 1],
      [{ endpoint: a.id, event: one.id }, 1],
      [{ endpoint: a.id, subject: 'order/7' }, 1],
      [{ state: 'pending', subject: 'order/7' }, 1],
      [{ state: 'pending', type: 'c.*' }, 1],
    ];
    for (const [query, count] of states) {
      expect([query, (await w.deliveries(query)).length]).toEqual([query, count]);
    }
    const outcomes: [Partial<LogQuery>, number, number][] = [
      // what, deliveries, attempts
      [{ state: 'failed', endpoint: a.id }, 1, 1],
      [{ status: { least: 500, most: 500 } }, 1, 1],
      [{ status: { least: 500, most: 599 } }, 1, 1],
      [{ status: { least: 200, most: 299 } }, 0, 0],
      [{ status: { least: 500, most: 599 }, endpoint: b.id }, 0, 0],
      [{ status: { least: 500, most: 599 }, event: one.id }, 1, 1],
      [{ fault: 'timeout' }, 1, 1],
      [{ fault: 'timeout', state: 'pending' }, 1, 1],
      [{ fault: 'timeout', state: 'failed' }, 0, 0],
      [{ fault: 'timeout', type: 'c.d', endpoint: a.id, from: w.now }, 1, 1],
      [{ fault: 'tls' }, 0, 0],
    ];
    for (const [query, deliveries, attempts] of outcomes) {
      const whole = { tenant: 'default', limit: 9, ...query };
      const counts = [
        (await w.deliveries(query)).length,
        (await w.log.attempts(whole)).items.length,
      ];
      expect([query, ...counts]).toEqual([query, deliveries, attempts]);
    }
  },

  'a delivery that was given up shows how often it was tried': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'retry', at: w.now + 5000 } });
    await w.lanes.leave(node, w.now);
    const cancel = { ...keyOf(endpoint), event: key.event, run: 0, do: 'cancel' } as const;
    expect(await w.lanes.command([cancel], w.now)).toEqual(['applied']);
    for (const query of [{}, { event: key.event }, { state: 'cancelled' } as const]) {
      expect(await w.deliveries(query)).toMatchObject([
        { state: 'cancelled', attempts: 1, lastAttemptAt: w.now },
      ]);
    }
  },

  'whoever is told to try now is shown as due now': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    const key = await w.first(endpoint);
    await w.settle(node, endpoint, { key, next: { kind: 'retry', at: w.now + 5000 } });
    await w.lanes.leave(node, w.now);
    w.now += 1000;
    const command = { ...keyOf(endpoint), event: key.event, run: 0, do: 'retryNow' } as const;
    expect(await w.lanes.command([command], w.now)).toEqual(['applied']);
    for (const query of [{}, { event: key.event }, { state: 'pending' } as const]) {
      expect(await w.deliveries(query)).toMatchObject([{ state: 'pending', nextAt: w.now }]);
    }
  },

  'a pending delivery shows its last attempt and its next': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const node = await w.node();
    const at = w.now + 5000;
    await w.settle(node, endpoint, {
      key: await w.first(endpoint),
      next: { kind: 'retry', at },
    });
    expect(await w.deliveries()).toMatchObject([
      { state: 'pending', attempts: 1, status: 500, lastAttemptAt: w.now, nextAt: at },
    ]);
  },

  'the log is followed in its own order, over what belongs to others': async (w) => {
    const [mine, theirs] = [await w.endpoint(), await w.endpoint({ tenant: 'other' })];
    await w.feed(mine, 5);
    await w.feed(theirs, 3);
    const start = await w.log.tail('default', undefined, 10);
    expect(start).toMatchObject({ items: [], missed: false, behind: 0 });
    await settleAll(w, mine, 2);
    await settleAll(w, theirs, 3);
    await settleAll(w, mine, 2);
    const first = await w.log.tail('default', start.place, 3);
    expect(first).toMatchObject({ missed: false, behind: 1 });
    const second = await w.log.tail('default', first.place, 3);
    expect(second).toMatchObject({ missed: false, behind: 0 });
    const logged = (await w.log.attempts({ tenant: 'default', limit: 9 })).items.reverse();
    const rows = [...first.items, ...second.items];
    expect(rows.map(({ row }) => row)).toEqual(logged);
    const fromTheSecond = await w.log.tail('default', rows[0]?.place, 9);
    expect(fromTheSecond.items).toEqual(rows.slice(1));
    expect(await w.log.tail('default', second.place, 3)).toMatchObject({ items: [] });
    expect((await w.log.tail('other', start.place, 9)).items).toHaveLength(3);
  },

  'a place that the log has not come to is told to have missed something': async (w) => {
    const { place } = await w.log.tail('default', undefined, 9);
    expect(await w.log.tail('default', '99', 9)).toMatchObject({ missed: true, place });
  },

  'tenants never see each other’s rows': async (w) => {
    const tenants = ['a', 'b'];
    const made: { tenant: string; event: string; attempt: string; endpoint: string }[] = [];
    for (const tenant of tenants) {
      const endpoint = await w.endpoint({ tenant });
      const [event] = await w.feed(endpoint, 2);
      const node = await w.node();
      const key = await w.first(endpoint);
      await w.settle(node, endpoint, { key, next: { kind: 'failed' } });
      const { items } = await w.log.attempts({ tenant, limit: 9 });
      const [attempt] = items.map(({ id }) => id);
      made.push({ tenant, event: event?.id ?? '', attempt: attempt ?? '', endpoint: endpoint.id });
    }
    for (const { tenant, ...mine } of made) {
      const other = made.find((one) => one.tenant !== tenant);
      const theirs = { event: other?.event as never, endpoint: other?.endpoint as never };
      for (const read of ['events', 'deliveries', 'attempts'] as const) {
        const { items } = await w.log[read]({ tenant, limit: 50 });
        for (const item of items) expect(item.tenant).toBe(tenant);
        expect(items).toHaveLength(read === 'attempts' ? 1 : 2);
        expect((await w.log[read]({ tenant, limit: 50, event: theirs.event })).items).toEqual([]);
      }
      const ofTheirs = { tenant, limit: 50, endpoint: theirs.endpoint };
      expect((await w.log.deliveries(ofTheirs)).items).toEqual([]);
      for (const state of ['pending', 'failed'] as const) {
        expect((await w.log.deliveries({ ...ofTheirs, state })).items).toEqual([]);
      }
      expect(await w.log.event(tenant, theirs.event)).toBeUndefined();
      expect(await w.log.attempt(tenant, other?.attempt as never)).toBeUndefined();
      expect(await w.log.event(tenant, mine.event as never)).toBeDefined();
    }
  },
};

export const retentionCases: Cases = {
  'what was held too long fails as expired': async (w) => {
    const endpoint = await w.endpoint({ paused: true });
    await w.feed(endpoint, 25);
    w.now += 31 * DAY;
    const [young] = await w.feed(endpoint);
    expect(await w.maintain({ ...RETENTION, chunk: 10 })).toMatchObject({ expired: 25 });
    const failed = await w.deliveries({ endpoint: endpoint.id, state: 'failed' });
    expect(failed).toHaveLength(25);
    expect(failed[0]).toMatchObject({ fault: 'expired', attempts: 0 });
    expect((await w.due(endpoint)).map(({ event }) => event)).toEqual([young?.id]);
    expect((await w.log.stats(w.now)).pending).toBe(1);
  },

  'what a node holds is not expired under it, and nothing of it is removed': async (w) => {
    const endpoint = await w.endpoint();
    const [event] = await w.feed(endpoint);
    const node = await w.node();
    w.now += 31 * DAY;
    expect(await w.maintain()).toMatchObject({ expired: 0, removed: 0 });
    expect(await w.log.event('default', event?.id ?? 'evt_')).toBeDefined();
    const key = await w.first(endpoint);
    expect((await w.lanes.load([key]))[0]?.event).toBeDefined();
    await w.settle(node, endpoint, { key, next: { kind: 'succeeded' } });
  },

  'old events and their log go, young ones and all that is owed stay': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 12);
    await settleAll(w, endpoint, 12);
    await w.ingest(w.event([], { idempotencyKey: 'k' }));
    w.now += 29 * DAY;
    const young = await w.feed(endpoint, 3);
    await settleAll(w, endpoint, 1);
    w.now += 2 * DAY;
    expect(await w.maintain({ ...RETENTION, chunk: 5 })).toMatchObject({ removed: 25, expired: 0 });
    const { items } = await w.log.events({ tenant: 'default', limit: 50 });
    expect(ids(items).sort()).toEqual(young.map(({ id }) => id).sort());
    expect((await w.log.stats(w.now)).events).toBe(3);
    expect((await w.log.attempts({ tenant: 'default', limit: 50 })).items).toHaveLength(1);
    expect(await w.due(endpoint)).toHaveLength(2);
    // The id is free again once its event is gone.
    const again = w.event([], { idempotencyKey: 'k', data: Buffer.from('2') });
    expect(await w.ingest(again)).toMatchObject([{ duplicate: false }]);
  },

  'an event and its log go together, when the last of it is old': async (w) => {
    const [quick, paused] = [await w.endpoint(), await w.endpoint({ paused: true })];
    const event = w.event([laneOf(quick), laneOf(paused)]);
    await w.ingest(event);
    await settleAll(w, quick, 1);
    w.now += 31 * DAY;
    expect(await w.maintain()).toMatchObject({ expired: 1, removed: 0 });
    const states = (await w.deliveries({ event: event.id })).map(({ state }) => state);
    expect(states).toEqual(['succeeded', 'failed']);
    w.now += 31 * DAY;
    expect(await w.maintain()).toMatchObject({ removed: 3 });
    expect(await w.deliveries()).toEqual([]);
  },

  'whoever follows the log is told of what was removed, and misses nothing that comes': async (
    w,
  ) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 2);
    const before = await w.log.tail('default', undefined, 9);
    await settleAll(w, endpoint, 2);
    const after = await w.log.tail('default', undefined, 9);
    w.now += 31 * DAY;
    expect(await w.maintain()).toMatchObject({ removed: 4 });
    expect(await w.log.tail('default', before.place, 9)).toMatchObject({
      items: [],
      missed: true,
    });
    expect(await w.log.tail('default', after.place, 9)).toMatchObject({
      items: [],
      missed: false,
    });
    await w.feed(endpoint);
    await settleAll(w, endpoint, 1);
    const { items, missed } = await w.log.tail('default', after.place, 9);
    expect([items.length, missed]).toEqual([1, false]);
  },

  'what must stay keeps nothing behind it': async (w) => {
    const paused = await w.endpoint({ paused: true });
    await w.feed(paused, 7);
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 7);
    await settleAll(w, endpoint, 7);
    w.now += 31 * DAY;
    // That they expired is known for as long as any other outcome.
    expect(await w.maintain({ ...RETENTION, chunk: 3 })).toMatchObject({ expired: 7, removed: 14 });
    expect(await w.deliveries({ state: 'failed' })).toHaveLength(7);
    expect((await w.log.events({ tenant: 'default', limit: 50 })).items).toHaveLength(7);
    w.now += 31 * DAY;
    expect(await w.maintain({ ...RETENTION, chunk: 3 })).toMatchObject({ removed: 14 });
    expect(await w.log.stats(w.now)).toMatchObject({ events: 0, attempts: 0 });
  },

  'what a lost sender says of an event that is gone is not logged': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint);
    const zombie = await w.node();
    const key = await w.first(endpoint);
    w.now += 20_000;
    await w.lanes.reap(w.now);
    await settleAll(w, endpoint, 1);
    w.now += 31 * DAY;
    expect(await w.maintain()).toMatchObject({ removed: 2 });
    for (const kind of ['succeeded', 'failed'] as const) {
      await w.settle(zombie, endpoint, { key, next: { kind } });
    }
    expect((await w.log.attempts({ tenant: 'default', limit: 9 })).items).toEqual([]);
    expect(await w.deliveries()).toEqual([]);
    expect(await w.log.stats(w.now)).toMatchObject({ pending: 0, attempts: 0 });
  },

  'an event that is being removed is not owed again': async (w) => {
    const endpoint = await w.endpoint();
    const [event] = await w.feed(endpoint);
    await settleAll(w, endpoint, 1);
    w.now += 29 * DAY;
    const id = event?.id ?? 'evt_';
    expect(await w.requeue(endpoint, id)).toEqual({ kind: 'owed', run: 1 });
    w.now += 2 * DAY;
    expect(await w.maintain()).toMatchObject({ expired: 1 });
    expect(await w.requeue(endpoint, id)).toEqual({ kind: 'unknown' });
  },
};

export const durableLogCases: Cases = {
  'places in a log that was emptied are not given out again': async (w) => {
    const endpoint = await w.endpoint();
    await w.feed(endpoint, 2);
    await settleAll(w, endpoint, 2);
    const { place } = await w.log.tail('default', undefined, 9);
    w.now += 31 * DAY;
    await w.maintain();
    await w.open();
    await w.feed(endpoint);
    await settleAll(w, endpoint, 1);
    const { items, missed } = await w.log.tail('default', place, 9);
    expect([items.length, missed]).toEqual([1, false]);
  },
};

export const configCases: Cases = {
  'a change is refused unless the writer saw the last one, and then all of it': async (w) => {
    const { config } = w.store;
    const change = (id: string, expected: number | undefined, value: unknown = { a: 1 }) =>
      ({ kind: 'tenant', id, tenant: id, value, expected }) as const;
    const { version } = await config.put([change('a', 0)], w.now);
    await expect(config.put([change('b', 0), change('a', 0)], w.now)).rejects.toMatchObject({
      name: 'StoreError',
      kind: 'conflict',
    });
    expect(await config.read('tenant', 'b')).toBeUndefined();
    await config.put([change('a', version, { a: 2 })], w.now);
    expect(await config.read('tenant', 'a')).toMatchObject({ value: { a: 2 } });
    await config.put([change('a', undefined, null)], w.now);
    expect(await config.read('tenant', 'a')).toBeUndefined();
    await config.put([change('a', 0)], w.now);
  },

  'the change feed tells the last state of each thing, oldest change first': async (w) => {
    const { config } = w.store;
    const endpoint = await w.endpoint();
    const other = await w.endpoint();
    await w.put({ ...endpoint, name: 'new' });
    await w.remove(other);
    const { items, version } = await config.changes(0, 10);
    expect(items.map(({ id, value }) => [id, value === null])).toEqual([
      [endpoint.id, false],
      [other.id, true],
    ]);
    expect(version).toBe(w.version);
    const first = await config.changes(0, 1);
    expect(first.items.map(({ id }) => id)).toEqual([endpoint.id]);
    expect((await config.changes(first.version, 10)).items.map(({ id }) => id)).toEqual([other.id]);
    expect(await config.changes(version, 10)).toEqual({ version, items: [] });
  },

  'the change feed can leave kinds out, and is told how far it has been read': async (w) => {
    const { config } = w.store;
    const endpoint = await w.endpoint();
    const change = (id: string) =>
      ({ kind: 'event-type', id, tenant: 'default', value: { id }, expected: undefined }) as const;
    const { version } = await config.put([change('default/a'), change('default/b')], w.now);
    const routing = await config.changes(0, 10, ['endpoint', 'tenant']);
    expect(routing).toMatchObject({ version, items: [{ id: endpoint.id }] });
    expect(await config.changes(version, 10, ['endpoint'])).toEqual({ version, items: [] });
    const first = await config.changes(0, 1, ['event-type']);
    expect(first.items).toMatchObject([{ id: 'default/a', version: first.version }]);
    // Routing does not depend on them, so what was routed before them is not stale.
    expect(await w.request(w.event([laneOf(endpoint)]))).toMatchObject({ kind: 'accepted' });
  },

  'several values are read at once, those that exist': async (w) => {
    const { config } = w.store;
    const [one, two] = [await w.endpoint({ name: 'one' }), await w.endpoint()];
    await w.remove(two);
    const ids = [two.id, one.id, 'ep_none'];
    expect(await config.readMany('endpoint', ids)).toMatchObject([{ value: { name: 'one' } }]);
    expect(await config.readMany('tenant', ids)).toEqual([]);
    expect(await config.readMany('endpoint', [])).toEqual([]);
  },

  'lists of configuration page by id within a tenant': async (w) => {
    const made: string[] = [];
    for (let i = 0; i < 7; i++) made.push((await w.endpoint()).id);
    const other = await w.endpoint({ tenant: 'other' });
    const list = (tenant: string | undefined) =>
      everyPage((after) => w.store.config.list('endpoint', { tenant, limit: 3, after }));
    expect((await list('default')).map(({ id }) => id)).toEqual(made.toReversed());
    expect((await list('other')).map(({ id }) => id)).toEqual([other.id]);
    expect(await list(undefined)).toHaveLength(8);
  },

  'what is forgotten is gone, and versions go on from the newest change all the same': async (
    w,
  ) => {
    const { config } = w.store;
    const change = (id: string) =>
      ({ kind: 'session', id, tenant: '', value: { id }, expected: 0 }) as const;
    await config.put([change('ses_1')], w.now);
    const { version } = await config.put([change('ses_2')], w.now);
    await config.forget('session', ['ses_1', 'ses_2', 'ses_3']);
    const page = await config.list('session', { tenant: '', limit: 5, after: undefined });
    expect(page.items.map(({ id }) => id)).toEqual(['ses_2']);
    expect((await config.put([change('ses_4')], w.now)).version).toBe(version + 1);
    await config.forget('session', ['ses_2']);
    const { items } = await config.changes(0, 10);
    expect(items.map(({ id }) => id)).toEqual(['ses_4']);
  },

  'an endpoint keeps its number for ever, and none is given twice': async (w) => {
    const one = await w.endpoint();
    await w.remove(one);
    const two = await w.endpoint();
    const renewed = await w.put(makeEndpoint(one.id));
    expect(two.number).not.toBe(one.number);
    expect(renewed.number).toBe(one.number);
    await w.feed(renewed);
    expect(await w.acquired(await w.join())).toEqual([keyOf(renewed)]);
  },
};

const SAME: SentBody = { kind: 'same' };

function ids(rows: readonly { readonly id: string }[]): string[] {
  return rows.map(({ id }) => id);
}

/** Sends the first `count` due rows with success and gives the lane back. */
async function settleAll(w: World, endpoint: Endpoint, count: number): Promise<void> {
  const node = await w.node();
  const rows = (await w.due(endpoint)).slice(0, count);
  const results = rows.map((key) =>
    w.result(key, { kind: 'succeeded' }, { endpoint: endpoint.id, tenant: endpoint.tenant }),
  );
  await w.lanes.complete(node, { results, release: [] }, w.now);
  await w.lanes.leave(node, w.now);
}
