import { timeOfDay } from '../output.ts';
import type { Line, Picture, Span, Style } from '../screen/screen.ts';
import { columnsOf, cut, fit, fitRight } from '../screen/text.ts';
import { documentOf, duration, markOf, styleOf, typedPart } from './document.ts';
import {
  chosenRow,
  chromeOf,
  type ListenState,
  listed,
  listWindow,
  pageOf,
  type Row,
} from './state.ts';

/** The picture of a state: as many lines as the terminal has, none wider than it. */

const TINY_COLUMNS = 20;

export function draw(state: ListenState): Picture {
  const { columns, lines } = state;
  if (columns < TINY_COLUMNS || lines < 3) return tiny(state);
  const chrome = chromeOf(state);
  const body = state.view.kind === 'list' ? list(state) : text(state);
  const heads = state.view.kind === 'list' && chrome === 3 ? [headOfColumns(state)] : [];
  const top = chrome >= 2 ? [linkLine(state), ...heads] : [];
  const shown = [...top, ...body];
  while (shown.length < lines - 1) shown.push([]);
  const { line, cursor } = footer(state);
  return {
    lines: [...shown.slice(0, lines - 1), line],
    cursor: cursor === undefined ? undefined : { row: lines - 1, column: cursor },
  };
}

/** No room for a list: what is connected, and how many requests came. */
function tiny(state: ListenState): Picture {
  const said = `${linkText(state)} ${state.rows.length}`;
  const all: Line[] = [[{ text: cut(said, state.columns), style: 'plain' }]];
  while (all.length < state.lines) all.push([]);
  return { lines: all, cursor: undefined };
}

// ---- around --------------------------------------------------------------------------------------

function linkText({ link, paused, ending, holding }: ListenState): string {
  if (ending) return '● ending';
  if (link.kind === 'connecting') return '○ connecting';
  if (link.kind === 'lost') return '○ offline';
  if (paused) return '● paused';
  if (holding) return '● holding';
  return link.via === 'websocket' ? '● connected' : `● connected by ${link.via}`;
}

function linkStyle({ link, paused, holding }: ListenState): Style {
  if (link.kind === 'lost') return 'bad';
  return link.kind === 'connecting' || paused || holding ? 'warn' : 'good';
}

function linkLine(state: ListenState): Line {
  const said = ` ${linkText(state)}  `;
  const room = state.columns - columnsOf(said);
  const { inboxUrl, target } = state;
  return [
    { text: cut(said, state.columns), style: linkStyle(state) },
    { text: cut(inboxUrl === '' ? '' : `${inboxUrl} → ${target}`, room), style: 'plain' },
  ];
}

function footer(state: ListenState): { line: Line; cursor?: number } {
  const { columns, question, typing, message } = state;
  const one = (text: string, style: Style) => ({ line: [{ text: cut(text, columns), style }] });
  if (question !== undefined) {
    return one(` ${question} captures came while nobody listened. Deliver them? Y/n`, 'strong');
  }
  if (typing !== undefined && message === undefined) {
    const shown = `/${typedPart(typing, columns - 2)}`;
    return { line: [{ text: shown, style: 'strong' }], cursor: columnsOf(shown) };
  }
  if (message) {
    const style = message.tone === 'info' ? 'strong' : message.tone;
    return one(` ${message.text}`, style);
  }
  const left = ` ${going(state).join(' · ')}`;
  const fits = (text: string) => columnsOf(left) + columnsOf(text) < columns;
  const hints = [KEYS[state.view.kind], '? keys '].find(fits) ?? '';
  return {
    line: [
      { text: fit(left, columns - columnsOf(hints)), style: 'plain' },
      { text: hints, style: 'dim' },
    ],
  };
}

/** Which keys are worth a hint. */
const KEYS = {
  list: '⏎ open  / filter  r again  ? keys ',
  detail: 'Esc back  r again  e edit  c curl  ? keys ',
  text: '↑↓ scroll  Esc back ',
  help: '↑↓ scroll  Esc back ',
} as const;

/** What is going on, the most urgent first. */
function going(state: ListenState): string[] {
  const { link, holding, backlog, filter, reconnects } = state;
  const count = listed(state).length;
  const running = state.rows.filter(({ local }) => local?.kind === 'running').length;
  return [
    ...(link.kind === 'lost' ? [`offline (${link.reason}), nothing is lost`] : []),
    ...(holding && link.kind !== 'lost' ? ['holding: the local server does not answer'] : []),
    ...(filter === ''
      ? [count === 1 ? '1 request' : `${count} requests`]
      : [`${count} fit ${filter}`]),
    ...(backlog > 0 ? [`${backlog} from before to come`] : []),
    ...(running > 0 ? [`${running} under way`] : []),
    ...(reconnects > 0 ? [`connected ${reconnects + 1} times`] : []),
  ];
}

// ---- the list ------------------------------------------------------------------------------------

interface Widths {
  readonly time: number;
  readonly method: number;
  readonly path: number;
  readonly event: number;
  readonly sender: number;
  readonly status: number;
  readonly ms: number;
}

const MARK = 1;
const SIGNATURE = 1;
const GAP = 1;

