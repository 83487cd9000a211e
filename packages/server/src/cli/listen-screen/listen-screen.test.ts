import type { Capture, WholeCapture } from '@posthorn/api';
import { expect, test } from 'vitest';
import type { OpenHead, Welcome } from '../../inbox/frames.ts';
import { Emulator, HOSTILE } from '../screen/emulator.suite.ts';
import { type Key, KeyReader } from '../screen/keys.ts';
import { Screen } from '../screen/screen.ts';
import { columnsOf } from '../screen/text.ts';
import { draw } from './draw.ts';
import { edited } from './edit.ts';
import { laidOut } from './json-layout.ts';
import { type Effect, press } from './press.ts';
import { type ListenEvent, type ListenState, ROWS_MAX, START, update } from './state.ts';

/** The screen of `posthorn listen` without a terminal: events and keys go in, lines come out. */

const AT = Date.parse('2026-11-27T08:30:00Z');

function head(seq: number, more: Partial<OpenHead> = {}): OpenHead {
  return {
    ...{ seq, id: `cap_${seq}`, receivedAt: AT + seq * 1000, method: 'POST', path: `/${seq}` },
    ...{ headers: [], remoteAddress: '127.0.0.1', bodyBytes: 2, liveMs: 0, replay: false },
    ...more,
  };
}

const welcome = (more: Partial<Welcome> = {}): Welcome => ({
  ...{ attachment: 'a', generation: 1, listener: 'laptop', responder: true, head: 0, acked: 0 },
  inbox: { id: 'inb_1', name: 'shop', url: 'http://hooks.test/in/shop' },
  ...{ backlog: 0, gap: null, ...more },
});
const connected = (more: Partial<Welcome> = {}): ListenEvent => ({
  ...{ kind: 'connected', via: 'websocket', target: 'http://localhost:3000' },
  welcome: welcome(more),
});
const started = (seq: number, more?: Partial<OpenHead>): ListenEvent => ({
  kind: 'started',
  head: head(seq, more),
});
function done(seq: number, status: number | null = 200, more?: Partial<OpenHead>): ListenEvent {
  const error = status === null ? 'gave up after 3 attempts' : null;
  const result = { seq, status, ms: 12.4, error, truncated: false };
  return { kind: 'done', head: head(seq, more), result };
}

function facts(seq: number, more: Partial<Capture> = {}): Capture {
  return {
    ...{ id: `cap_${seq}`, seq, receivedAt: new Date(AT + seq * 1000).toISOString() },
    ...{ method: 'POST', target: `/in/shop/${seq}`, path: `/${seq}`, type: 'order.paid' },
    ...{ messageId: 'msg_1', sender: 'standard', remoteAddress: '127.0.0.1', bodyBytes: 2 },
    signature: { state: 'valid', scheme: 'standard' },
    ...{ truncated: false, answeredBy: 'live', status: 200, durationMs: 3, error: null },
    ...{ exchanges: 1, note: '', bookmarked: false, ...more },
  };
}

function whole(seq: number, more: Partial<WholeCapture> = {}): WholeCapture {
  return {
    ...facts(seq),
    headers: [{ name: 'Webhook-Id', value: 'msg_1' }],
    body: { encoding: 'utf8', text: '{"id":12345678901234567890,"n":1.0}' },
    verdict: { secret: 0, code: null, reason: 'It holds with key 1 of 1.', hint: null },
    ...{ parts: [], log: [], same: [], schema: null, ...more },
  };
}

const after = (events: readonly ListenEvent[], from: ListenState = START) =>
  events.reduce(update, from);
const size = (columns: number, lines: number): ListenEvent => ({ kind: 'resized', columns, lines });

/** What the terminal shows. */
function shown(state: ListenState): string {
  const emulator = new Emulator();
  const screen = new Screen((text) => emulator.feed(text), true);
  screen.enter();
  screen.draw(draw(state));
  return emulator.text;
}

