import type { WholeCapture } from '@posthorn/api';
import { statusColor, timeOfDay } from '../output.ts';
import type { Line, Style } from '../screen/screen.ts';
import { columnsOf, harmless, wrap } from '../screen/text.ts';
import { laidOut } from './json-layout.ts';
import type { ListenState, Row } from './state.ts';

/** Texts longer than the screen: one request and what became of it, a command to copy, the keys. */

/** Of a body on the screen; `posthorn show --body` prints all of it. */
const SHOWN_CHARS_MAX = 65_536;
const LABEL_COLUMNS = 11;

/** The lines of what is open, however many they are. */
export function documentOf(state: ListenState): readonly Line[] {
  const { view, columns } = state;
  switch (view.kind) {
    case 'list':
      return [];
    case 'help':
      return HELP.flatMap(([label, text]) =>
        labelled({ label, text }, columns, text === '' ? 'strong' : 'info'),
      );
    case 'text':
      return wrap(view.text, columns).map((text) => plain(text));
    case 'detail':
      return detail(state, view.id, view.raw);
  }
}

const HELP: readonly (readonly [string, string])[] = [
  ['Requests', ''],
  ['↑ ↓  j k', 'choose; the first place follows the newest'],
  ['Enter', 'open: what it is, headers, body, answers'],
  ['/', 'filter, such as: method:POST body.type:user.* status>=500'],
  ['x', 'clear the list; the inbox keeps what it has'],
  ['p', 'pause: captures wait in the inbox'],
  ['One of them', ''],
  ['r', 'send it again as it came'],
  ['R', 'send it again, signed now'],
  ['e', 'edit it in your $EDITOR and send that'],
  ['c', 'copy as a curl command'],
  ['f', 'save as a fixture for tests, in fixtures/'],
  ['← →', 'when open: newer, older'],
  ['b', 'when open: the body as it came, or laid out'],
  ['s', 'when open: show values that may be secrets'],
  ['Esc', 'back'],
  ['Leave', ''],
  ['q  Ctrl-C', 'end, when what is under way has ended; twice: at once'],
  ['Ctrl-Z', 'suspend'],
];

interface Memo {
  readonly key: readonly unknown[];
  readonly lines: readonly Line[];
}
/** Laying out a long body costs more than drawing it, and a picture is made for every event. */
let last: Memo | undefined;

function detail(state: ListenState, id: string, raw: boolean): readonly Line[] {
  const row = state.rows.find((one) => one.id === id);
  const whole = state.whole?.id === id ? state.whole : undefined;
  const key = [row, whole, raw, state.columns];
  if (last && key.every((part, i) => part === last?.key[i])) return last.lines;
  const lines = whole
    ? describe(whole, row, { raw, columns: state.columns })
    : [plain(''), plain(' Reading it from the server …', 'dim')];
  last = { key, lines };
  return lines;
}

interface Look {
  readonly raw: boolean;
  readonly columns: number;
}

function describe(whole: WholeCapture, row: Row | undefined, look: Look): Line[] {
  const { columns } = look;
  const lines: Line[] = [];
  const add = (text: string, style: Style = 'plain') => {
    for (const line of wrap(text, columns - 1)) lines.push(plain(` ${line}`, style));
  };
  add(`${whole.method} ${whole.path || '/'}`, 'strong');
  for (const fact of facts(whole)) lines.push(...labelled(fact, columns));
  for (const exchange of whole.log) lines.push(...labelled(became(exchange), columns));
  if (row?.local?.kind === 'running') add('It is with the local server now.', 'dim');
  const { body } = whole;
  heading(lines, body ? `Body, ${bytes(whole.bodyBytes)}` : 'Body');
  if (whole.bodyBytes === 0) add('(empty)', 'dim');
  else if (body) for (const text of textOf(body, look)) add(text);
  else add(`(${bytes(whole.bodyBytes)}: posthorn show ${whole.id} --body)`, 'dim');
  if (whole.truncated) add('(only its beginning was kept)', 'warn');
  heading(lines, `Headers, ${whole.headers.length}`);
  for (const { name, value } of whole.headers) add(`${name}: ${value}`);
  for (const { to, response } of whole.log) {
    if (!response) continue;
    heading(lines, `Answer of ${to}`);
    add(response.head.trimEnd());
    const answered = response.body.text === '' ? [] : textOf(response.body, look);
    if (answered.length > 0) add('');
    for (const text of answered) add(text);
    if (response.truncated) add('(it was longer)', 'warn');
  }
  return lines;
}