/** What there is room for; 0 = left out. In a narrow terminal event and path share a column. */
function widthsFor(columns: number): Widths {
  const time = columns >= 56 ? 8 : 0;
  const method = columns >= 34 ? (columns >= 56 ? 7 : 4) : 0;
  const ms = columns >= 48 ? 8 : 0;
  const sender = columns >= 100 ? 12 : 0;
  const status = columns >= 56 ? 7 : 5;
  const taken = [time, method, ms, sender, status].filter((width) => width > 0);
  const fixed = taken.reduce((sum, width) => sum + width + GAP, MARK + SIGNATURE + GAP);
  const left = Math.max(1, columns - fixed - GAP);
  const event = left >= 34 ? Math.min(40, Math.floor(left * 0.45)) : 0;
  return { time, method, ms, sender, status, event, path: event > 0 ? left - event - GAP : left };
}

interface Cell {
  readonly text: string;
  readonly width: number;
  readonly right?: boolean;
  readonly style?: Style;
}

function cells(all: readonly Cell[], lead: Span): Line {
  const shown = all.filter(({ width }) => width > 0);
  return [
    lead,
    ...shown.flatMap(({ text, width, right, style = 'plain' }, i): Span[] => [
      ...(i === 0 ? [] : [{ text: ' '.repeat(GAP), style: 'plain' as const }]),
      { text: right ? fitRight(text, width) : fit(text, width), style },
    ]),
  ];
}

function headOfColumns({ columns }: ListenState): Line {
  const width = widthsFor(columns);
  const head = (text: string, of: number, right = false): Cell => ({
    ...{ text, width: of, right },
    style: 'dim',
  });
  return cells(
    [
      head('TIME', width.time),
      head(width.method > 4 ? 'METHOD' : 'VERB', width.method),
      head(width.event > 0 ? 'PATH' : 'EVENT', width.path),
      head('EVENT', width.event),
      head('SENDER', width.sender),
      head('S', SIGNATURE),
      head(width.status > 5 ? 'STATUS' : 'CODE', width.status),
      head('TIME', width.ms, true),
    ],
    { text: ' ', style: 'dim' },
  );
}

function list(state: ListenState): Line[] {
  const { from, to } = listWindow(state);
  const place = chosenRow(state)?.place;
  const shown = listed(state).slice(from, to);
  if (shown.length === 0) return empty(state);
  const width = widthsFor(state.columns);
  return shown.map((row, i) => rowLine(row, width, from + i === place));
}

function rowLine(row: Row, width: Widths, chosen: boolean): Line {
  const { method, path, facts, ms } = row;
  const { mark, style } = markOf(facts?.signature.state);
  const event = facts?.type ?? '';
  const path_ = path || '/';
  const line = cells(
    [
      { text: timeOfDay(new Date(row.at)), width: width.time, style: 'dim' },
      { text: method, width: width.method },
      { text: width.event > 0 || event === '' ? path_ : event, width: width.path },
      { text: event, width: width.event, style: 'strong' },
      { text: facts?.sender ?? '', width: width.sender, style: 'dim' },
      { text: mark, width: SIGNATURE, style },
      { ...status(row), width: width.status },
      { text: ms === undefined ? '' : duration(ms), width: width.ms, right: true, style: 'dim' },
    ],
    { text: chosen ? '▌' : ' ', style: 'info' },
  );
  return chosen ? line.map(({ text, style: was }) => ({ text, style: strongly(was) })) : line;
}

/** The chosen line stands out, and what is red stays red. */
function strongly(style: Style): Style {
  return style === 'plain' || style === 'dim' ? 'strong' : style;
}

function status({ local, facts, replays }: Row): { text: string; style: Style } {
  const again = replays > 0 ? '↻' : '';
  if (local?.kind === 'running') return { text: `…${again}`, style: 'dim' };
  if (local?.kind === 'again') return { text: 'waits', style: 'warn' };
  const said = local ?? facts;
  if (!said) return { text: '', style: 'dim' };
  if (said.status !== null) return { text: `${said.status}${again}`, style: styleOf(said.status) };
  return said.error === null ? { text: 'waits', style: 'dim' } : { text: 'error', style: 'bad' };
}

function empty(state: ListenState): Line[] {
  const { filter, inboxUrl, link } = state;
  const lines =
    filter !== ''
      ? [`Nothing fits ${filter}`, 'Esc: all of them']
      : link.kind === 'connecting'
        ? ['Connecting …']
        : ['Nothing has come yet. Try:', '', `curl -d '{"hello":"world"}' ${inboxUrl}`];
  return [
    [],
    ...lines.map((line): Line => [{ text: cut(`  ${line}`, state.columns), style: 'dim' }]),
  ];
}

// ---- longer texts --------------------------------------------------------------------------------

function text(state: ListenState): Line[] {
  const { view, columns } = state;
  const all = documentOf(state);
  const page = pageOf(state);
  const scroll = 'scroll' in view ? view.scroll : 0;
  const from = Math.max(0, Math.min(scroll, all.length - page));
  return all.slice(from, from + page).map((line) => within(line, columns));
}

/** Cut where the terminal ends. */
function within(line: Line, columns: number): Line {
  let room = columns;
  return line.map(({ text: said, style }) => {
    const shown = cut(said, room);
    room = Math.max(0, room - columnsOf(shown));
    return { text: shown, style };
  });
}
