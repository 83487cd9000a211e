import { describe, expect, test } from 'vitest';
import {
  eventually,
  gate,
  nextAt,
  number,
  passBy,
  reaches,
  start,
  startReceiver,
  verifies,
} from './harness.suite.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The waits before attempts 2 to 10, without jitter. */
const SCHEDULE_MS = [
  ...[5000, 300_000, 1_800_000],
  ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR),
];
const tenant = 'default';

/** What delivery does the same whatever the store is. */
export function anywhere(): void {
  describe('an event', () => {
    test('goes to every endpoint that listens, once, and to no other', async () => {
      const app = await start();
      const receiver = await startReceiver(app.clock);
      const names = Array.from({ length: 10 }, (_, i) => `listens/${i}`);
      for (const name of names) {
        await app.endpoint({ url: receiver.url + name, eventTypes: ['a.*'] });
      }
      await app.endpoint({ url: `${receiver.url}other`, eventTypes: ['b.*'] });
      expect((await app.publish()).deliveries).toBe(10);
      await app.settled();
      const paths = receiver.requests.map(({ path }) => path.slice(1));
      expect(paths.toSorted()).toEqual(names.toSorted());
    });

    test('that is posted again is told so and not sent again; with other bytes it is refused', async () => {
      const app = await start();
      const receiver = await startReceiver(app.clock);
      await app.endpoint({ url: receiver.url });
      const first = await app.publish({ id: 'order-1', data: { n: 1 } });
      await receiver.request(1);
      const again = await app.publish({ id: 'order-1', data: { n: 1 } });
      expect(again).toEqual({ ...first, duplicate: true });
      await expect(app.publish({ id: 'order-1', data: { n: 2 } })).rejects.toMatchObject({
        status: 409,
      });
      await app.settled();
      expect(receiver.requests).toHaveLength(1);
    });
  });

  describe('the schedule', () => {
    test('ten attempts, each on time and at most a fifth late, then it failed', async () => {
      const app = await start();
      const receiver = await startReceiver(app.clock, () => 500);
      await app.endpoint({ url: receiver.url });
      const began = app.clock.now();
      await app.publish();
      for (const [i, wait] of SCHEDULE_MS.entries()) {
        const at = await nextAt(app, i + 1);
        expect(at - app.clock.now()).toBeGreaterThanOrEqual(wait);
        expect(at - app.clock.now()).toBeLessThan(wait * 1.2 + 1);
        app.clock.to(at);
        expect((await receiver.request(i + 2)).at).toBe(at);
      }
      const last = await app.delivery('the end', (d) => d.state !== 'pending');
      expect(last).toMatchObject({ state: 'failed', attempts: 10, status: 500, nextAt: null });
      expect(receiver.requests).toHaveLength(10);
      expect(app.clock.now() - began).toBeGreaterThanOrEqual(75 * HOUR);
    });

    test('Retry-After as a date counts from now', async () => {
      const app = await start();
      const at = app.clock.now() + 90_000;
      const receiver = await startReceiver(app.clock, () => ({
        status: 429,
        headers: { 'retry-after': new Date(at).toUTCString() },
      }));
      await app.endpoint({ url: receiver.url });
      await app.publish();
      const next = await nextAt(app, 1);
      expect(next).toBeGreaterThanOrEqual(at);
      expect(next).toBeLessThanOrEqual(at + 18_000);
    });

    test('the same bytes under the same id, signed anew with a fresh timestamp', async () => {
      const app = await start();
      const receiver = await startReceiver(app.clock, () => 500);
      const { secret } = await app.endpoint({ url: receiver.url });
      const { id } = await app.publish({ data: { text: 'grüße', n: 1.5 } });
      app.clock.to(await nextAt(app, 1));
      const [first, second] = [await receiver.request(1), await receiver.request(2)];
      expect(second.body.toString()).toBe(first.body.toString());
      expect([first.id, second.id]).toEqual([id, id]);
      expect([verifies(first, secret), verifies(second, secret)]).toEqual([true, true]);
      expect(second.headers['webhook-timestamp']).not.toBe(first.headers['webhook-timestamp']);
    });
  });

  describe('an endpoint that is gone', () => {
    test('410 disables at once: nothing is sent after, all of it waits, resume delivers it', async () => {
      const app = await start();
      let gone = true;
      const receiver = await startReceiver(app.clock, () => (gone ? 410 : 204));
      const { id: endpoint } = await app.endpoint({
        url: receiver.url,
        maxConcurrency: 1,
        eventTypes: ['a.b'],
      });
      await app.publishMany(20);
      const { disabled } = await eventually(async () => {
        const found = await app.api.getEndpoint({ tenant, endpoint });
        return found.disabled && found;
      }, 'it is disabled');
      expect(disabled?.reason).toBe('gone');
      await app.publish();
      app.clock.advance(DAY);
      await passBy(app);
      expect(receiver.requests).toHaveLength(1);
      const held = await app.deliveries(endpoint);
      expect(held.map(({ state }) => state)).toEqual(held.map(() => 'pending'));
      expect(held).toHaveLength(21);

      gone = false;
      await app.api.resumeEndpoint({ tenant, endpoint });
      await eventually(
        async () => (await app.deliveries(endpoint)).every((d) => d.state === 'succeeded'),
        'all delivered',
      );
      expect(new Set(receiver.ids()).size).toBe(21);
    });

    test('five days without a success disable, and a resume starts them anew', async () => {
      const app = await start();
      const receiver = await startReceiver(app.clock, () => 500);
      const retryPolicy = { base: DAY / 2000, factor: 1, attempts: 30, jitter: 0 };
      const { id: endpoint } = await app.endpoint({ url: receiver.url, retryPolicy });
      const isDisabled = async () => (await app.api.getEndpoint({ tenant, endpoint })).disabled;
      await app.publish();
      for (let n = 1; n <= 11; n++) {
        await app.delivery(`attempt ${n}`, (d) => d.attempts === n);
        if (n < 11) expect(await isDisabled()).toBeNull();
        if (n < 11) app.clock.advance(DAY / 2);
      }
      expect((await eventually(isDisabled, 'disabled'))?.reason).toBe('failing');
      await app.delivery('it waits', (d) => d.state === 'pending');

      await app.api.resumeEndpoint({ tenant, endpoint });
      app.clock.advance(DAY / 2);
      await app.delivery('attempt 12', (d) => d.attempts === 12);
      expect(await isDisabled()).toBeNull();
    });
  });

  describe('what an owner decides', () => {
    test('paused is matched and held, and resume sends it', async () => {
      const app = await start();
      const receiver = await startReceiver(app.clock);
      const { id: endpoint } = await app.endpoint({ url: receiver.url, eventTypes: ['a.b'] });
      await app.api.pauseEndpoint({ tenant, endpoint });
      expect((await app.publish()).deliveries).toBe(1);
      await passBy(app);
      expect(receiver.requests).toHaveLength(0);
      await app.api.resumeEndpoint({ tenant, endpoint });
      await receiver.request(1);
    });

    test('deleted is cancelled, in the log as well', async () => {
      const app = await start();
      const receiver = await startReceiver(app.clock, () => 500);
      const { id: endpoint } = await app.endpoint({ url: receiver.url, eventTypes: ['a.b'] });
      await app.publish();
      await app.delivery('it failed once', (d) => d.attempts === 1);
      await app.api.deleteEndpoint({ tenant, endpoint });
      await eventually(
        async () => (await app.deliveries())[0]?.state === 'cancelled',
        'cancelled',
        () => app.clock.advance(10),
      );
      app.clock.advance(DAY);
      await passBy(app);
      expect(receiver.requests).toHaveLength(1);
    });

    test('a pause and resume in between does not start it anew', async () => {
      const app = await start();
      const receiver = await startReceiver(app.clock);
      const { id: endpoint } = await app.endpoint({ url: receiver.url, rateLimit: 1 });
      await app.publish();
      await receiver.request(1);
      await eventually(async () => (await app.attempts()).length === 1, 'logged');
      await app.api.pauseEndpoint({ tenant, endpoint });
      await app.api.resumeEndpoint({ tenant, endpoint });
      await app.publish();
      await eventually(
        () => receiver.requests.length === 2,
        'the second',
        () => app.clock.advance(10),
      );
      const [first, second] = receiver.requests.map(({ at }) => at);
      expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(1000);
    });
  });

  describe('order', () => {
    test('per endpoint: kept through failures, one in flight, nothing passes the head', async () => {
      const app = await start();
      const receiver = await startReceiver(app.clock, (r) =>
        number(r) % 3 === 0 && r.n < 3 ? 500 : 204,
      );
      await app.endpoint({
        url: receiver.url,
        ordering: 'endpoint',
        retryPolicy: { schedule: [10, 20, 40], jitter: 0 },
      });
      await app.publishMany(10, (n) => ({ data: { n } }));
      await app.publishMany(5, (n) => ({ data: { n: n + 10 } }));
      const expected = Array.from({ length: 15 }, (_, n) => (n % 3 === 0 ? [n, n, n] : [n])).flat();
      await eventually(
        () => receiver.requests.length === expected.length,
        'all arrive',
        () => app.clock.advance(500),
      );
      expect(receiver.requests.map(number)).toEqual(expected);
      expect(receiver.inFlightMax).toBe(1);
    });

    test('by key: the same key in order, another passes', async () => {
      const app = await start();
      const stuck = gate();
      const receiver = await startReceiver(app.clock, async (r) => {
        if (number(r) === 0) await stuck.opened;
        return 204;
      });
      await app.endpoint({ url: receiver.url, ordering: 'key' });
      // 'a' and 'b' take different parts of the 16.
      await app.publishMany(6, (n) => ({ data: { n }, orderingKey: n % 2 ? 'b' : 'a' }));
      await eventually(
        () => receiver.requests.length === 4,
        'the other key passes',
        () => app.clock.advance(1),
      );
      expect(receiver.requests.map(number).filter((n) => n > 0)).toEqual([1, 3, 5]);
      stuck.open();
      await eventually(
        () => receiver.requests.length === 6,
        'the rest',
        () => app.clock.advance(1),
      );
      expect(receiver.requests.map(number).slice(4)).toEqual([2, 4]);
    });
  });

  test('after ten failures the backlog waits, one probes, and a success lets it through', async () => {
    const app = await start();
    let healthy = false;
    const receiver = await startReceiver(app.clock, () => (healthy ? 204 : 500));
    const retryPolicy = { schedule: [86_400], jitter: 0 };
    await app.endpoint({ url: receiver.url, maxConcurrency: 1, retryPolicy });
    await app.publishMany(100);
    await receiver.request(10);
    await app.attempted(10);
    await passBy(app);
    expect(receiver.requests).toHaveLength(10);
    app.clock.advance(1000);
    await app.attempted(12);
    expect(receiver.requests).toHaveLength(11);
    healthy = true;
    app.clock.advance(2000);
    await reaches(() => receiver.requests.length, 100);
  });

  test('a stop waits for what is in flight; nothing is lost, nothing doubled after it', async () => {
    const app = await start({ flags: { drain: '10m' } });
    const hold = gate();
    const receiver = await startReceiver(app.clock, async () => {
      await hold.opened;
      return 204;
    });
    await app.endpoint({ url: receiver.url, maxConcurrency: 5 });
    await app.publishMany(20);
    await receiver.request(5);
    const closed = app.close();
    await eventually(
      () =>
        fetch(`${app.app.url}/healthz`).then(
          (r) => !r.ok,
          () => true,
        ),
      'intake ends',
    );
    hold.open();
    await closed;
    const sent = receiver.requests.length;
    expect(sent).toBe(5);

    const again = await start({ directory: app.directory, clock: app.clock });
    await eventually(
      async () => (await again.deliveries()).every((d) => d.state === 'succeeded'),
      'the rest arrives',
    );
    expect(receiver.requests).toHaveLength(20);
    expect(new Set(receiver.ids()).size).toBe(20);
    expect((await again.attempts()).some((a) => a.afterCrash)).toBe(false);
  });
}
