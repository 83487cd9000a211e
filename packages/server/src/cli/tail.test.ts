import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type TailFilters, tail } from './tail.ts';

type Answer = (res: ServerResponse, req: IncomingMessage) => void;

/** A feed whose connections are answered one by one; the last one stays open. */
async function feed(...answers: Answer[]) {
  const asked: { url: string; after: unknown }[] = [];
  const server = createServer((req, res) => {
    asked.push({ url: req.url ?? '', after: req.headers['last-event-id'] });
    answers.shift()?.(res, req);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const AT = new Date(2026, 0, 31, 12, 30, 5).toISOString();
const ATTEMPT = {
  id: `att_${'0'.repeat(26)}`,
  delivery: 'd',
  event: 'evt_1',
  endpoint: 'ep_1',
  run: 0,
  type: 'user.created',
  state: 'succeeded',
  status: 200,
  fault: null,
  n: 1,
  startedAt: AT,
  durationMs: 12.3,
  detail: '',
  afterCrash: false,
  erased: false,
  nextAt: null,
};

function stream(...messages: [id: string, message: object][]): (res: ServerResponse) => void {
  return (res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const [id, said] of messages) res.write(`id: ${id}\ndata: ${JSON.stringify(said)}\n\n`);
  };
}
const ready: [string, object] = ['1.0', { kind: 'ready', at: AT }];
const attempt = (id: string, said: object = {}): [string, object] => [
  id,
  { kind: 'attempt', attempt: { ...ATTEMPT, ...said } },
];

interface Tailing {
  readonly filters?: TailFilters;
  readonly json?: boolean;
  readonly colors?: boolean;
  readonly key?: string | undefined;
  /** Ends it once this was printed. */
  readonly until?: string;
}

async function run(url: string, { until, json = false, colors = false, ...given }: Tailing = {}) {
  const stop = new AbortController();
  const said = { out: '', err: '' };
  const into = (stream: 'out' | 'err') => ({
    write(text: string) {
      said[stream] += text;
      if (until !== undefined && said[stream].includes(until)) stop.abort();
    },
  });
  const input = { filters: {}, url, key: 'phk_k', tenant: 'acme', signal: stop.signal, ...given };
  const streams = { stdout: into('out'), stderr: into('err') };
  const exitCode = await tail(input, { ...streams, colors, json });
  return { exitCode, ...said };
}

test('each attempt is a line; what went wrong says what comes of it', async () => {
  const { url, asked } = await feed(
    stream(
      ready,
      attempt('2.0'),
      attempt('3.0', { state: 'pending', status: 503, n: 2, nextAt: AT }),
      attempt('4.0', {
        state: 'failed',
        status: null,
        fault: 'timeout',
        n: 10,
        detail: 'too late',
      }),
      ['4.1', { kind: 'change', of: 'endpoint', id: 'ep_1', version: 4, deleted: false }],
      attempt('5.0', { event: 'evt_last' }),
    ),
  );
  const { exitCode, out, err } = await run(url, {
    until: 'evt_last',
    filters: { type: 'user.*', status: '5xx' },
  });
  expect(exitCode).toBe(0);
  expect(asked[0]?.url).toBe('/api/v1/tenants/acme/live?type=user.*&status=5xx');
  expect(err).toBe(`Following acme at ${url}. Stop with Ctrl-C.\n`);
  expect(out.split('\n')).toEqual([
    '12:30:05  200        user.created                    12 ms  evt_1 -> ep_1',
    '12:30:05  503        user.created                    12 ms  evt_1 -> ep_1  (attempt 2, again at 12:30:05)',
    '12:30:05  timeout    user.created                    12 ms  evt_1 -> ep_1  (attempt 10, given up, too late)',
    '12:30:05  200        user.created                    12 ms  evt_last -> ep_1',
    '',
  ]);
});

test('colours are for terminals, and control characters for nobody', async () => {
  const { url } = await feed(stream(ready, attempt('2.0', { detail: '\u001b[2J', status: 404 })));
  const { out } = await run(url, { until: 'evt_1', colors: true });
  expect(out).toContain('\u001b[33m404       \u001b[0m');
  expect(out).toContain('\\u001b[2J');
});

test('a lost connection goes on after the last message, and a gap is said', async () => {
  const { url, asked } = await feed(
    (res) => {
      stream(ready, attempt('2.0'))(res);
      res.end();
    },
    stream(
      ready,
      ['8.0', { kind: 'gap', reason: 'removed', at: AT }],
      attempt('9.0', { event: 'evt_9' }),
    ),
  );
  const { out, err } = await run(url, { until: 'evt_9' });
  expect(asked.map(({ after }) => after)).toEqual([undefined, '2.0']);
  expect(out.match(/evt_\d/g)).toEqual(['evt_1', 'evt_9']);
  expect(err.split('\n').slice(1)).toEqual([
    'Connection lost (the server closed it); trying until it is back.',
    'Connected again; what happened meanwhile follows.',
    '--- gap: what happened in between is no longer stored ---',
    '',
  ]);
});

test('with --json each message is a line, with the place to go on from', async () => {
  const { url, asked } = await feed(stream(ready, attempt('2.0')));
  const { out } = await run(url, { until: 'evt_1', json: true, filters: { after: '0.9' } });
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(lines).toEqual([
    { kind: 'ready', at: AT, cursor: '1.0' },
    { kind: 'attempt', attempt: ATTEMPT, cursor: '2.0' },
  ]);
  expect(asked[0]).toMatchObject({ after: '0.9' });
});

test('what is refused says why, and how scripts see it', async () => {
  const refuse = (status: number, detail: string): Answer => {
    return (res) => {
      res.writeHead(status, { 'content-type': 'application/problem+json' });
      const about = { type: 'about:blank', title: 'Refused', requestId: 'r' };
      res.end(JSON.stringify({ ...about, status, detail, code: 'invalid_request' }));
    };
  };
  const bye = { kind: 'bye', reason: 'unauthorized', detail: 'The key was revoked.' };
  const cases: [Answer, number, string][] = [
    [refuse(400, 'state: is none of them.'), 2, 'state: is none of them.'],
    [refuse(403, 'The key may not read.'), 1, 'The key may not read.'],
    [stream(ready, ['2.0', bye]), 1, 'The key was revoked.'],
  ];
  for (const [answer, exitCode, said] of cases) {
    const { url } = await feed(answer);
    expect(await run(url)).toMatchObject({ exitCode, err: expect.stringContaining(said) });
  }
  expect(await run('http://127.0.0.1:1')).toMatchObject({
    exitCode: 1,
    err: expect.stringContaining('Is Posthorn running there?'),
  });
  expect(await run('http://127.0.0.1:1', { key: undefined })).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('POSTHORN_KEY'),
  });
});
