import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { stage, type Watched } from './lib/stage.ts';

/** What is promised in figures. */

const on = stage();
const tenant = 'default';
const ASSETS = fileURLToPath(new URL('../../server/dist/dashboard/assets/', import.meta.url));

const FIRST_LOAD_BYTES_MAX = 280_000;
const VISIBLE_MS = { p95: 200, rows: 40 };
const EVENTS = 100_000;
const EVENTS_PER_REQUEST = 500;
const LONG_TASK_MS = 100;
const ROW_PX = 36;

test('the first load is at most 280 kB of compressed script and style', async () => {
  const page = await on.page();
  const names = new Set<string>();
  page.on('request', (request) => {
    const name = /\/dashboard\/-\/assets\/([^?]+)$/.exec(request.url())?.[1];
    if (name !== undefined) names.add(name);
  });
  await page.goto(await on.product.link());
  await page.getByText('Waiting for the first event').waitFor();
  const sizes = [...names].map((name) => readFileSync(`${ASSETS}${name}.gz`).length);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  console.log(`first load: ${names.size} files, ${bytes} bytes compressed`);
  expect(names.size).toBeGreaterThan(2);
  expect(bytes).toBeLessThanOrEqual(FIRST_LOAD_BYTES_MAX);
});

/** Tells when a text first stood on the page, by the clock that the test has too. */
async function watchRows(page: Watched): Promise<(text: string) => Promise<number>> {
  await page.evaluate(() => {
    const seen = new Map<string, number>();
    Object.assign(globalThis, { seen });
    new MutationObserver(() => {
      for (const row of document.querySelectorAll('[role=row]')) {
        const text = /probe[.-]\d+x/.exec(row.textContent ?? '')?.[0];
        if (text !== undefined && !seen.has(text)) seen.set(text, Date.now());
      }
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  return async (text) => {
    const handle = await page.waitForFunction(
      (wanted) => (globalThis as unknown as { seen: Map<string, number> }).seen.get(wanted),
      text,
    );
    return Number(await handle.jsonValue());
  };
}

function p95(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1] ?? Number.NaN;
}

test('from the receiver to a visible row: p95 at most 200 ms', async () => {
  const { api } = on.product;
  await api.createEndpoint({ tenant, body: { url: on.receiver.url('/probe') } });
  const page = await on.signedIn('/activity');
  await page.getByText('Live', { exact: true }).waitFor();
  const seenAt = await watchRows(page);
  const delays: number[] = [];
  for (let n = 0; n < VISIBLE_MS.rows; n++) {
    const type = `probe.${n}x`;
    await api.publishEvents({ tenant, body: { type, data: {} } });
    const received = await on.receiver.wait(({ body }) => body.includes(`"${type}"`));
    delays.push((await seenAt(type)) - received.at);
  }
  const value = p95(delays);
  console.log(`delivery to visible row: p95 ${value} ms, most ${Math.max(...delays)} ms`);
  expect(value).toBeLessThanOrEqual(VISIBLE_MS.p95);
});

test('from a captured request to a visible row: p95 at most 200 ms', async () => {
  const inbox = await on.product.api.createInbox({ tenant, body: { name: 'probe' } });
  const page = await on.signedIn(`/inboxes/${inbox.id}`);
  await page.getByText('Live', { exact: true }).waitFor();
  const seenAt = await watchRows(page);
  const delays: number[] = [];
  for (let n = 0; n < VISIBLE_MS.rows; n++) {
    await fetch(`${inbox.url}/probe-${n}x`, { method: 'POST', body: '{}' });
    const at = Date.now();
    delays.push((await seenAt(`probe-${n}x`)) - at);
  }
  const value = p95(delays);
  console.log(`capture to visible row: p95 ${value} ms, most ${Math.max(...delays)} ms`);
  expect(value).toBeLessThanOrEqual(VISIBLE_MS.p95);
});

test('100,000 rows are scrolled through without a task over 100 ms', async () => {
  const other = 'many';
  await on.product.api.putTenant({ tenant: other, body: {} });
  const batch = Array.from({ length: EVENTS_PER_REQUEST }, (_, n) => ({
    type: 'row.made',
    data: { n },
  }));
  for (let sent = 0; sent < EVENTS; sent += EVENTS_PER_REQUEST) {
    await on.product.api.publishEvents({ tenant: other, body: batch });
  }
  const page = await on.signedIn('/../many/activity?view=events');
  await page
    .getByRole('row', { name: /row\.made/ })
    .first()
    .waitFor();
  // Held to what tasks compute. By the clock, which the browser's own entries of long tasks go by, a
  // task is as long as whatever else two cores do meanwhile: one of 44 ms has taken 118. So that is told.
  await on.browser.startTracing(page, { categories: ['toplevel'] });
  const { rows, frames, tasks } = await page.evaluate(scrollThrough, ROW_PX);
  const longest = longestTask(await on.browser.stopTracing());
  console.log(
    `scrolled through ${rows} rows in ${frames} frames; longest task ${longest} ms of CPU; ` +
      `by the clock ${tasks.length} above 50 ms, the longest ${Math.max(0, ...tasks)} ms`,
  );
  expect(rows).toBeGreaterThanOrEqual(EVENTS);
  expect(longest).toBeGreaterThan(0);
  expect(longest).toBeLessThanOrEqual(LONG_TASK_MS);
}, 120_000);

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** CPU time of the thread, in µs. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}

/** Of the threads that run pages, in ms. */
function longestTask(trace: Buffer): number {
  const { traceEvents } = JSON.parse(trace.toString()) as { traceEvents: TraceEvent[] };
  const of = ({ pid, tid }: TraceEvent) => `${pid}.${tid}`;
  const mains = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(of),
  );
  const tasks = traceEvents.filter((event) => event.tdur !== undefined && mains.has(of(event)));
  return tasks.reduce((most, { tdur = 0 }) => Math.max(most, tdur / 1000), 0);
}

/** In the page: on by some screens with each frame, until it says that there are no more. */
async function scrollThrough(rowHeight: number) {
  const pane = document.querySelector('[role=grid]') as HTMLElement;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const bottom = () => pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 2;
  const tasks: number[] = [];
  const note = (entries: PerformanceEntryList) => {
    tasks.push(...entries.map(({ duration }) => duration));
  };
  const observer = new PerformanceObserver((list) => note(list.getEntries()));
  observer.observe({ type: 'longtask' });
  let frames = 0;
  while (!(bottom() && pane.textContent?.includes('That is all.')) && frames < 20_000) {
    pane.scrollTop += 3600;
    await frame();
    frames += 1;
  }
  note(observer.takeRecords());
  observer.disconnect();
  const rows = Math.floor((pane.firstElementChild as HTMLElement).offsetHeight / rowHeight);
  return { rows, frames, tasks };
}
