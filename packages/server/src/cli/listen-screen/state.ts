import type { Capture, WholeCapture } from '@posthorn/api';
import type { AckResult, NackReason, OpenHead, Welcome } from '../../inbox/frames.ts';
import type { LineKind } from '../tunnel/line-kind.ts';

/**
 * What `posthorn listen` shows on a terminal of its own, as a value: events and keys make the next one
 * of it, and pictures are drawn from it. Nothing here waits for anything.
 */

/** Kept; older ones are in the inbox. */
export const ROWS_MAX = 1000;

/** What came of a request at the local server. */
export type Local =
  | { readonly kind: 'running' }
  /** It is tried again, or the local port is closed. */
  | { readonly kind: 'again'; readonly reason: NackReason }
  | { readonly kind: 'done'; readonly status: number | null; readonly error: string | null }
  /** From before: nothing was carried here since the command began. */
  | undefined;

export interface Row {
  readonly id: string;
  readonly seq: number;
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly local: Local;
  readonly ms: number | undefined;
  /** Sent again so often from here. */
  readonly replays: number;
  /** What the server tells of it; undefined = not asked yet. */
  readonly facts: Capture | undefined;
}

export type Link =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected'; readonly via: LineKind }
  | { readonly kind: 'lost'; readonly reason: string };

type Page =
  | { readonly kind: 'list' }
  | {
      readonly kind: 'detail';
      readonly id: string;
      readonly raw: boolean;
      readonly scroll: number;
    };
export type View =
  | Page
  /** In front of another. */
  | { readonly kind: 'help'; readonly scroll: number; readonly back: Page }
  | { readonly kind: 'text'; readonly text: string; readonly scroll: number; readonly back: Page };

export interface Message {
  readonly text: string;
  readonly tone: 'info' | 'good' | 'bad';
}

export interface ListenState {
  readonly columns: number;
  readonly lines: number;
  readonly link: Link;
  /** Times the connection was made after the first. */
  readonly reconnects: number;
  readonly inboxUrl: string;
  readonly target: string;
  readonly listener: string;
  /** Number of the newest capture when this connection was made. */
  readonly head: number;
  /** From before this connection, and not delivered yet. */
  readonly backlog: number;
  readonly holding: boolean;
  readonly paused: boolean;
  /** Somebody has to say whether so many are to be delivered. */
  readonly question: number | undefined;
  readonly ending: boolean;
  /** Newest first. */
  readonly rows: readonly Row[];
  /** Captures up to this number were cleared away. */
  readonly clearedTo: number;
  /** undefined = the newest, whichever it is. */
  readonly chosen: string | undefined;
  readonly filter: string;
  /** Which fit, as far as the server has said; undefined = there is no filter. */
  readonly fitting: ReadonlySet<string> | undefined;
  /** The filter as it is being typed. */
  readonly typing: string | undefined;
  readonly view: View;
  readonly whole: WholeCapture | undefined;
  /** Values that may be secrets are shown. */
  readonly reveal: boolean;
  readonly message: Message | undefined;
}

export const START: ListenState = {
  ...{ columns: 80, lines: 24, link: { kind: 'connecting' }, reconnects: 0 },
  ...{ inboxUrl: '', target: '', listener: '', head: 0, backlog: 0 },
  ...{ holding: false, paused: false, question: undefined, ending: false },
  ...{ rows: [], clearedTo: 0, chosen: undefined },
  ...{ filter: '', fitting: undefined, typing: undefined },
  ...{ view: { kind: 'list' }, whole: undefined, reveal: false, message: undefined },
};

export type ListenEvent =
  | { readonly kind: 'resized'; readonly columns: number; readonly lines: number }
  | {
      readonly kind: 'connected';
      readonly welcome: Welcome;
      readonly target: string;
      readonly via: LineKind;
    }
  | { readonly kind: 'lost'; readonly reason: string }
  | { readonly kind: 'started'; readonly head: OpenHead }
  | { readonly kind: 'done'; readonly head: OpenHead; readonly result: AckResult }
  | { readonly kind: 'failed'; readonly head: OpenHead; readonly reason: NackReason }
  | { readonly kind: 'holding'; readonly on: boolean }
  | { readonly kind: 'asked'; readonly backlog: number }
  /** What the server says: of some rows, or with a filter of all that fit. */
  | { readonly kind: 'looked'; readonly items: readonly Capture[]; readonly filter: string }
  | { readonly kind: 'loaded'; readonly whole: WholeCapture }
  | { readonly kind: 'text'; readonly text: string }
  | ({ readonly kind: 'told' } & Message);

/** The next state. */
export function update(state: ListenState, event: ListenEvent): ListenState {
  switch (event.kind) {
    case 'resized':
      return { ...state, columns: event.columns, lines: event.lines };
    case 'connected':
      return connected(state, event);
    case 'lost':
      return { ...state, link: { kind: 'lost', reason: event.reason }, question: undefined };
    case 'started':
      return withRow(state, event.head, () => ({ local: { kind: 'running' } }));
    case 'failed':
      return withRow(state, event.head, () => ({ local: { kind: 'again', reason: event.reason } }));
    case 'done':
      return done(state, event);
    case 'holding':
      return { ...state, holding: event.on };
    case 'asked':
      return { ...state, question: event.backlog };
    case 'looked':
      return looked(state, event);
    case 'loaded':
      return { ...state, whole: event.whole };
    case 'text':
      return { ...state, view: { ...event, scroll: 0, back: behind(state.view) } };
    case 'told':
      return { ...state, message: { text: event.text, tone: event.tone } };
  }
}

