// @ts-check
/** F24–F30, F33, F34: receivers that answer late, too much, elsewhere, by breaking off or by asking for time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, quantile, waitFor } from '../lib/check.js';
import { memoryMiB, openFiles, resetPeak } from '../lib/server.js';
import { healthLatencies, Stage } from '../lib/stage.js';

/** @typedef {import('../lib/check.js').Programme} Programme */

const ONCE = { retryPolicy: { schedule: [] } };

/**
 * An endpoint that is tried once. Resolves with the shot: one event, then the whole attempt. Separate
 * steps, because what is fired at once should not also be created at once.
 * @param {Stage} stage @param {string} receiverPath @param {Record<string, unknown>} [more]
 */
export async function aim(stage, receiverPath, more = {}) {
  const type = `one.${receiverPath.replaceAll(/[^A-Za-z0-9]+/g, '.').slice(1, 60)}x`;
  const url = receiverPath.startsWith('http') ? receiverPath : stage.url(receiverPath);
  const { id } = await stage.api.endpoint(url, [type], { ...ONCE, ...more });
  return async () => {
    await stage.api.event(type);
    await stage.ended(id);
    const attempts = await stage.attempts(id);
    expect(attempts.length === 1, `${receiverPath}: ${attempts.length} attempts instead of 1`);
    return stage.api.get(`/attempts/${attempts[0].id}`);
  };
}

/** Aims and shoots. @param {Stage} stage @param {string} receiverPath @param {Record<string, unknown>} [more] */
export async function oneAttempt(stage, receiverPath, more = {}) {
  const shoot = await aim(stage, receiverPath, more);
  return shoot();
}

/** An attempt at a receiver that never finishes ends at its budget. @param {Stage} stage @param {string} name */
async function endsInTime(stage, name) {
  const attempt = await oneAttempt(stage, `/${name}/0`);
  expect(
    attempt.fault === 'timeout',
    `${name}: fault ${attempt.fault}, status ${attempt.status} instead of a timeout`,
  );
  const took = attempt.timings.totalMs;
  expect(Math.abs(took - 1000) <= 250, `${name}: ended after ${took} ms instead of 1000 ± 250`);
  await waitFor(
    `${name}: the socket closed by the server`,
    async () => (await stage.stats(`/${name}/0`)).closed === 1,
    { timeoutMs: 2000 },
  );
  return took;
}

/** @type {Programme} */
const never = {
  id: 'F24',
  title: 'a receiver that never answers: ends at the timeout, the socket is closed, nothing leaks',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      const took = await endsInTime(stage, 'hang');
      const files = openFiles(stage.server.pid);
      const count = ci ? 200 : 2000;
      const { id } = await stage.endpoint('/hang/many', ['many.a'], {
        ...ONCE,
        maxConcurrency: 256,
      });
      for (let n = 0; n < count; n += 100) {
        await stage.api.post(
          '/events',
          Array.from({ length: 100 }, () => ({ type: 'many.a', data: n })),
        );
      }
      await stage.ended(id, 30_000 + count * 20);
      await sleep(1500);
      const leaked = openFiles(stage.server.pid) - files;
      expect(leaked <= 5, `${leaked} more files are open after ${count} timeouts`);
      return `${Math.round(took)} ms`;
    }),
};

/** @type {Programme} */
const drips = {
  id: 'F25',
  title: 'a receiver that drips head or body: one absolute budget',
  run: () =>
    Stage.with({}, async (stage) => {
      const [head, body] = await Promise.all([
        endsInTime(stage, 'drip-head'),
        endsInTime(stage, 'drip'),
      ]);
      return `${Math.round(head)} and ${Math.round(body)} ms`;
    }),
};

