import { describe, expect, test } from 'vitest';
import { CreepingClock, eventually, gate, number, start, startReceiver } from './harness.suite.ts';

/** Most entries in any window of one second. */
function busiestSecond(times: readonly number[]): number {
  return Math.max(...times.map((t) => times.filter((u) => u > t - 1000 && u <= t).length));
}

describe('concurrency', () => {
  test.each([
    [undefined, 16],
    [3, 3],
    [40, 40],
  ])('maxConcurrency %s: never more than %i at the receiver', async (maxConcurrency, most) => {
    const app = await start();
    const hold = gate();
    const receiver = await startReceiver(app.clock, async () => {
      await hold.opened;
      return 204;
    });
    await app.endpoint({
      url: receiver.url,
      ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
    });
    for (let i = 0; i < 4; i++) await app.publishMany(30);
    await receiver.request(most);
    // Another endpoint's delivery proves that the worker went on looking.
    const other = await startReceiver(app.clock);
    await app.endpoint({ url: other.url, eventTypes: ['other'] });
    await app.publish({ type: 'other' });
    await other.request(1);
    expect(receiver.inFlight).toBe(most);
    hold.open();
    await eventually(() => receiver.requests.length === 121, 'all arrive');
    expect(receiver.inFlightMax).toBe(most);
  });

  test('a raised limit widens a busy lane', async () => {
    const app = await start();
    const hold = gate();
    const receiver = await startReceiver(app.clock, async () => {
      await hold.opened;
      return 204;
    });
    const { id } = await app.endpoint({ url: receiver.url, maxConcurrency: 1 });
    await app.publishMany(30);
    await receiver.request(1);
    await app.update(id, { maxConcurrency: 8 });
    await eventually(() => receiver.inFlight === 8, 'eight in flight');
    hold.open();
  });

  test('an event that another endpoint gets in order is not kept waiting for it', async () => {
    const app = await start();
    const hold = gate();
    const receiver = await startReceiver(app.clock, async () => {
      await hold.opened;
      return 204;
    });
    await app.endpoint({ url: `${receiver.url}plain` });
    await app.endpoint({ url: `${receiver.url}ordered`, ordering: 'endpoint' });
    await app.publish();
    await receiver.request(2);
    await app.publish();
    // No time passes, and nothing has been answered.
    expect(await receiver.request(3)).toMatchObject({ path: '/plain' });
    hold.open();
  });

  test('a receiver that asks for less gets fewer at a time', async () => {
    const app = await start();
    let refusing = true;
    let hold = gate();
    const receiver = await startReceiver(app.clock, async () => {
      const status = refusing ? 429 : 204;
      await hold.opened;
      return status;
    });
    await app.endpoint({ url: receiver.url, retryPolicy: { schedule: [3600], jitter: 0 } });
    await app.publishMany(16);
    await receiver.request(16);
    await app.publishMany(100);
    // Two refusals halve twice; the others are still held.
    const first = hold;
    hold = gate();
    refusing = false;
    first.open();
    await app.delivery('refused', (d) => d.attempts === 1);
    await eventually(async () => (await app.attempts()).length >= 16, 'all refusals logged');
    app.clock.advance(30_000);
    await receiver.request(17);
    await app.publish();
    expect(receiver.inFlight).toBe(1);
    hold.open();
    await eventually(
      () => receiver.requests.length >= 117,
      'it goes on',
      () => app.clock.advance(1),
    );
  });
});

describe('rate', () => {
  test('50 per second are never exceeded, from the first second on', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock);
    await app.endpoint({ url: receiver.url, rateLimit: 50 });
    await app.publishMany(200);
    await eventually(
      () => receiver.requests.length === 200,
      'all arrive',
      () => app.clock.advance(5),
    );
    const attempts = await eventually(async () => {
      const found = await app.attempts();
      return found.length === 200 && found;
    }, 'all are logged');
    const times = attempts.map(({ startedAt }) => Date.parse(startedAt));
    expect(busiestSecond(times)).toBeLessThanOrEqual(50);
    expect(Math.max(...times) - Math.min(...times)).toBeLessThan(10_000);
  });

  test('what may be sent only while others are sent is sent, and holds up nothing', async () => {
    const app = await start({ clock: new CreepingClock() });
    const receiver = await startReceiver(app.clock);
    await app.endpoint({ url: `${receiver.url}/slowly`, rateLimit: 900 });
    await app.endpoint({ url: `${receiver.url}/freely` });
    await app.publishMany(100);
    await eventually(
      () => receiver.requests.length === 200,
      'all arrive',
      () => app.clock.advance(1),
    );
  });
});

describe('order', () => {
  test('per endpoint: a head that gave up lets the next go', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock, (r) => (number(r) === 0 ? 500 : 204));
    await app.endpoint({
      url: receiver.url,
      ordering: 'endpoint',
      retryPolicy: { schedule: [5], jitter: 0 },
    });
    await app.publishMany(2, (n) => ({ data: { n } }));
    await receiver.request(1);
    await eventually(async () => (await app.attempts()).length === 1, 'logged');
    app.clock.advance(4999);
    expect(receiver.requests).toHaveLength(1);
    await eventually(
      () => receiver.requests.length === 3,
      'the next',
      () => app.clock.advance(1),
    );
    expect(receiver.requests.map(number)).toEqual([0, 0, 1]);
  });

  test('per endpoint: an event to a lane that rests goes at once', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock);
    await app.endpoint({ url: receiver.url, ordering: 'endpoint' });
    for (let n = 1; n <= 5; n++) {
      await app.publish();
      await receiver.request(n);
      await eventually(async () => (await app.attempts()).length === n, 'logged');
      app.clock.advance(1);
    }
  });

  test('per endpoint: a burst needs no longer than its own milliseconds', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock);
    await app.endpoint({ url: receiver.url, ordering: 'endpoint' });
    const began = app.clock.now();
    await app.publishMany(50, (n) => ({ data: { n } }));
    await eventually(
      () => receiver.requests.length === 50,
      'all arrive',
      () => app.clock.now() < began + 100 && app.clock.advance(1),
    );
    expect(receiver.requests.map(number)).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });
});

test('after ten failures the backlog waits up to half a minute, one probes, a success lets it through', async () => {
  const app = await start();
  let healthy = false;
  const receiver = await startReceiver(app.clock, () => (healthy ? 204 : 500));
  await app.endpoint({
    url: receiver.url,
    maxConcurrency: 1,
    retryPolicy: { schedule: [86_400], jitter: 0 },
  });
  await app.publishMany(100);
  const logged = (count: number) =>
    eventually(async () => (await app.attempts()).length === count, `${count} attempts`);
  await logged(10);
  // With the sixth probe the backlog has waited 31 s: from then on it is tried one by one.
  for (const [i, wait] of [1000, 2000, 4000, 8000, 16_000, 100, 100].entries()) {
    app.clock.advance(wait - 1);
    await app.api.getHealth();
    expect(receiver.requests).toHaveLength(10 + i);
    app.clock.advance(1);
    await logged(11 + i);
  }
  healthy = true;
  app.clock.advance(100);
  await eventually(() => receiver.requests.length === 100, 'the backlog drains');
});