/** Types keys as a terminal sends them. */
function typing(state: ListenState, text: string): { state: ListenState; effects: Effect[] } {
  const reader = new KeyReader();
  const keys: Key[] = [...reader.read(text), ...reader.flush()];
  const effects: Effect[] = [];
  const end = keys.reduce((now, key) => {
    const { state: next, effect } = press(now, key);
    if (effect) effects.push(effect);
    return next;
  }, state);
  return { state: end, effects };
}

const listening = after([size(80, 12), connected(), started(1), done(1), started(2)]);

test('requests are lines: the newest first, with what is known of each', () => {
  const state = after([{ kind: 'looked', items: [facts(1)], filter: '' }], listening);
  const lines = shown(state).split('\n');
  expect(lines[0]).toBe(' ● connected  http://hooks.test/in/shop → http://localhost:3000');
  expect(lines[1]).toMatch(/TIME +METHOD +PATH +EVENT +S STATUS +TIME/);
  expect(lines[2]).toMatch(/^▌\d\d:\d\d:02 POST {4}\/2 .* … *$/);
  expect(lines[3]).toMatch(/^ \d\d:\d\d:01 POST {4}\/1 +order\.paid +✓ 200 +12 ms$/);
  expect(lines.at(-1)).toMatch(/^ 2 requests · 1 under way +⏎ open {2}\/ filter {2}r again/);
});

test.each([
  ['valid', '✓'],
  ['invalid', '✗'],
  ['unchecked', '?'],
  ['unsigned', '-'],
] as const)('a signature that is %s is marked %s', (state, mark) => {
  const items = [facts(1, { signature: { state, scheme: null } })];
  const text = shown(after([{ kind: 'looked', items, filter: '' }], listening));
  expect(text.split('\n')[3]).toMatch(new RegExp(` [${mark}] 200 `));
});

test('what does not get through is told', () => {
  const closed = after(
    [
      { kind: 'failed', head: head(2), reason: 'refused' },
      { kind: 'holding', on: true },
    ],
    listening,
  );
  expect(shown(closed)).toMatch(/● holding[\s\S]*waits[\s\S]*does not answer · 2 requests/);
  const lost = after([{ kind: 'lost', reason: 'this machine has slept' }], listening);
  expect(shown(lost)).toMatch(
    /○ offline[\s\S]*offline \(this machine has slept\), nothing is lost/,
  );
  const gone = after([done(2, null)], listening);
  expect(shown(gone)).toContain('error');
});

test('what is still to come, and that it came back, stands in the last line', () => {
  const back = [
    { kind: 'lost', reason: 'x' },
    connected({ head: 9, backlog: 3 }),
    done(9),
  ] as const;
  const { state } = typing(after(back, listening), ' ');
  expect(shown(state)).toContain('2 from before to come · 1 under way · connected 2 times');
  const gap = after([connected({ gap: { from: 3, to: 7 } })], listening);
  expect(shown(gap)).toContain('Captures 3 to 7 were removed before they were delivered');
});

test.each([
  [80, 24],
  [120, 40],
  [40, 20],
  [39, 7],
  [20, 4],
  [10, 3],
  [1, 1],
])('at %i columns and %i lines nothing is wider or longer than the terminal', (columns, lines) => {
  const long = { path: `/${'日本語'.repeat(60)}`, method: 'PROPFIND' };
  let state = after([size(columns, lines), connected(), started(1, long), done(1)]);
  state = after(
    [{ kind: 'looked', items: [facts(1, { type: 'あ'.repeat(90) })], filter: '' }],
    state,
  );
  const opened = after([{ kind: 'loaded', whole: whole(1) }], typing(state, '\r').state);
  for (const one of [state, opened, typing(state, '?').state, typing(state, '/body:日本').state]) {
    const picture = draw(one);
    expect(picture.lines).toHaveLength(lines);
    for (const line of picture.lines) {
      const width = line.reduce((sum, { text }) => sum + columnsOf(text), 0);
      expect(width).toBeLessThanOrEqual(columns);
    }
    expect(picture.cursor?.column ?? 0).toBeLessThan(Math.max(columns, 1));
  }
});

