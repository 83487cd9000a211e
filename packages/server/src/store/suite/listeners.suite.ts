import { expect } from 'vitest';
import { LISTENERS_MAX, type ListenerKey } from '../inbox.ts';
import { type InboxCases, KEEP, OTHER, SHOP, TTL_MS } from './inbox-world.suite.ts';

const laptop: ListenerKey = { ...SHOP, name: 'laptop' };

/** Who listens, and how far each has come. */
export const listenerCases: InboxCases = {
  'a new listener starts behind all that is there, and goes on where it stopped': async (w) => {
    await w.feed(3);
    const first = await w.attached('laptop');
    expect(first).toMatchObject({ generation: 1, acked: 3, done: [], gap: undefined });
    await w.feed(4);
    const { attachment, generation } = first;
    const acks = [{ ...laptop, attachment, generation, acked: 5, done: [7] }];
    expect(await w.listeners.ack(acks, w.now)).toEqual([true]);
    await w.listeners.detach(laptop, attachment, w.now);
    const second = await w.attached('laptop');
    expect(second).toMatchObject({ generation: 2, acked: 5, done: [7], counts: { head: 7 } });
    expect(await w.listeners.list(SHOP, w.now)).toMatchObject([
      { name: 'laptop', acked: 5, done: [7], attachments: [{ attachment: second.attachment }] },
    ]);
  },

  'a listener may start anywhere': async (w) => {
    await w.feed(2);
    w.now += 1000;
    await w.feed(3);
    const acked = async (from: Parameters<typeof w.attach>[1]) =>
      (await w.attached('laptop', from)).acked;
    expect(await acked({ from: { kind: 'start' } })).toBe(0);
    expect(await acked({ from: { kind: 'acked' } })).toBe(0);
    expect(await acked({ from: { kind: 'after', seq: 4 } })).toBe(4);
    expect(await acked({ from: { kind: 'after', seq: 99 } })).toBe(5);
    expect(await acked({ from: { kind: 'since', at: w.now } })).toBe(2);
    expect(await acked({ from: { kind: 'since', at: w.now + 1 } })).toBe(5);
    expect(await acked({ from: { kind: 'now' } })).toBe(5);
    expect(await w.listeners.seek(laptop, { kind: 'after', seq: 1 })).toBe(true);
    expect(await acked({ from: { kind: 'acked' } })).toBe(1);
    expect(await w.listeners.seek({ ...laptop, name: 'x' }, { kind: 'now' })).toBe(false);
  },

  'what was dropped before it was seen is stated once': async (w) => {
    await w.attached('laptop');
    await w.feed(6, { keep: { ...KEEP, captures: 2 } });
    expect(await w.attached('laptop')).toMatchObject({ acked: 4, gap: { from: 1, to: 4 } });
    expect(await w.attached('laptop')).toMatchObject({ acked: 4, gap: undefined });
  },

  'the same owner takes over, another does only if it says so': async (w) => {
    const first = await w.attached('laptop');
    const second = await w.attached('laptop');
    expect(second).toMatchObject({ generation: 2, replaced: [first.attachment] });
    const refused = await w.attach('laptop', { owner: 'key_b' });
    expect(refused).toMatchObject({ kind: 'held', by: { attachment: second.attachment } });
    const third = await w.attached('laptop', { owner: 'key_b', takeOver: true });
    expect(third).toMatchObject({ generation: 3, replaced: [second.attachment] });
  },

  'who was replaced acknowledges nothing any more': async (w) => {
    const old = await w.attached('laptop', { from: { kind: 'start' } });
    await w.feed(5);
    const now = await w.attached('laptop');
    const ack = (of: typeof old, acked: number) => ({
      ...laptop,
      attachment: of.attachment,
      generation: of.generation,
      acked,
      done: [],
    });
    expect(await w.listeners.ack([ack(old, 5), ack(now, 2)], w.now)).toEqual([false, true]);
    await w.listeners.detach(laptop, old.attachment, w.now);
    expect(await w.listeners.list(SHOP, w.now)).toMatchObject([{ acked: 2, attachments: [{}] }]);
  },

  'listeners of other names all get everything; an exclusive one wants the inbox alone': async (
    w,
  ) => {
    const a = await w.attached('a');
    const b = await w.attached('b', { owner: 'key_b' });
    expect(await w.attach('c', { mode: 'exclusive' })).toMatchObject({ kind: 'held' });
    const c = await w.attached('c', { mode: 'exclusive', takeOver: true });
    expect([...c.replaced].sort()).toEqual([a.attachment, b.attachment].sort());
    expect(await w.attach('a', { owner: 'key_b' })).toMatchObject({ kind: 'held' });
    expect(await w.attached('a', OTHER)).toMatchObject({ replaced: [] });
  },

  'a shared listener gives each capture to one attachment, and what a lost one left to another':
    async (w) => {
      const share = { mode: 'share', from: { kind: 'start' } } as const;
      const a = await w.attached('laptop', share);
      const b = await w.attached('laptop', { mode: 'share', owner: 'key_b' });
      await w.feed(6);
      expect(await w.listeners.claim(laptop, a.attachment, 2)).toEqual([1, 2]);
      expect(await w.listeners.claim(laptop, b.attachment, 3)).toEqual([3, 4, 5]);
      const ack = (of: typeof a, done: number[]) => ({
        ...laptop,
        attachment: of.attachment,
        generation: of.generation,
        acked: 0,
        done,
      });
      await w.listeners.ack([ack(b, [3, 5]), ack(a, [1])], w.now);
      expect(await w.listeners.list(SHOP, w.now)).toMatchObject([{ acked: 1, done: [3, 5] }]);
      await w.listeners.detach(laptop, a.attachment, w.now);
      expect(await w.listeners.claim(laptop, b.attachment, 9)).toEqual([2, 6]);
      expect(await w.listeners.claim(laptop, a.attachment, 9)).toEqual([]);
      await w.listeners.ack([ack(b, [2, 4, 6])], w.now);
      expect(await w.listeners.list(SHOP, w.now)).toMatchObject([{ acked: 6, done: [] }]);
      const alone = await w.attached('laptop', { owner: 'key_b' });
      expect(alone.replaced).toEqual([b.attachment]);
    },

  'an attachment lives as long as it is renewed': async (w) => {
    const a = await w.attached('a', { owner: 'key_b' });
    const b = await w.attached('b');
    w.now += TTL_MS - 1;
    expect(await w.listeners.renew([a.attachment, 'nobody'], TTL_MS, w.now)).toEqual(['nobody']);
    w.now += TTL_MS - 1;
    expect(
      (await w.listeners.list(SHOP, w.now)).map(({ attachments }) => attachments.length),
    ).toEqual([1, 0]);
    expect(await w.listeners.renew([a.attachment, b.attachment], TTL_MS, w.now)).toEqual([
      b.attachment,
    ]);
    w.now += TTL_MS + 1;
    expect(await w.attached('a')).toMatchObject({ generation: 2, replaced: [] });
  },

  'who waits is answered by the responder that is there longest': async (w) => {
    expect(await w.listeners.responders([SHOP], w.now)).toEqual([undefined]);
    await w.attached('quiet', { responder: false });
    const b = await w.attached('b');
    w.now += 1;
    await w.attached('a');
    expect(await w.listeners.responders([SHOP, OTHER], w.now)).toMatchObject([
      { listener: 'b' },
      undefined,
    ]);
    await w.listeners.detach({ ...SHOP, name: 'b' }, b.attachment, w.now);
    expect(await w.listeners.responders([SHOP], w.now)).toMatchObject([{ listener: 'a' }]);
  },

  'listeners are bounded, and a removed one makes room and ends its attachment': async (w) => {
    for (let i = 0; i < LISTENERS_MAX; i++) await w.attached(`l${i}`);
    expect(await w.attach('more')).toEqual({ kind: 'full', listenersMax: LISTENERS_MAX });
    expect(await w.attached('l3')).toMatchObject({ generation: 2 });
    const attachments = (await w.listeners.list(SHOP, w.now)).flatMap((one) => one.attachments);
    const held = attachments.find(({ listener }) => listener === 'l3')?.attachment ?? '';
    expect(await w.listeners.remove({ ...SHOP, name: 'l3' })).toBe(true);
    expect(await w.listeners.remove({ ...SHOP, name: 'l3' })).toBe(false);
    expect(await w.listeners.renew([held], TTL_MS, w.now)).toEqual([held]);
    expect(await w.attached('more')).toMatchObject({ generation: 1 });
  },
};

export const durableListenerCases: InboxCases = {
  'cursors outlive the store, attachments do not': async (w) => {
    const { attachment, generation } = await w.attached('laptop');
    await w.feed(4);
    await w.listeners.ack([{ ...laptop, attachment, generation, acked: 2, done: [4] }], w.now);
    await w.open();
    expect(await w.listeners.list(SHOP, w.now)).toMatchObject([
      { name: 'laptop', acked: 2, done: [4], attachments: [] },
    ]);
    expect(await w.attached('laptop', { owner: 'key_b' })).toMatchObject({ acked: 2, done: [4] });
  },
};
