import { expect } from 'vitest';
import type { Endpoint } from '../../core/model.ts';
import { parseSearch, type SearchText } from '../../core/words.ts';
import type { AttemptRecord, LogQuery, NewEvent, Next } from '../store.ts';
import { type Cases, DAY, everyPage, laneOf, RETENTION, type World } from './world.suite.ts';

/** What is found by its words, and in what order. */

function words(text: string): SearchText {
  const parsed = parseSearch(text);
  if (typeof parsed === 'string') throw new Error(parsed);
  return parsed;
}

function asked(text: string, more: Partial<LogQuery> = {}): LogQuery {
  return { tenant: 'default', limit: 50, text: words(text), ...more };
}

async function found(w: World, text: string, more: Partial<LogQuery> = {}): Promise<string[]> {
  const query = asked(text, more);
  const events = await everyPage((cursor) => w.log.events({ ...query, cursor }));
  return events.map(({ id }) => id);
}

async function store(
  w: World,
  endpoint: Endpoint,
  said: Omit<Partial<NewEvent>, 'data'> & { data: unknown },
) {
  const data = Buffer.from(JSON.stringify(said.data));
  const event = w.event([laneOf(endpoint)], { tenant: endpoint.tenant, ...said, data });
  await w.ingest(event);
  return event;
}

/** One attempt of what is due first. */
async function attempt(
  w: World,
  endpoint: Endpoint,
  next: Next,
  said: Partial<AttemptRecord> = {},
): Promise<void> {
  const node = await w.node();
  const { id, tenant } = endpoint;
  const result = w.result(await w.first(endpoint), next, { endpoint: id, tenant, ...said });
  await w.lanes.complete(node, { results: [result], release: [] }, w.now);
  await w.lanes.leave(node, w.now);
}

const body = (text: string) => ({ responseBody: Buffer.from(text) });