test('nothing that strangers send is obeyed, wherever it is shown', () => {
  for (const text of HOSTILE) {
    const path = `/${text}`;
    const said = facts(1, { path, type: text, sender: text, method: text });
    const answer = {
      head: `HTTP/1.1 200\r\nx: ${text}`,
      body: { encoding: 'utf8', text },
    } as const;
    const response = { ...answer, truncated: true };
    const result = { status: null, error: text, durationMs: 1, at: said.receivedAt };
    const log = [{ ...result, kind: 'replay', to: text, request: null, response }] as const;
    const full = whole(1, {
      ...{ ...said, headers: [{ name: text, value: text }], body: { encoding: 'utf8', text } },
      ...{ verdict: { secret: null, code: text, reason: text, hint: text }, note: text },
      log: [...log],
      ...{ messageId: text, schema: { type: text, fits: false, message: text, errors: [] } },
    });
    for (const [columns, lines] of [
      [80, 60],
      [40, 20],
      [12, 4],
    ] as const) {
      const list = after([
        ...[size(columns, lines), connected(), started(1, { path, method: text })],
        { kind: 'looked', items: [said], filter: '' },
      ]);
      const told = after([{ kind: 'told', text, tone: 'bad' }], list);
      const lost = after([{ kind: 'lost', reason: text }], list);
      const opened = after([{ kind: 'loaded', whole: full }], typing(list, '\r').state);
      const raw = typing(opened, 'b').state;
      const curl = after([{ kind: 'text', text }], list);
      // The emulator throws if it is told anything but to draw lines.
      for (const state of [list, told, lost, opened, raw, curl]) {
        expect(shown(state).split('\n').length).toBeLessThanOrEqual(lines);
      }
    }
  }
});

test('Enter opens a request: what it is, headers, body as it was written, what became of it', () => {
  const { state, effects } = typing(after([size(80, 40)], listening), 'j\r');
  expect(effects).toEqual([{ kind: 'load', id: 'cap_1' }]);
  const response = {
    head: 'HTTP/1.1 500\r\nContent-Type: text/plain',
    body: { encoding: 'utf8', text: 'no such order' },
    truncated: false,
  } as const;
  const exchange = { to: 'laptop', at: '2026-11-27T08:30:01Z', request: null, response } as const;
  const log = [{ ...exchange, kind: 'live', durationMs: 12, status: 500, error: null }] as const;
  const opened = after([{ kind: 'loaded', whole: whole(1, { log: [...log] }) }], state);
  const text = shown(opened);
  for (const part of [
    ...['POST /1', 'order.paid  from standard  msg_1', '✓ It holds with key 1 of 1.'],
    ...['answered   500 by laptop in 12 ms', 'Webhook-Id: msg_1', 'no such order'],
    ...['"id": 12345678901234567890,\n', '"n": 1.0\n'],
  ]) {
    expect(text).toContain(part);
  }
  expect(text.split('\n').at(-1)).toMatch(/2 requests .* Esc back {2}r again {2}e edit/);
  const raw = typing(opened, 'b').state;
  expect(shown(raw)).toContain('{"id":12345678901234567890,"n":1.0}');
  expect(typing(opened, '\x1b').state.view.kind).toBe('list');
  expect(typing(opened, 's').effects).toEqual([{ kind: 'load', id: 'cap_1' }]);
  expect(typing(opened, '\x1b[D').state.view).toMatchObject({ id: 'cap_2' });
});

test('bytes that are no text are shown as bytes, long text in part', () => {
  const { state } = typing(after([size(80, 30)], listening), '\r');
  const bytes = Buffer.from([0, 1, 0x41, 0xff]).toString('base64');
  const binary = whole(2, { body: { encoding: 'base64', text: bytes } });
  expect(shown(after([{ kind: 'loaded', whole: binary }], state))).toMatch(
    /0000 {2}00 01 41 ff .*\.\.A\./,
  );
  const long = whole(2, { body: { encoding: 'utf8', text: 'x'.repeat(70_000) } });
  const end = typing(after([{ kind: 'loaded', whole: long }], state), 'G').state;
  expect(shown(end)).toContain('(4464 characters more: posthorn show --body)');
  const away = whole(2, { body: null, bodyBytes: 300_000 });
  expect(shown(after([{ kind: 'loaded', whole: away }], state))).toContain('show cap_2 --body');
});