/** @type {Programme} */
const floods = {
  id: 'F26',
  title: '50 receivers that never stop sending: 64 KiB kept, memory and event loop calm',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      await oneAttempt(stage, '/ok/0');
      const before = memoryMiB(stage.server.pid).now;
      const reset = resetPeak(stage.server.pid);
      const shots = [];
      for (let i = 0; i < 50; i++) shots.push(await aim(stage, `/flood/${i}`));
      const all = Promise.all(shots.map((shoot) => shoot()));
      const health = quantile(await healthLatencies(stage.api, all), 0.95);
      for (const { response, fault, status } of await all) {
        const kept =
          response === null ? 0 : Buffer.byteLength(response.body.text, response.body.encoding);
        expect(kept <= 65_536, `${kept} bytes of a response were kept`);
        expect(status === 200 || fault !== null, 'neither a status nor a fault');
      }
      const { peak, now } = memoryMiB(stage.server.pid);
      const grown = (reset ? peak : now) - before;
      expect(grown <= 32, `memory grew by ${grown.toFixed(0)} MiB`);
      expect(health <= (ci ? 300 : 100), `health p95 ${health.toFixed(0)} ms`);
      return `+${grown.toFixed(0)} MiB, health p95 ${health.toFixed(0)} ms`;
    }),
};

/** @type {Programme} */
const bombs = {
  id: 'F27',
  title: 'compressed bombs are never unpacked',
  run: () =>
    Stage.with({}, async (stage) => {
      await oneAttempt(stage, '/ok/0');
      const before = memoryMiB(stage.server.pid).now;
      const reset = resetPeak(stage.server.pid);
      for (const kind of ['gzip', 'brotli']) {
        const { request, response } = await oneAttempt(stage, `/${kind}/0`);
        expect(!/^accept-encoding:/im.test(request.head), 'the request offers an encoding');
        const kept =
          response === null ? 0 : Buffer.byteLength(response.body.text, response.body.encoding);
        expect(kept <= 65_536, `${kind}: ${kept} bytes kept`);
      }
      const { peak, now } = memoryMiB(stage.server.pid);
      const grown = (reset ? peak : now) - before;
      expect(grown <= 16, `memory grew by ${grown.toFixed(0)} MiB`);
      return `+${grown.toFixed(0)} MiB`;
    }),
};

/** @type {Programme} */
const redirects = {
  id: 'F28',
  title: 'redirects are never followed and stay visible',
  run: () =>
    Stage.with({}, async (stage) => {
      for (const status of [301, 302, 303, 307, 308]) {
        const attempt = await oneAttempt(stage, `/redirect/${status}`);
        expect(
          attempt.status === status && attempt.state === 'failed',
          `${status}: ${attempt.status}, ${attempt.state}`,
        );
        expect(
          /^location: http/im.test(attempt.response?.head ?? ''),
          `${status}: the log does not show the Location`,
        );
      }
      await sleep(300);
      const { requests } = await stage.stats('/trap');
      expect(requests === 0, `${requests} redirects were followed`);
    }),
};

/** @type {Programme} */
const breaks = {
  id: 'F29',
  title: 'connections that break: each named, each attempt one request',
  run: () =>
    Stage.with({}, async (stage) => {
      /** @type {readonly [string, readonly string[]][]} */
      const cases = [
        ['/rst/0', ['reset']],
        ['/eof/0', ['eof']],
        ['/eof-silent/0', ['eof']],
        ['/eof-body/0', ['eof']],
        ['http://127.0.0.1:1025/', ['connect_refused']],
      ];
      for (const [receiver, faults] of cases) {
        const { fault } = await oneAttempt(stage, receiver);
        expect(
          faults.includes(fault),
          `${receiver}: fault ${fault} instead of ${faults.join(' or ')}`,
        );
        if (receiver.startsWith('http')) continue;
        const { requests } = await stage.stats(receiver);
        expect(requests === 1, `${receiver}: 1 attempt in the log, ${requests} requests came`);
      }
      const { status } = await oneAttempt(stage, '/half-close/0');
      expect(status === 200, `half-close: status ${status}`);
      return `${cases.length + 1} ways`;
    }),
};