export const searchCases: Cases = {
  'an event is found by the values of its data, whole or by how they begin': async (w) => {
    const endpoint = await w.endpoint();
    const data = { customer: { mail: 'Alice@Example.com', no: 4711 }, note: 'Straße №5 — «да»' };
    const { id } = await store(w, endpoint, { data });
    await store(w, endpoint, { data: { customer: 'bob' } });
    const finds = ['alice', 'ALICE example', 'alice@example.com', '4711', 'exam*', 'straße да'];
    for (const text of finds) expect([text, await found(w, text)]).toEqual([text, [id]]);
    const misses = ['customer alice', 'lice', 'exampl', 'alice bob', 'examb*', 'true'];
    for (const text of misses) expect([text, await found(w, text)]).toEqual([text, []]);
  },

  'and by its type, its subject and the key that it came with': async (w) => {
    const endpoint = await w.endpoint();
    const meta = JSON.stringify({ subject: 'order/7', actor: { id: 'u_9', type: 'user' } });
    const said = { type: 'order.paid', meta, idempotencyKey: 'req-0815', data: {} };
    const { id } = await store(w, endpoint, said);
    for (const text of ['paid', 'order/7', '0815', 'u_9', 'req-0815 paid']) {
      expect([text, await found(w, text)]).toEqual([text, [id]]);
    }
  },

  'headers of an event can be secrets: their words find nothing': async (w) => {
    const endpoint = await w.endpoint();
    const headers = [{ name: 'x-token', value: 'hunter2' }];
    const { id } = await store(w, endpoint, {
      meta: JSON.stringify({ headers, channels: ['eu'] }),
      data: {},
    });
    expect([await found(w, 'hunter2'), await found(w, 'hun*'), await found(w, 'token')]).toEqual([
      [],
      [],
      [],
    ]);
    expect(await found(w, 'eu')).toEqual([id]);
  },

  'a failed attempt is found by what the receiver answered, and by its fault': async (w) => {
    const endpoint = await w.endpoint();
    const event = await store(w, endpoint, { data: { order: 'first' } });
    const again = { kind: 'retry', at: w.now } as const;
    await attempt(w, endpoint, again, { status: 503, ...body('upstream maintenance') });
    const broken = { status: undefined, fault: 'tls', detail: 'certificate expired' } as const;
    await attempt(w, endpoint, { kind: 'failed' }, { ...broken, ...body('') });
    await store(w, endpoint, { data: { order: 'second' } });
    await attempt(w, endpoint, { kind: 'succeeded' }, body('thanks'));
    for (const text of ['maintenance', '503', 'tls expired', 'first maintenance certif*']) {
      expect([text, await found(w, text)]).toEqual([text, [event.id]]);
    }
    expect(await found(w, 'thanks')).toEqual([]);
    const { items } = await w.log.attempts(asked('maintenance'));
    expect(items.map(({ status }) => status)).toEqual([undefined, 503]);
    expect(await w.deliveries(asked('maintenance'))).toMatchObject([{ state: 'failed' }]);
  },

  'bytes that are no text are not read': async (w) => {
    const endpoint = await w.endpoint();
    await store(w, endpoint, { data: {} });
    const bytes = Buffer.concat([Buffer.from('hidden '), Buffer.of(0xff, 0xfe), Buffer.from(' x')]);
    await attempt(w, endpoint, { kind: 'failed' }, { responseBody: bytes });
    expect(await found(w, 'hidden')).toEqual([]);
  },

  'the other filters narrow a search': async (w) => {
    const [a, b] = [await w.endpoint(), await w.endpoint()];
    const meta = JSON.stringify({ subject: 's' });
    const one = await store(w, a, { type: 'a.x', meta, data: { w: 'word' } });
    w.now += 1000;
    const two = await store(w, b, { type: 'b.x', idempotencyKey: 'k', data: { w: 'word' } });
    await attempt(w, a, { kind: 'failed' }, { type: 'a.x' });
    const all = [two.id, one.id];
    const narrow: [Partial<LogQuery>, string[]][] = [
      [{}, all],
      [{ type: 'a.x' }, [one.id]],
      [{ type: '*.x' }, all],
      [{ type: 'c.*' }, []],
      [{ subject: 's' }, [one.id]],
      [{ from: w.now }, [two.id]],
      [{ to: w.now }, [one.id]],
      [{ idempotencyKey: 'k' }, [two.id]],
      [{ event: one.id }, [one.id]],
    ];
    for (const [query, ids] of narrow) {
      expect([query, await found(w, 'word', query)]).toEqual([query, ids]);
      const rows = await w.deliveries(asked('word', query));
      expect([query, rows.map(({ event }) => event)]).toEqual([query, ids]);
    }
    expect(await found(w, 'other', { event: one.id })).toEqual([]);
    const states: [Partial<LogQuery>, string[]][] = [
      [{ endpoint: b.id }, [two.id]],
      [{ state: 'pending' }, [two.id]],
      [{ state: 'failed' }, [one.id]],
      [{ state: 'succeeded' }, []],
      [{ status: { least: 500, most: 599 } }, [one.id]],
      [{ status: { least: 500, most: 500 } }, [one.id]],
      [{ status: { least: 501, most: 501 } }, []],
      [{ fault: 'connect_refused' }, []],
    ];
    for (const [query, ids] of states) {
      const rows = await w.deliveries(asked('word', query));
      expect([query, rows.map(({ event }) => event)]).toEqual([query, ids]);
    }
  },

  'a search pages through events, newest first, and through what each of them has': async (w) => {
    const endpoints = [await w.endpoint(), await w.endpoint(), await w.endpoint()];
    const lanes = endpoints.map(laneOf);
    const data = Buffer.from('{"w":"word"}');
    const events = Array.from({ length: 7 }, () => w.event(lanes, { data }));
    await w.ingest(...events);
    for (const endpoint of endpoints) {
      for (let n = 0; n < 2; n++) await attempt(w, endpoint, { kind: 'retry', at: w.now + 9 });
    }
    const newest = events.map(({ id }) => id).toReversed();
    expect(await found(w, 'word', { limit: 2 })).toEqual(newest);
    const rows = await w.deliveries(asked('word', { limit: 2 }));
    expect(rows.map(({ event, lane }) => [event, lane])).toEqual(
      newest.flatMap((id) => lanes.map((lane) => [id, lane])),
    );
    const query = asked('word', { limit: 2 });
    const attempts = await everyPage((cursor) => w.log.attempts({ ...query, cursor }));
    const whole = (await w.log.attempts({ tenant: 'default', limit: 50 })).items;
    expect(attempts).toHaveLength(6);
    const byEvent = whole.toSorted((x, y) => newest.indexOf(x.event) - newest.indexOf(y.event));
    expect(attempts).toEqual(byEvent);
  },

  'nobody finds what is another’s': async (w) => {
    const [mine, theirs] = [await w.endpoint(), await w.endpoint({ tenant: 'other' })];
    const { id } = await store(w, mine, { data: { w: 'shared' } });
    const other = await store(w, theirs, { data: { w: 'shared secret' } });
    await attempt(w, theirs, { kind: 'failed' }, body('whispered'));
    expect(await found(w, 'shared')).toEqual([id]);
    expect(await found(w, 'secret')).toEqual([]);
    expect(await found(w, 'whispered')).toEqual([]);
    expect(await found(w, 'sha*', { tenant: 'other' })).toEqual([other.id]);
    expect(await found(w, 'whispered', { tenant: 'other' })).toEqual([other.id]);
    expect(await found(w, 'shared', { tenant: 'third' })).toEqual([]);
  },

  'what was taken from an event is not found any more': async (w) => {
    const endpoint = await w.endpoint();
    const { id } = await store(w, endpoint, { data: { w: 'word' } });
    await attempt(w, endpoint, { kind: 'failed' }, body('answer'));
    expect(await found(w, 'word answer')).toEqual([id]);
    w.now += 2 * DAY;
    await w.maintain({ ...RETENTION, payloadMs: DAY });
    for (const text of ['word', 'answer', 'created']) {
      expect(await found(w, text)).toEqual([]);
      expect(await found(w, text, { event: id })).toEqual([]);
      expect((await w.log.attempts(asked(text))).items).toEqual([]);
    }
    w.now += 40 * DAY;
    await w.maintain();
    expect(await found(w, 'word')).toEqual([]);
  },

  'a page says up to when everything can be found': async (w) => {
    const endpoint = await w.endpoint();
    await store(w, endpoint, { data: { w: 'word' } });
    for (let more = true; more; ) {
      more = (await w.stats.follow({ rows: 100, docs: 100 }, w.now)).moreDocs;
    }
    expect((await w.log.events(asked('word'))).searchedTo).toBeUndefined();
    expect((await w.log.events(asked('nothing'))).searchedTo).toBeUndefined();
  },
};
