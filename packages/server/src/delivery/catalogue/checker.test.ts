import { expect, test } from 'vitest';
import type { JsonObject } from '../../core/json-schema.ts';
import { VirtualClock } from '../harness.suite.ts';
import { type Check, SchemaChecker } from './checker.ts';
import {
  type RunnerEvents,
  type SchemaAsk,
  SchemaBench,
  type StartRunner,
  startHere,
} from './schema-runner.ts';

const TEXT: JsonObject = { type: 'string' };

function check(value: unknown, overrides: Partial<Check> = {}): Check {
  return {
    tenant: 'a',
    owner: 'a',
    key: 'a/text@1',
    schema: async () => TEXT,
    data: Buffer.from(JSON.stringify(value)),
    ...overrides,
  };
}

/** A runner that answers when the test says so, and what was asked of each one that was started. */
function manual() {
  const started: { asks: SchemaAsk[]; ended: boolean; events: RunnerEvents }[] = [];
  const bench = new SchemaBench();
  const start: StartRunner = (events) => {
    const runner = { asks: [] as SchemaAsk[], ended: false, events };
    started.push(runner);
    queueMicrotask(() => events.ready());
    return {
      post: (ask) => void runner.asks.push(ask),
      end: () => {
        runner.ended = true;
      },
    };
  };
  /** Lets the newest one answer its `count` oldest asks. */
  const answer = (count = Number.POSITIVE_INFINITY) => {
    const runner = started.at(-1);
    for (const ask of runner?.asks.splice(0, count) ?? [])
      runner?.events.answered(bench.answer(ask));
  };
  return { started, start, answer };
}