interface Fact {
  readonly label: string;
  readonly text: string;
  readonly style?: Style;
}

function facts(whole: WholeCapture): Fact[] {
  const { type, sender, messageId, verdict, schema, same, note } = whole;
  const said = [type ?? '(no event type found)', sender && `from ${sender}`, messageId];
  return [
    { label: 'event', text: said.filter(Boolean).join('  ') },
    { label: 'signature', ...signature(whole) },
    ...(verdict.hint === null ? [] : [{ label: '', text: verdict.hint }]),
    ...(schema === null || schema.fits
      ? []
      : [{ label: 'schema', text: schema.message, style: 'warn' as const }]),
    ...(same.length === 0 ? [] : [{ label: 'same id', text: same.join(' ') }]),
    ...(note === '' ? [] : [{ label: 'note', text: note }]),
    {
      label: 'captured',
      text: `${timeOfDay(new Date(whole.receivedAt))} from ${whole.remoteAddress}`,
    },
    { label: 'id', text: whole.id },
  ];
}

function signature({ signature: { state }, verdict }: WholeCapture): Omit<Fact, 'label'> {
  const { mark, style } = markOf(state);
  return { text: `${mark} ${verdict.reason}`, style };
}

export function markOf(state: string | undefined): { mark: string; style: Style } {
  if (state === 'valid') return { mark: '✓', style: 'good' };
  if (state === 'invalid') return { mark: '✗', style: 'bad' };
  if (state === 'unchecked') return { mark: '?', style: 'warn' };
  return { mark: state === undefined ? ' ' : '-', style: 'dim' };
}

function became({ kind, to, status, error, durationMs, at }: WholeCapture['log'][number]): Fact {
  const result = status === null ? (error ?? 'no answer') : String(status);
  const broke = status !== null && error !== null ? ` (${error})` : '';
  return {
    label: kind === 'replay' ? 'replayed' : 'answered',
    text: `${result}${broke} by ${to} in ${duration(durationMs)}  ${timeOfDay(new Date(at))}`,
    style: styleOf(status),
  };
}

export function styleOf(status: number | null): Style {
  const styles: Readonly<Record<number, Style>> = { 31: 'bad', 33: 'warn', 36: 'info', 32: 'good' };
  return styles[statusColor(status)] ?? 'plain';
}

function labelled(
  { label, text, style = 'plain' }: Fact,
  columns: number,
  labelStyle: Style = 'dim',
): Line[] {
  const pieces = wrap(text, columns - LABEL_COLUMNS - 1);
  return pieces.map((piece, i) => [
    { text: ` ${(i === 0 ? label : '').padEnd(LABEL_COLUMNS)}`, style: labelStyle },
    { text: piece, style },
  ]);
}

function heading(lines: Line[], text: string): void {
  lines.push(plain(''), plain(` ${text}`, 'strong'));
}

function plain(text: string, style: Style = 'plain'): Line {
  return [{ text, style }];
}

/** Laid out if it is JSON; what is no text as bytes and what can be read of them. */
function textOf(body: { encoding: 'utf8' | 'base64'; text: string }, { raw, columns }: Look) {
  if (body.encoding === 'base64') return hex(Buffer.from(body.text, 'base64'), columns);
  const shown = raw ? body.text : (laidOut(body.text) ?? body.text);
  if (shown.length <= SHOWN_CHARS_MAX) return [shown];
  const left = `(${shown.length - SHOWN_CHARS_MAX} characters more: posthorn show --body)`;
  return [shown.slice(0, SHOWN_CHARS_MAX), left];
}

const HEX_BYTES_MAX = 4096;

function hex(all: Buffer, columns: number): string[] {
  const perLine = columns >= 76 ? 16 : 8;
  const lines: string[] = [];
  for (let at = 0; at < Math.min(all.length, HEX_BYTES_MAX); at += perLine) {
    const part = all.subarray(at, at + perLine);
    const pairs = [...part].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = part.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${pairs.padEnd(perLine * 3)} ${text}`);
  }
  if (all.length > HEX_BYTES_MAX) lines.push(`(${bytes(all.length - HEX_BYTES_MAX)} more)`);
  return lines;
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

export function duration(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** What of the typed filter is shown in so many columns: its end, where the cursor is. */
export function typedPart(typed: string, columns: number): string {
  let shown = harmless(typed);
  while (columnsOf(shown) > Math.max(1, columns)) shown = [...shown].slice(1).join('');
  return shown;
}
