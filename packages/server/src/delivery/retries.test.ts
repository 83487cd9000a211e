import { describe, expect, test } from 'vitest';
import {
  eventually,
  type Harness,
  nextAt,
  type Received,
  start,
  startReceiver,
  verifies,
} from './harness.suite.ts';

const H = 3_600_000;
const INSTANT = { schedule: [1, 1, 1], jitter: 0 };

/** The waits between the attempts of the only delivery, until it ends. */
async function waits(app: Harness): Promise<number[]> {
  const found: number[] = [];
  for (let n = 1; ; n++) {
    const delivery = await app.delivery(`attempt ${n}`, (d) => d.attempts === n);
    if (delivery.nextAt === null) return found;
    const at = Date.parse(delivery.nextAt);
    found.push(at - app.clock.now());
    app.clock.to(at);
  }
}

describe('the schedule', () => {
  test('nothing is sent a millisecond early', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock, ({ path }) => (path === '/' ? 500 : 204));
    const slow = await app.endpoint({ url: receiver.url, eventTypes: ['a.b'] });
    await app.endpoint({ url: `${receiver.url}other`, eventTypes: ['other'] });
    await app.publish();
    const at = await nextAt(app, 1);
    app.clock.to(at - 1);
    // Another endpoint's delivery proves that the worker looked.
    await app.publish({ type: 'other' });
    await receiver.request(2);
    expect(await app.attempts(slow.id)).toHaveLength(1);
    app.clock.to(at);
    expect((await receiver.request(3)).path).toBe('/');
  });

  test('a retry is on time although its lane never rests', async () => {
    const app = await start();
    let failed = '';
    const held: (() => void)[] = [];
    const receiver = await startReceiver(app.clock, async ({ id, n }) => {
      failed ||= id;
      if (id === failed) return n === 1 ? 500 : 204;
      await new Promise<void>((resolve) => held.push(resolve));
      return 204;
    });
    await app.endpoint({ url: receiver.url });
    await app.publish();
    const at = await nextAt(app, 1);
    for (let n = 2; n <= 9; n++) {
      // One more request before the last one ends, and past the time of the retry.
      app.clock.to(at + (n - 8) * 1000);
      await app.publish();
      await eventually(() => held.length > n - 2, 'the next one is held');
      if (n > 2) held[n - 3]?.();
      await eventually(() => receiver.inFlight === 1, 'one in flight');
      if (receiver.ids().filter((id) => id === failed).length === 2) break;
    }
    await eventually(() => receiver.ids().filter((id) => id === failed).length === 2, 'the retry');
    expect(receiver.inFlight).toBeGreaterThan(0);
    for (const open of held) open();
  });
});