function connected(
  state: ListenState,
  { welcome, target, via }: ListenEvent & { kind: 'connected' },
): ListenState {
  const again = state.link.kind === 'lost';
  const { gap, head, backlog, listener, inbox } = welcome;
  const lost: Message | undefined = gap
    ? {
        text: `Captures ${gap.from} to ${gap.to} were removed before they were delivered: the inbox keeps too few.`,
        tone: 'bad',
      }
    : undefined;
  return {
    ...state,
    ...{ link: { kind: 'connected', via }, inboxUrl: inbox.url, target, listener, head, backlog },
    reconnects: state.reconnects + (again ? 1 : 0),
    message: lost ?? (again ? { text: 'Connected again.', tone: 'good' } : state.message),
  };
}

function done(state: ListenState, { head, result }: ListenEvent & { kind: 'done' }): ListenState {
  const { status, error, ms } = result;
  const next = withRow(state, head, ({ replays }) => ({
    local: { kind: 'done', status, error },
    ms,
    replays: replays + (head.replay ? 1 : 0),
  }));
  const late = !head.replay && head.liveMs === 0 && head.seq <= state.head;
  return late ? { ...next, backlog: Math.max(0, state.backlog - 1) } : next;
}

type Change = Pick<Row, 'local'> & Partial<Pick<Row, 'ms' | 'replays'>>;

/** Changes a row, or makes it. A replay has a number of its own: it belongs to the row of its capture. */
function withRow(
  state: ListenState,
  head: OpenHead,
  change: (row: Pick<Row, 'replays'>) => Change,
): ListenState {
  const at = state.rows.findIndex(({ id }) => id === head.id);
  const known = state.rows[at];
  if (known) {
    const rows = [...state.rows];
    rows[at] = { ...known, ...change(known) };
    return { ...state, rows };
  }
  if (head.replay || head.seq <= state.clearedTo) return state;
  const { id, seq, receivedAt, method, path } = head;
  const made: Row = {
    ...{ id, seq, at: receivedAt, method, path, facts: undefined, ms: undefined, replays: 0 },
    ...change({ replays: 0 }),
  };
  return { ...state, rows: kept(inserted(state.rows, made), state.fitting) };
}

/** Most come in order: the place is looked for from the newest on. */
function inserted(rows: readonly Row[], row: Row): Row[] {
  const at = rows.findIndex(({ seq }) => seq < row.seq);
  return at < 0 ? [...rows, row] : [...rows.slice(0, at), row, ...rows.slice(at)];
}

function kept(rows: Row[], fitting: ReadonlySet<string> | undefined): Row[] {
  if (rows.length <= ROWS_MAX) return rows;
  if (!fitting) return rows.slice(0, ROWS_MAX);
  return rows.filter(({ id }, place) => place < ROWS_MAX || fitting.has(id));
}

function looked(
  state: ListenState,
  { items, filter }: ListenEvent & { kind: 'looked' },
): ListenState {
  // Somebody has typed another one meanwhile.
  if (filter !== state.filter) return state;
  const facts = new Map(items.map((item) => [item.id as string, item]));
  let rows = state.rows.map((row) => {
    const said = facts.get(row.id);
    facts.delete(row.id);
    return said ? { ...row, facts: said } : row;
  });
  for (const said of facts.values()) {
    if (said.seq > state.clearedTo) rows = inserted(rows, rowOf(said));
  }
  const fitting = filter === '' ? undefined : new Set<string>(items.map(({ id }) => id));
  return { ...state, rows: kept(rows, fitting), fitting };
}

function rowOf(facts: Capture): Row {
  const { id, seq, receivedAt, method, path, durationMs } = facts;
  return {
    ...{ id, seq, at: Date.parse(receivedAt), method, path, facts },
    ...{ local: undefined, ms: durationMs ?? undefined, replays: 0 },
  };
}

/** What Escape leads to. */
export function behind(view: View): Page {
  return 'back' in view ? view.back : view;
}

// ---- what is seen of it --------------------------------------------------------------------------

/** The rows that are in the list now. */
export function listed({ rows, fitting }: ListenState): readonly Row[] {
  return fitting ? rows.filter(({ id }) => fitting.has(id)) : rows;
}

/** The chosen one and its place; none if the list is empty. */
export function chosenRow(state: ListenState): { row: Row; place: number } | undefined {
  const rows = listed(state);
  const found = rows.findIndex(({ id }) => id === state.chosen);
  const place = Math.max(0, found);
  const row = rows[place];
  return row && { row, place };
}

/** Lines of the list that are on the screen: the chosen one is among them. */
export function listWindow(state: ListenState): { from: number; to: number } {
  const height = Math.max(1, state.lines - chromeOf(state));
  const count = listed(state).length;
  const place = chosenRow(state)?.place ?? 0;
  const from = Math.max(0, Math.min(place - Math.floor(height / 2), count - height));
  return { from, to: Math.min(count, from + height) };
}

/** Lines around the list: what is connected, the heads of the columns, what is going on. */
export function chromeOf({ lines }: Pick<ListenState, 'lines'>): number {
  return lines >= 8 ? 3 : lines >= 4 ? 2 : 1;
}

/** Lines that a long text scrolls in. */
export function pageOf({ lines }: Pick<ListenState, 'lines'>): number {
  return Math.max(1, lines - (lines >= 4 ? 2 : 1));
}
