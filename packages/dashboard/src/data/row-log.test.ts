import { expect, test } from 'vitest';
import { RowLog, type RowPage } from './row-log.ts';

interface Row {
  readonly id: string;
  readonly text?: string;
}

/** `count` rows, r1 the oldest; pages of `size`, newest first, the cursor a number. */
function server(count: number, size: number) {
  const rows = Array.from({ length: count }, (_, i): Row => ({ id: `r${i + 1}` })).reverse();
  let fails = 0;
  return {
    failOnce: () => {
      fails = 1;
    },
    fetchPage: async (cursor: string | undefined): Promise<RowPage<Row>> => {
      if (fails-- > 0) throw new Error('down');
      const from = Number(cursor ?? 0);
      const next = from + size;
      return { items: rows.slice(from, next), next: next < rows.length ? String(next) : null };
    },
  };
}

function open(count: number, size = 3) {
  const { fetchPage, failOnce } = server(count, size);
  const log = new RowLog<Row>({ idOf: (row) => row.id, fetchPage });
  return { log, failOnce };
}

function shown(log: RowLog<Row>): string[] {
  return Array.from({ length: log.count }, (_, index) => log.row(index)?.id ?? '?');
}

test('pages follow each other down to the end', async () => {
  const { log } = open(7);
  await log.reload();
  expect([shown(log), log.atEnd]).toEqual([['r7', 'r6', 'r5'], false]);
  await log.more();
  await log.more();
  expect([shown(log).length, log.atEnd]).toEqual([7, true]);
  await log.more();
  expect(log.count).toBe(7);
});

test('how far a search has looked is told, until it has looked at everything', async () => {
  const answers = [{ searchedTo: 'then' }, { searchedTo: 'later' }, {}].map((one) => ({
    items: [{ id: 'r1' }],
    next: null,
    ...one,
  }));
  const log = new RowLog<Row>({
    idOf: (row) => row.id,
    fetchPage: async () => answers.shift() as RowPage<Row>,
  });
  await log.reload();
  expect(log.searchedTo).toBe('then');
  await log.refresh();
  expect(log.searchedTo).toBe('later');
  await log.refresh();
  expect(log.searchedTo).toBeUndefined();
});

test('a new row whose place is among the others is found, but not while somebody reads', async () => {
  const rows = [{ id: 'c' }, { id: 'a' }];
  const log = new RowLog<Row>({
    idOf: (row) => row.id,
    newestFirst: false,
    fetchPage: async () => ({ items: [...rows], next: null }),
  });
  await log.reload();
  rows.splice(1, 0, { id: 'b' });
  log.hold(true);
  await log.refresh();
  expect(shown(log)).toEqual(['c', 'a']);
  log.hold(false);
  await log.refresh();
  expect(shown(log)).toEqual(['c', 'b', 'a']);
});

test('that nothing is there is said on while it is looked for again', async () => {
  const log = new RowLog<Row>({
    idOf: (row) => row.id,
    fetchPage: async () => ({ items: [], next: null }),
  });
  const told: boolean[] = [];
  log.subscribe(() => told.push(log.isEmpty));
  await log.reload();
  expect(told).toEqual([false, true]);
  await log.reload();
  expect(told.slice(2)).toEqual([true, true]);
});

test('live rows stand on top, each once', async () => {
  const { log } = open(2);
  await log.reload();
  log.prepend([{ id: 'r2' }, { id: 'a' }, { id: 'b' }]);
  log.prepend([{ id: 'b' }]);
  expect(shown(log)).toEqual(['b', 'a', 'r2', 'r1']);
});

test('held rows wait until they are taken', async () => {
  const { log } = open(1);
  await log.reload();
  log.hold(true);
  log.prepend([{ id: 'a' }]);
  expect([shown(log), log.held]).toEqual([['r1'], 1]);
  log.take();
  expect([shown(log), log.held]).toEqual([['a', 'r1'], 0]);
  log.prepend([{ id: 'b' }]);
  log.hold(false);
  expect(shown(log)).toEqual(['b', 'a', 'r1']);
});

test('when too many wait, taking them reads the list anew', async () => {
  const { log } = open(1);
  await log.reload();
  log.hold(true);
  log.prepend(Array.from({ length: 6000 }, (_, i) => ({ id: `x${i}` })));
  expect([log.held, log.overflowed]).toEqual([0, true]);
  log.take();
  await expect.poll(() => log.overflowed).toBe(false);
  expect(shown(log)).toEqual(['r1']);
});

test('a page that fails leaves what is there, and can be asked for again', async () => {
  const { log, failOnce } = open(5);
  await log.reload();
  failOnce();
  await log.more();
  expect([log.state, log.count]).toEqual(['failed', 3]);
  await log.more();
  expect([log.state, log.count]).toEqual(['ready', 5]);
});

test('a look adds what is newer, once', async () => {
  const rows = [{ id: 'b' }, { id: 'a' }];
  const log = new RowLog<Row>({
    idOf: (row) => row.id,
    fetchPage: async () => ({ items: [...rows], next: null }),
  });
  await log.reload();
  rows.unshift({ id: 'd' }, { id: 'c' });
  await log.refresh();
  await log.refresh();
  expect(shown(log)).toEqual(['d', 'c', 'b', 'a']);
  rows.splice(0, 4, { id: 'z' });
  await log.refresh();
  expect(shown(log)).toEqual(['z']);
});

test('a row can be replaced wherever it stands', async () => {
  const { log } = open(2);
  await log.reload();
  log.prepend([{ id: 'a' }]);
  expect(log.replace({ id: 'r1', text: 'new' })).toBe(true);
  expect(log.replace({ id: 'a', text: 'new' })).toBe(true);
  expect(log.replace({ id: 'none' })).toBe(false);
  expect([log.row(0)?.text, log.row(2)?.text]).toEqual(['new', 'new']);
});
