import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { CaptureKey } from '../inbox.ts';
import { EXCHANGES_MAX } from '../inbox.ts';
import { type InboxCases, type InboxWorld, KEEP, OTHER, SHOP } from './inbox-world.suite.ts';

const DAY = 86_400_000;

/** What is captured, read back, kept and dropped. */
export const captureCases: InboxCases = {
  'captures of an inbox are numbered from 1 in the order they came, each inbox by itself': async (
    w,
  ) => {
    const first = await w.capture({}, OTHER, {}, { ...OTHER, method: 'PUT' });
    const second = await w.capture({});
    expect([...first, ...second].map(({ seq }) => seq)).toEqual([1, 1, 2, 2, 3]);
    expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(5);
    expect(await w.seqs()).toEqual([1, 2, 3]);
    expect(await w.seqs(OTHER)).toEqual([1, 2]);
    expect(await w.captures.counts([SHOP, OTHER])).toMatchObject([
      { head: 3, oldest: 1, captures: 3 },
      { head: 2, oldest: 1, captures: 2 },
    ]);
  },

  'a capture comes back byte for byte, sealed or not': async (w) => {
    for (const secretHead of [false, true]) {
      const body = randomBytes(300);
      const said = {
        method: 'PROPFIND',
        target: '/in/shop/%2e/a?b=c&b=d',
        pathAt: 3,
        bodyBytes: 300,
        remoteAddress: '2001:db8::1',
        type: 'user.created',
        messageId: 'msg_1',
        answeredBy: 'rule:1',
        status: 503,
      };
      const [{ id = '', seq = 0 } = {}] = await w.capture({ ...said, body, secretHead });
      const found = await w.captures.read({ ...SHOP, seq }, 1000);
      expect(found).toMatchObject({ ...said, id, receivedAt: w.now, truncated: false, note: '' });
      expect(Buffer.from(found?.body ?? '')).toEqual(body);
      expect(Buffer.from(found?.head ?? '')).toEqual(w.request().head);
      const [listed] = await w.items({ limit: 1 });
      expect(listed).toEqual(found);
    }
    expect(await w.captures.read({ ...SHOP, seq: 99 }, 1000)).toBeUndefined();
    expect(await w.captures.read({ ...OTHER, seq: 1 }, 1000)).toBeUndefined();
  },

  'a long body comes back in pieces, and not with lists': async (w) => {
    const body = randomBytes(700_001);
    const [{ seq = 0 } = {}] = await w.capture({ body });
    expect((await w.items())[0]).toMatchObject({ bodyBytes: 700_001, truncated: false });
    expect((await w.captures.read({ ...SHOP, seq }, 1000))?.body).toBeUndefined();
    expect(Buffer.compare(await wholeBody(w, { ...SHOP, seq }), body)).toBe(0);
    expect(await w.captures.body({ ...SHOP, seq: 9 }, 0)).toHaveLength(0);
  },

  'a body that was cut says so': async (w) => {
    await w.capture({ body: Buffer.from('abc'), bodyBytes: 9 }, { body: Buffer.of() });
    expect(await w.items({ after: 0 })).toMatchObject([
      { truncated: true, bodyBytes: 9 },
      { truncated: false, bodyBytes: 0 },
    ]);
  },

  'lists page both ways, without loss or repeats while more comes in': async (w) => {
    await w.feed(10);
    const newest: number[] = [];
    let before: number | undefined;
    do {
      const page = await w.captures.list({ ...SHOP, before, limit: 3, bodyBytesMax: 0 });
      newest.push(...page.items.map(({ seq }) => seq));
      before = page.next === undefined ? undefined : Number(page.next);
      await w.feed(1);
    } while (before !== undefined);
    expect(newest).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    const { items, next } = await w.captures.list({
      ...SHOP,
      after: 4,
      limit: 3,
      bodyBytesMax: 0,
    });
    expect(items.map(({ seq }) => seq)).toEqual([5, 6, 7]);
    expect(next).toBe('7');
    expect(await w.items(OTHER)).toEqual([]);
  },

  'a page with long bodies is short, but never empty': async (w) => {
    const body = randomBytes(200_000);
    await w.feed(20, { body });
    const page = await w.captures.list({ ...SHOP, limit: 20, bodyBytesMax: 250_000 });
    expect(page.items.length).toBeGreaterThan(3);
    expect(page.items.length).toBeLessThan(10);
    expect(page.next).toBe(String(page.items.at(-1)?.seq));
  },

  'beyond the number or the bytes that are kept the oldest go': async (w) => {
    const keep = { ...KEEP, captures: 3 };
    const fed = await w.feed(5, { keep });
    expect(fed.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(2);
    expect(await w.seqs()).toEqual([3, 4, 5]);
    await w.feed(1, { keep });
    expect(await w.seqs()).toEqual([4, 5, 6]);
    expect(await w.captures.counts([SHOP])).toMatchObject([{ head: 6, oldest: 4, captures: 3 }]);
    const body = randomBytes(1000);
    await w.feed(3, { body, keep: { ...KEEP, bytes: 2200 } });
    expect(await w.seqs()).toEqual([8, 9]);
    await w.feed(1, { body: randomBytes(9000), keep: { ...KEEP, bytes: 2200 } });
    expect(await w.seqs()).toEqual([10]);
  },

  'bounds that are lowered are applied at once, others by housekeeping': async (w) => {
    await w.feed(5);
    await w.captures.keep(SHOP, { ...KEEP, captures: 2 });
    expect(await w.seqs()).toEqual([4, 5]);
    w.now += DAY / 2;
    await w.feed(1);
    w.now += DAY / 2 + 1;
    await w.maintain(1);
    expect(await w.seqs()).toEqual([6]);
    expect(await w.captures.counts([SHOP])).toMatchObject([{ head: 6, captures: 1 }]);
  },

  'of an inbox that is gone nothing is left, in steps, and others keep theirs': async (w) => {
    await w.feed(7);
    await w.capture({ ...OTHER, body: randomBytes(600_000) });
    await w.attached('laptop');
    await w.captures.keep(SHOP, null);
    expect(await w.store.maintain(3, w.now)).toBeTypeOf('boolean');
    await w.maintain(3);
    expect(await w.items()).toEqual([]);
    expect(await w.listeners.list(SHOP, w.now)).toEqual([]);
    expect(await w.captures.counts([SHOP])).toEqual([
      { head: 0, oldest: 1, captures: 0, bytes: 0 },
    ]);
    expect(await w.seqs(OTHER)).toEqual([1]);
  },

  'removed captures are gone with all that belongs to them': async (w) => {
    await w.capture({}, { body: randomBytes(600_000), messageId: 'm' }, {});
    await w.captures.record([w.exchange(2)]);
    expect(await w.captures.remove(SHOP, [2, 9])).toBe(1);
    expect(await w.captures.remove(OTHER, [1])).toBe(0);
    expect(await w.seqs()).toEqual([1, 3]);
    expect(await w.captures.exchanges({ ...SHOP, seq: 2 })).toEqual([]);
    expect(await w.captures.sameMessage(SHOP, 'm', 9)).toEqual([]);
    const [counts] = await w.captures.counts([SHOP]);
    expect(counts).toMatchObject({ head: 3, captures: 2 });
    expect(counts?.bytes).toBeLessThan(1000);
    await w.feed(1);
    expect(await w.seqs()).toEqual([1, 3, 4]);
  },

  'notes and bookmarks change what they name': async (w) => {
    await w.feed(2);
    const key = { ...SHOP, seq: 1 };
    expect(await w.captures.mark(key, { note: 'look' })).toBe(true);
    expect(await w.captures.mark(key, { bookmarked: true })).toBe(true);
    expect(await w.captures.read(key, 0)).toMatchObject({ note: 'look', bookmarked: true });
    expect(await w.captures.mark(key, { bookmarked: false })).toBe(true);
    expect(await w.captures.read(key, 0)).toMatchObject({ note: 'look', bookmarked: false });
    expect(await w.captures.mark({ ...SHOP, seq: 9 }, { note: 'x' })).toBe(false);
    expect(await w.captures.mark({ ...OTHER, seq: 1 }, { note: 'x' })).toBe(false);
  },

  'what became of a capture is logged with it, and the last of it shows in lists': async (w) => {
    await w.feed(2);
    const key = { ...SHOP, seq: 1 };
    const plain = w.exchange(1, { status: undefined, error: 'refused' });
    const sealed = w.exchange(1, {
      kind: 'replay',
      to: 'https://b.test/',
      requestHead: Buffer.from('POST / HTTP/1.1\r\nA: b\r\n'),
      requestBody: Buffer.from('edited'),
      responseTruncated: true,
      secretHeads: true,
    });
    await w.captures.record([plain, w.exchange(99), sealed, { ...w.exchange(1), ...OTHER }]);
    const { slot: _, inbox: __, seq: ___, secretHeads: ____, ...logged } = sealed;
    const [first, second, ...more] = await w.captures.exchanges(key);
    expect(more).toEqual([]);
    expect(first).toMatchObject({ error: 'refused', status: undefined, requestBody: undefined });
    expect(textOf(second)).toEqual(textOf(logged));
    expect(await w.captures.read(key, 0)).toMatchObject({ status: 200, exchanges: 2 });
    expect(await w.captures.read({ ...SHOP, seq: 2 }, 0)).toMatchObject({ exchanges: 0 });
  },

  'of very many exchanges the last are kept': async (w) => {
    await w.feed(1);
    const many = Array.from({ length: EXCHANGES_MAX + 3 }, (_, at) => w.exchange(1, { at }));
    await w.captures.record(many);
    const kept = await w.captures.exchanges({ ...SHOP, seq: 1 });
    expect(kept.map(({ at }) => at)).toEqual(many.slice(3).map(({ at }) => at));
    expect((await w.items())[0]?.exchanges).toBe(EXCHANGES_MAX);
  },

  'captures are counted by who answered, and found by the id of their sender': async (w) => {
    await w.capture(
      { messageId: 'a' },
      { answeredBy: 'rule:1', messageId: 'b' },
      { answeredBy: 'rule:1', messageId: 'a' },
      { ...OTHER, messageId: 'a' },
    );
    expect([...(await w.captures.answered(SHOP))].sort()).toEqual([
      ['default', 1],
      ['rule:1', 2],
    ]);
    const ids = await w.ids();
    expect(await w.captures.sameMessage(SHOP, 'a', 9)).toEqual([ids[0], ids[2]]);
    expect(await w.captures.sameMessage(SHOP, 'a', 1)).toEqual([ids[0]]);
  },
};

export const durableCaptureCases: InboxCases = {
  'captures, exchanges and numbers outlive the store': async (w) => {
    await w.feed(3);
    await w.captures.record([w.exchange(2)]);
    const before = await w.items();
    await w.open();
    expect(await w.items()).toEqual(before);
    expect(await w.captures.exchanges({ ...SHOP, seq: 2 })).toHaveLength(1);
    expect((await w.feed(1))[0]?.seq).toBe(4);
  },
};

async function wholeBody(w: InboxWorld, key: CaptureKey): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; ; ) {
    const piece = await w.captures.body(key, at);
    if (piece.length === 0) return Buffer.concat(pieces);
    pieces.push(piece);
    at += piece.length;
  }
}

/** Bytes as text, so that engines may use any kind of array. */
function textOf(value: object | undefined): unknown {
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([name, field]) => [
      name,
      field instanceof Uint8Array ? Buffer.from(field).toString('latin1') : field,
    ]),
  );
}
