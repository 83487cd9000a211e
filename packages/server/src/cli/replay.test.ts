import { expect, test } from 'vitest';
import { eventually, type Harness, start, startReceiver } from '../delivery/harness.suite.ts';
import { printed } from './printed.suite.ts';
import { type ReplayInput, replay } from './replay.ts';

/** `posthorn replay` against a server that delivers. */

const KEY = 'test-admin-key-of-32-characters-or-more';
const ONCE = { retryPolicy: { schedule: [], attempts: 1 } };

function run(app: Harness, what: string[], options: Partial<ReplayInput> & { tty?: boolean } = {}) {
  const { tty = false, ...given } = options;
  const input: ReplayInput = {
    ...{ what, only: undefined, types: [], from: undefined, to: undefined, newId: false },
    ...{ dryRun: false, yes: true, wait: true, json: false, confirm: undefined },
    ...{ tenant: 'default', url: app.app.url, key: KEY, signal: new AbortController().signal },
    ...given,
  };
  return printed((output) => replay(input, output), { json: input.json, tty });
}

/** Three deliveries that were given up, at a receiver that takes them from now on. */
async function failures() {
  const app = await start();
  const receiver = await startReceiver(app.clock, () => 500);
  const { id } = await app.endpoint({ url: receiver.url, ...ONCE });
  await app.publishMany(3, (n) => ({ data: { n } }));
  await eventually(
    async () => (await app.deliveries()).filter((d) => d.state === 'failed').length === 3,
    'all have failed',
    () => app.clock.advance(100),
  );
  receiver.answer = () => 204;
  receiver.requests.length = 0;
  return { app, receiver, id };
}

/** What it resolves with; time passes on the server meanwhile. */
async function whileTimePasses<T>(app: Harness, work: Promise<T>): Promise<T> {
  let result: { value: T } | undefined;
  void work.then((value) => {
    result = { value };
  });
  await eventually(
    () => result !== undefined,
    'it ends',
    () => app.clock.advance(100),
  );
  return work;
}

test('counts, starts, waits to the end and says what came of it', async () => {
  const { app, receiver, id } = await failures();
  const { exitCode, out, err } = await whileTimePasses(app, run(app, [id], { tty: true }));
  expect(exitCode).toBe(0);
  expect(out).toMatch(/^job_\w+ done: 3 deliveries owed again\n$/);
  expect(err).toMatch(/[█░]{24} +\d+ % {2}\d of 3 deliveries/);
  await eventually(() => receiver.requests.length === 3, 'all arrive');
});

test('only counts with --dry-run, and changes nothing unasked', async () => {
  const { app, id } = await failures();
  expect(await run(app, [id], { dryRun: true })).toMatchObject({
    exitCode: 0,
    out: '3 deliveries to be owed again\n',
  });
  expect(await run(app, [id], { yes: false })).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('It would owe 3 deliveries again'),
  });
  const questions: string[] = [];
  const confirm = async (question: string) => {
    questions.push(question);
    return false;
  };
  expect((await run(app, [id], { yes: false, confirm })).exitCode).toBe(1);
  expect(questions).toEqual(['Owe 3 deliveries again? [y/N] ']);
  expect((await app.api.listReplays({ tenant: 'default' })).items).toEqual([]);
});

test('who does not wait, or is interrupted, finds it again by its id', async () => {
  const { app, id } = await failures();
  const begun = await run(app, [id], { wait: false, json: true });
  const { id: job } = JSON.parse(begun.out) as { id: string };
  const aborted = AbortSignal.abort();
  const left = await run(app, [job], { signal: aborted });
  expect(left).toMatchObject({
    exitCode: 0,
    err: expect.stringContaining(`posthorn replay ${job}`),
  });
  expect((await whileTimePasses(app, run(app, [job]))).out).toContain(`${job} done: 3 deliveries`);
});

test('one event, and one delivery, are sent once more', async () => {
  const { app, receiver } = await failures();
  const [first, second] = await app.deliveries();
  const event = await run(app, [first?.event ?? '']);
  expect(event).toMatchObject({ exitCode: 0, out: '1 delivery sent once more\n' });
  const delivery = await run(app, [second?.id ?? ''], { newId: true });
  expect(delivery).toMatchObject({ exitCode: 0, out: expect.stringMatching(/\.1 is pending\n$/) });
  await eventually(() => receiver.requests.length === 2, 'both arrive');
});

test('refuses what it cannot replay, and says what the server refused', async () => {
  const app = await start();
  for (const what of [['user.created'], ['evt_1', 'evt_2'], ['ep_1', 'job_1']]) {
    expect(await run(app, what)).toMatchObject({
      exitCode: 2,
      err: expect.stringMatching(/^Name/),
    });
  }
  expect((await run(app, ['ep_1'], { key: undefined })).exitCode).toBe(2);
  expect(await run(app, ['ep_01k00000000000000000000000'])).toMatchObject({
    exitCode: 1,
    err: expect.stringMatching(/^Refused \(4/),
  });
});