describe('the policy', () => {
  test('an endpoint has its own', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock, () => 500);
    const retryPolicy = { schedule: [7, 70], jitter: 0 };
    await app.endpoint({ url: receiver.url, retryPolicy });
    await app.publish();
    expect(await waits(app)).toEqual([7000, 70_000]);
    expect(receiver.requests).toHaveLength(3);
  });

  test('exponential waits stop growing at max', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock, () => 500);
    const retryPolicy = { base: 10, factor: 3, max: 60, attempts: 5, jitter: 0 };
    await app.endpoint({ url: receiver.url, retryPolicy });
    await app.publish();
    expect(await waits(app)).toEqual([10_000, 30_000, 60_000, 60_000]);
  });

  test('the tenant and its parents hand down what is not set, field by field', async () => {
    const app = await start();
    const tenants = [
      {
        tenant: 'top',
        body: { defaults: { retryPolicy: { schedule: [3], jitter: 0 }, maxConcurrency: 9 } },
      },
      { tenant: 'middle', body: { parent: 'top', defaults: { maxConcurrency: 2 } } },
      { tenant: 'leaf', body: { parent: 'middle' } },
    ];
    for (const tenant of tenants) await app.api.putTenant(tenant);
    const release: (() => void)[] = [];
    const receiver = await startReceiver(app.clock, async () => {
      await new Promise<void>((resolve) => release.push(resolve));
      return 500;
    });
    const url = receiver.url;
    await app.api.createEndpoint({ tenant: 'leaf', body: { url } });
    const body = Array.from({ length: 4 }, () => ({ type: 'a.b', data: 1 }));
    await app.api.publishEvents({ tenant: 'leaf', body });
    const drained = eventually(
      () => receiver.requests.length === 8,
      'every event twice',
      () => {
        app.clock.advance(100);
        release.shift()?.();
      },
    );
    await drained;
    for (const open of release) open();
    expect(receiver.inFlightMax).toBe(2);
    const failed = await eventually(async () => {
      const { items } = await app.api.listDeliveries({ tenant: 'leaf', state: 'failed' });
      return items.length === 4 && items;
    }, 'all gave up');
    expect(failed.map(({ attempts }) => attempts)).toEqual([2, 2, 2, 2]);
  });

  test('a change of the tenant takes effect on what is owed', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock, () => 500);
    await app.endpoint({ url: receiver.url });
    await app.publish();
    await nextAt(app, 1);
    const body = { defaults: { retryPolicy: { schedule: [1, 1000], jitter: 0 } } };
    await app.api.putTenant({ tenant: 'default', body });
    app.clock.advance(10_000);
    expect((await nextAt(app, 2)) - app.clock.now()).toBe(1_000_000);
  });

  test('transient only: a 404 ends it, a 503 does not', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock, ({ n }) => (n === 1 ? 503 : 404));
    await app.endpoint({ url: receiver.url, retryPolicy: { ...INSTANT, retryOn: 'transient' } });
    await app.publish();
    app.clock.to(await nextAt(app, 1));
    const end = await app.delivery('the end', (d) => d.state !== 'pending');
    expect(end).toMatchObject({ state: 'failed', attempts: 2, status: 404 });
  });

  test.each([200, 201, 299])('%i succeeds', async (status) => {
    const app = await start();
    const receiver = await startReceiver(app.clock, () => status);
    await app.endpoint({ url: receiver.url });
    await app.publish();
    expect(await app.delivery('the end', (d) => d.state === 'succeeded')).toMatchObject({ status });
  });

  test.each([302, 304, 400, 500])('%i fails, and a redirect is not followed', async (status) => {
    const app = await start();
    const receiver = await startReceiver(app.clock, () => ({
      status,
      headers: { location: '/elsewhere' },
    }));
    await app.endpoint({ url: receiver.url });
    await app.publish();
    await nextAt(app, 1);
    expect(receiver.requests.map(({ path }) => path)).toEqual(['/']);
  });

  test.each([
    [429, '120', 120_000],
    [503, '120', 120_000],
    [503, '1000000000000000000', 24 * H],
    [429, 'soon', 1000],
    [429, '-5', 1000],
    [500, '120', 1000],
  ])('%i with Retry-After: %s waits %i ms, at most a fifth longer', async (status, value, wait) => {
    const app = await start();
    const receiver = await startReceiver(app.clock, () => ({
      status,
      headers: { 'retry-after': value },
    }));
    await app.endpoint({ url: receiver.url, retryPolicy: INSTANT });
    await app.publish();
    const waited = (await nextAt(app, 1)) - app.clock.now();
    expect(waited).toBeGreaterThanOrEqual(wait);
    expect(waited).toBeLessThanOrEqual(Math.min(wait * 1.2, 24 * H));
  });
});

describe('what is sent again', () => {
  const body = ({ body }: Received) => body.toString();

  test('the first body stays when the endpoint changes, and goes where it is now', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock, ({ path }) => (path === '/' ? 500 : 204));
    const endpoint = await app.endpoint({ url: receiver.url });
    await app.publish({ data: { n: 1 } });
    const at = await nextAt(app, 1);
    await app.update(endpoint.id, { url: `${receiver.url}new`, method: 'PUT' });
    app.clock.to(at);
    const [first, second] = [await receiver.request(1), await receiver.request(2)];
    expect([second.method, second.path, body(second)]).toEqual(['PUT', '/new', body(first)]);
    expect(verifies(second, endpoint.secret)).toBe(true);
  });

  test('both keys sign while a rotation overlaps, one after it', async () => {
    const app = await start();
    const receiver = await startReceiver(app.clock);
    const { id: endpoint, secret } = await app.endpoint({ url: receiver.url });
    const tenant = 'default';
    const rotated = await app.api.rotateEndpointSecret({
      tenant,
      endpoint,
      body: { overlapS: 60 },
    });
    const signers = (request: Received) => [
      verifies(request, secret),
      verifies(request, rotated.secret),
    ];
    await app.publish();
    expect(signers(await receiver.request(1))).toEqual([true, true]);
    app.clock.advance(60_000);
    await app.publish();
    expect(signers(await receiver.request(2))).toEqual([false, true]);
  });
});