function setUp(start: StartRunner = startHere) {
  const clock = new VirtualClock();
  const stopped: string[] = [];
  const checker = new SchemaChecker({ start, clock, stopped: (key) => stopped.push(key) });
  return { checker, clock, stopped };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** Past the limit and the moment of grace after it. */
function pass(clock: VirtualClock): void {
  clock.advance(3000);
  clock.advance(3000);
}

/** Twice: the second time what takes so long is alone. */
async function runOut(clock: VirtualClock): Promise<void> {
  pass(clock);
  await settled();
  pass(clock);
}

test('data is checked, and says what does not fit', async () => {
  const { checker } = setUp();
  expect(await checker.check(check('x'))).toEqual({ kind: 'fits' });
  expect(await checker.check(check(1))).toEqual({
    kind: 'unfit',
    problems: [{ path: '', message: 'must be string' }],
  });
});

test('a schema is read and sent once', async () => {
  const { start, answer, started } = manual();
  const { checker } = setUp(start);
  let reads = 0;
  const schema = async () => {
    reads++;
    return TEXT;
  };
  for (const value of ['x', 'y']) {
    const checked = checker.check(check(value, { schema }));
    await settled();
    const [ask] = started[0]?.asks ?? [];
    expect(ask).toMatchObject({ schema: reads === 1 && value === 'x' ? TEXT : undefined });
    answer();
    await checked;
  }
  expect(reads).toBe(1);
});

test('a schema that is gone by now checks nothing', async () => {
  const { checker } = setUp();
  expect(await checker.check(check(1, { schema: async () => undefined }))).toEqual({
    kind: 'fits',
  });
});

test('a schema that may not be saved says why', async () => {
  const { checker } = setUp();
  expect(await checker.refusal(TEXT, 'a')).toBeUndefined();
  expect(await checker.refusal({ $ref: 'https://x.example' }, 'a')).toMatch(/nothing is fetched/);
});

test('what cannot be applied says so: a schema that is only itself', async () => {
  const { checker } = setUp();
  const schema = async () => ({ $ref: '#' });
  const checked = await checker.check(check(1, { schema }));
  expect(checked).toMatchObject({
    kind: 'unusable',
    message: expect.stringMatching(/cannot be applied/),
  });
});

test('what takes too long is ended, the rest is done by a new one', async () => {
  const { start, answer, started } = manual();
  const { checker, clock, stopped } = setUp(start);
  const slow = checker.check(check('x', { key: 'a/slow@1' }));
  const other = checker.check(check('y'));
  await settled();
  await runOut(clock);
  expect(await slow).toMatchObject({
    kind: 'unusable',
    message: expect.stringMatching(/took longer than 500 ms/),
  });
  expect(started.map(({ ended }) => ended)).toEqual([true, true, false]);
  answer();
  expect(await other).toEqual({ kind: 'fits' });
  expect(stopped).toEqual(['a/slow@1']);
});

test('what took too long once is tried again alone, and what waited is done after it', async () => {
  const { start, answer, started } = manual();
  const { checker, clock, stopped } = setUp(start);
  const checks = ['x', 'y', 'z'].map((value) => checker.check(check(value)));
  await settled();
  pass(clock);
  await settled();
  expect(started[1]?.asks).toHaveLength(1);
  answer();
  await settled();
  expect(started[1]?.asks).toHaveLength(2);
  answer();
  expect(await Promise.all(checks)).toEqual(Array(3).fill({ kind: 'fits' }));
  expect(stopped).toEqual([]);
});

test('a slow start is nobody’s fault', async () => {
  const { start, answer, started } = manual();
  let ready = () => {};
  const { checker, clock } = setUp((events) => {
    ready = events.ready;
    return start({ ...events, ready: () => {} });
  });
  const checked = checker.check(check('x'));
  await settled();
  clock.advance(60_000);
  clock.advance(60_000);
  ready();
  answer();
  expect(await checked).toEqual({ kind: 'fits' });
  expect(started).toHaveLength(1);
});

test('an answer that is late because the process slept still counts', async () => {
  const { start, answer, started } = manual();
  const { checker, clock } = setUp(start);
  const checked = checker.check(check('x'));
  await settled();
  clock.advance(3_600_000);
  answer();
  expect(await checked).toEqual({ kind: 'fits' });
  await runOut(clock);
  expect(started).toHaveLength(1);
});

test('a runner that dies is the fault of what it was doing', async () => {
  const { start, answer, started } = manual();
  const { checker } = setUp(start);
  const deadly = checker.check(check('x', { key: 'a/deadly@1' }));
  const other = checker.check(check('y'));
  await settled();
  started[0]?.events.died();
  await settled();
  expect(started[1]?.asks).toHaveLength(1);
  started[1]?.events.died();
  expect(await deadly).toMatchObject({
    kind: 'unusable',
    message: expect.stringMatching(/too much memory/),
  });
  answer();
  expect(await other).toEqual({ kind: 'fits' });
});

test('a schema that took too long is left alone for ten minutes', async () => {
  const { start, answer, started } = manual();
  const { checker, clock } = setUp(start);
  const slow = checker.check(check('x'));
  await settled();
  await runOut(clock);
  await slow;
  expect(await checker.check(check('x'))).toMatchObject({
    message: expect.stringMatching(/left alone/),
  });
  const mended = checker.check(check('x', { key: 'a/text@2' }));
  await settled();
  answer();
  expect(await mended).toEqual({ kind: 'fits' });
  clock.advance(600_000);
  const again = checker.check(check('x'));
  await settled();
  answer();
  expect(await again).toEqual({ kind: 'fits' });
  expect(started).toHaveLength(3);
});

test('three such schemas, and none of their tenant is tried for a while', async () => {
  const { start, answer } = manual();
  const { checker, clock } = setUp(start);
  for (const key of ['a/1@1', 'a/2@1', 'a/3@1']) {
    const slow = checker.check(check('x', { key }));
    await settled();
    await runOut(clock);
    await slow;
  }
  expect(await checker.check(check('x', { key: 'a/4@1' }))).toMatchObject({ kind: 'unusable' });
  const foreign = checker.check(check('x', { key: 'b/1@1', owner: 'b', tenant: 'b' }));
  await settled();
  answer();
  expect(await foreign).toEqual({ kind: 'fits' });
});

test('tenants take turns', async () => {
  const { start, answer, started } = manual();
  const { checker } = setUp(start);
  const order: string[] = [];
  const from = (tenant: string) =>
    checker.check(check('x', { tenant })).then(() => order.push(tenant));
  const all = Array.from({ length: 100 }, () => from('greedy'));
  all.push(from('modest'));
  await settled();
  while (order.length < all.length) {
    answer();
    await settled();
  }
  await Promise.all(all);
  expect(order.indexOf('modest')).toBeLessThan(70);
  expect(started).toHaveLength(1);
});

test('more than fit in the queue are told so', async () => {
  const { start } = manual();
  const { checker } = setUp(start);
  const all = Array.from({ length: 5100 }, () => checker.check(check('x')));
  await settled();
  checker.close();
  const kinds = (await Promise.all(all)).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'busy').length).toBeGreaterThanOrEqual(60);
});