/** @type {Programme} */
const stale = {
  id: 'F30',
  title: 'kept connections closed without a word: nothing lost, no silent second send',
  run: ({ ci }) =>
    Stage.with({}, async (stage) => {
      const count = ci ? 300 : 1000;
      await stage.endpoint('/stale/0', ['stale.a'], {
        retryPolicy: { schedule: Array(20).fill(0.1) },
      });
      const producer = await stage.produce({ types: ['stale.a'], parallel: 4, pauseMs: 2, count });
      await producer.ask('done');
      const { line, ledgers } = await stage.reconcile();
      const faults = ledgers.platform.attempts.filter(({ fault }) => fault !== null).length;
      return `${faults} attempts broke; ${line}`;
    }),
};

/** [Retry-After, seconds at least, seconds at most]; the endpoint's own schedule says 3. */
const RETRY_AFTER = /** @type {readonly [string, number, number][]} */ ([
  ['120', 120, 144],
  ['1', 1, 1.2],
  ['86400', 86_400, 86_400],
  ['99999999', 86_400, 86_400],
  ['1000000000000000000', 86_400, 86_400],
  ['0', 0, 3.1],
  ['-5', 3, 3.1],
  ['1e3', 3, 3.1],
  ['soon', 3, 3.1],
  ['', 3, 3.1],
  ['Fri, 31 Feb 2020 99:99:99 GMT', 3, 3.1],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0, 3.1],
  ['Tue, 19 Jan 2038 03:14:08 GMT', 86_400, 86_400],
  ['Fri, 31 Dec 9999 23:59:59 GMT', 86_400, 86_400],
]);

/** @type {Programme} */
const retryAfter = {
  id: 'F33',
  title: '429 and 503 with Retry-After: obeyed up to 24 h, junk ignored',
  run: () =>
    Stage.with({}, async (stage) => {
      const checks = RETRY_AFTER.flatMap(([value, least, most]) =>
        [429, 503].map(async (status) => {
          const type = `after.${status}.${Buffer.from(value).toString('hex')}x`;
          const url = stage.url(`/after/${status}/${encodeURIComponent(value)}`);
          const { id } = await stage.api.endpoint(url, [type], {
            retryPolicy: { schedule: [3], jitter: 0 },
          });
          await stage.api.event(type);
          const first = await waitFor(
            `an attempt for ${value}`,
            async () => (await stage.attempts(id))[0],
          );
          expect(first.nextAt !== null, `${status} "${value}": no next attempt`);
          const wait =
            (Date.parse(first.nextAt) - Date.parse(first.startedAt) - first.durationMs) / 1000;
          expect(
            wait >= least - 0.05 && wait <= most + 0.15,
            `${status} "${value}": waits ${wait} s instead of ${least} to ${most}`,
          );
        }),
      );
      await Promise.all(checks);
      return `${checks.length} values`;
    }),
};

/** @type {Programme} */
const gone = {
  id: 'F34',
  title: '410: disabled at once and told once, nothing more sent, everything held',
  run: () =>
    Stage.with({}, async (stage) => {
      await stage.api.endpoint(stage.url('/ok/told'), ['endpoint.disabled']);
      const { id } = await stage.api.endpoint(stage.url('/gone/0'), ['gone.a']);
      await stage.api.event('gone.a');
      const disabled = await waitFor(
        'the endpoint to be disabled',
        async () => (await stage.api.get(`/endpoints/${id}`)).disabled,
      );
      expect(disabled.reason === 'gone', `disabled because of ${disabled.reason}`);
      for (let n = 0; n < 20; n++) await stage.api.event('gone.a', n);
      await sleep(2500);
      const { requests } = await stage.stats('/gone/0');
      expect(requests === 1, `${requests} requests came, 1 before the 410`);
      const pending = await stage.api.list(`/deliveries?endpoint=${id}&state=pending`);
      expect(pending.length === 21, `${pending.length} deliveries are held instead of 21`);
      const told = await stage.stats('/ok/told');
      expect(told.requests === 1, `its being disabled was told ${told.requests} times`);
    }),
};

/** @type {readonly Programme[]} */
export const programmes = [never, drips, floods, bombs, redirects, breaks, stale, retryAfter, gone];