test('what the keys do can be read in a narrow terminal', () => {
  const text = shown(typing(after([size(40, 60)], listening), '?').state);
  expect(text.replaceAll(/\n {12}(?=\S)/g, '')).toContain('body.type:user.* status>=500');
});

test('scrolling ends where the text ends', () => {
  const { state } = typing(listening, '\r');
  const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`).join('\n');
  const opened = after(
    [{ kind: 'loaded', whole: whole(2, { body: { encoding: 'utf8', text: lines } }) }],
    state,
  );
  const end = typing(opened, 'GGjj').state;
  expect(shown(end)).toContain('Webhook-Id');
  expect(shown(typing(end, 'k').state)).not.toBe(shown(end));
  expect(shown(typing(end, 'g').state)).toBe(shown(opened));
});

test.each([
  ['r', { kind: 'replay', id: 'cap_2', signature: 'exact' }],
  ['R', { kind: 'replay', id: 'cap_2', signature: 'new' }],
  ['e', { kind: 'edit', id: 'cap_2' }],
  ['c', { kind: 'copy', id: 'cap_2' }],
  ['f', { kind: 'fixture', id: 'cap_2' }],
  ['p', { kind: 'pause', on: true }],
  ['q', { kind: 'quit' }],
  ['\x03', { kind: 'quit' }],
  ['\x1a', { kind: 'suspend' }],
  ['\x0c', { kind: 'redraw' }],
])('%j does %j, in the list and in a request', (key, effect) => {
  expect(typing(listening, key).effects).toEqual([effect]);
  expect(typing(typing(listening, '\r').state, key).effects).toEqual([effect]);
});

test('keys without a request to do something with do nothing', () => {
  const nothing = after([size(80, 12), connected()]);
  expect(shown(nothing)).toContain('curl -d');
  expect(typing(nothing, 'rRecfjkG\r').effects.map(({ kind }) => kind)).toEqual(['older', 'older']);
});

test('a replay is shown with its request, not as another one', () => {
  const again = { id: 'cap_1', replay: true };
  const state = after(
    [started(1_780_000_000_000, again), done(1_780_000_000_000, 503, again)],
    listening,
  );
  expect(state.rows.map(({ id }) => id)).toEqual(['cap_2', 'cap_1']);
  expect(shown(state)).toMatch(/\/1 .*503↻/);
});

test('the filter is typed, checked, asked for, and taken away', () => {
  const typed = typing(listening, '/method:POSTx\x7f');
  expect(shown(typed.state).split('\n').at(-1)).toBe('/method:POST');
  expect(draw(typed.state).cursor).toEqual({ row: 11, column: 12 });
  const asked = typing(typed.state, '\r');
  expect(asked.effects).toEqual([{ kind: 'look' }]);
  const other = after([{ kind: 'looked', items: [facts(2)], filter: 'other' }], asked.state);
  expect(shown(other)).toContain('Nothing fits method:POST');
  const found = after([{ kind: 'looked', items: [facts(1)], filter: 'method:POST' }], asked.state);
  expect(shown(found)).toContain('1 fit method:POST');
  expect(shown(found)).not.toContain('/2 ');
  expect(shown(typing(found, '\x1b').state)).toContain('2 requests');
  const wrong = typing(listening, '/a:(\r');
  expect(wrong.effects).toEqual([]);
  expect(shown(wrong.state)).toContain('"a" at 1 is no field');
  expect(typing(wrong.state, '\x15\x1b').state.typing).toBeUndefined();
});

test('the first place follows the newest; another stays with its request', () => {
  const stays = after([started(3)], typing(listening, 'j').state);
  expect(typing(stays, 'r').effects).toEqual([{ kind: 'replay', id: 'cap_1', signature: 'exact' }]);
  const follows = after([started(3)], listening);
  expect(typing(follows, 'r').effects).toMatchObject([{ id: 'cap_3' }]);
});

test('clearing hides what has come, and nothing that comes', () => {
  const { state } = typing(listening, 'x');
  const later = after([{ kind: 'looked', items: [facts(1)], filter: '' }, started(3)], state);
  expect(later.rows.map(({ id }) => id)).toEqual(['cap_3']);
});

test('a backlog waits for somebody to decide', () => {
  const asked = after(
    [connected({ head: 80, backlog: 80 }), { kind: 'asked', backlog: 80 }],
    listening,
  );
  expect(shown(asked)).toContain('80 captures came while nobody listened. Deliver them? Y/n');
  expect(typing(asked, 'xr').effects).toEqual([]);
  expect(typing(asked, 'n').effects).toEqual([{ kind: 'answer', choice: 'skip' }]);
  expect(typing(asked, '\r').effects).toEqual([{ kind: 'answer', choice: 'replay' }]);
});

test('the newest requests are kept, in the order of their numbers', () => {
  const state = after(
    Array.from({ length: ROWS_MAX + 20 }, (_, i) => started(i + 1)),
    listening,
  );
  expect(state.rows).toHaveLength(ROWS_MAX);
  expect(state.rows[0]?.seq).toBe(ROWS_MAX + 20);
  const mixed = after([started(5), started(3), started(4)], START);
  expect(mixed.rows.map(({ seq }) => seq)).toEqual([5, 4, 3]);
});

test.each([
  [
    '{"a":[],"b":{},"c":[1.0,{"d":"x\\"y"}]}',
    '{\n  "a": [],\n  "b": {},\n  "c": [\n    1.0,\n    {\n      "d": "x\\"y"\n    }\n  ]\n}',
  ],
  [' [ ] ', '[]'],
  ['"text"', '"text"'],
  ['12345678901234567890', '12345678901234567890'],
])('%s is laid out', (text, lines) => expect(laidOut(text)).toBe(lines));

test('what is no JSON stays as it is', () => expect(laidOut('a=1&b=2')).toBeUndefined());

test('a body of brackets, which laid out would not fit into memory, stays as it is', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  expect(laidOut(nested(64))).toContain('\n');
  expect(laidOut(nested(30_000))).toBeUndefined();
});

// ---- editing -------------------------------------------------------------------------------------

async function editing(change: (text: string) => string, of: WholeCapture = whole(1)) {
  const { readFile, writeFile } = await import('node:fs/promises');
  return edited(of, async (file) =>
    writeFile(file, change(await readFile(file, 'latin1')), 'latin1'),
  );
}

test('an edited file says what is sent instead', async () => {
  const changed = await editing(
    (text) =>
      `${text.replace('POST /1', 'PUT /2?x').replace('msg_1', 'msg_2').replace('1.0', '2.0')}\n`,
  );
  expect(changed).toMatchObject({ method: 'PUT', path: '/2?x' });
  expect(changed?.headers).toEqual([{ name: 'Webhook-Id', value: 'msg_2' }]);
  const { text = '' } = changed?.body ?? {};
  expect(Buffer.from(text, 'base64').toString()).toBe('{"id":12345678901234567890,"n":2.0}');
});

test('nothing changed is nothing sent; what is no request is refused with what to write', async () => {
  expect(await editing((text) => text)).toBeUndefined();
  expect(await editing((text) => `${text}\n`)).toBeUndefined();
  await expect(editing(() => 'hello')).rejects.toThrow(
    /Not sent\. It does not begin with a request/,
  );
  await expect(editing((text) => text, whole(1, { body: null }))).rejects.toThrow(/too long/);
});

test('of a body that is no text the head alone is edited', async () => {
  const binary = whole(1, { body: { encoding: 'base64', text: 'AAEC/w==' } });
  const changed = await editing((text) => text.replace('POST', 'PUT'), binary);
  expect(changed).toEqual({ method: 'PUT' });
});
