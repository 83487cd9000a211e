import { parseQuery, QueryError } from '@posthorn/wire';
import type { Key } from '../screen/keys.ts';
import { documentOf } from './document.ts';
import { behind, chosenRow, type ListenState, listed, pageOf, type View } from './state.ts';

/** What a key does: the next state, and what is to be done outside of it. */

export type Effect =
  | RequestEffect
  | { readonly kind: 'pause'; readonly on: boolean }
  /** The filter is another one, or older captures are wanted. */
  | { readonly kind: 'look' }
  | { readonly kind: 'older' }
  | { readonly kind: 'answer'; readonly choice: 'replay' | 'skip' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'redraw' };

/** With one request. */
export type RequestEffect =
  | { readonly kind: 'load' | 'edit' | 'copy' | 'fixture'; readonly id: string }
  | { readonly kind: 'replay'; readonly id: string; readonly signature: 'exact' | 'new' };

export interface Pressed {
  readonly state: ListenState;
  readonly effect?: Effect;
}

const FILTER_CHARS_MAX = 1000;

export function press(before: ListenState, key: Key): Pressed {
  const state = { ...before, message: undefined };
  if (key.name === 'ctrl-c') return { state: { ...state, ending: true }, effect: { kind: 'quit' } };
  if (key.name === 'ctrl-z') return { state, effect: { kind: 'suspend' } };
  if (key.name === 'ctrl-l') return { state, effect: { kind: 'redraw' } };
  if (state.question !== undefined) return answer(state, key);
  if (state.typing !== undefined) return type(state, state.typing, key);
  // A paste is no row of commands.
  if (key.name === 'text' && key.pasted) return { state };
  const text = key.name === 'text' ? key.text : '';
  if (text === 'q') return { state: { ...state, ending: true }, effect: { kind: 'quit' } };
  if (text === '?') {
    const back = behind(state.view);
    const view: View = state.view.kind === 'help' ? back : { kind: 'help', scroll: 0, back };
    return { state: { ...state, view } };
  }
  if (text === 'p') {
    const paused = !state.paused;
    return { state: { ...state, paused }, effect: { kind: 'pause', on: paused } };
  }
  switch (state.view.kind) {
    case 'list':
      return inList(state, key, text);
    case 'detail':
      return inDetail(state, state.view, key);
    case 'help':
    case 'text':
      if (leaves(key)) return { state: { ...state, view: state.view.back } };
      return { state: { ...state, view: scrolled(state, state.view, key) } };
  }
}

const LIST: View = { kind: 'list' };

function answer(state: ListenState, key: Key): Pressed {
  const said = key.name === 'text' ? key.text.toLowerCase() : '';
  const yes = key.name === 'enter' || said === 'y';
  if (!yes && said !== 'n') return { state };
  const choice = yes ? 'replay' : 'skip';
  const backlog = yes ? state.backlog : 0;
  return { state: { ...state, question: undefined, backlog }, effect: { kind: 'answer', choice } };
}

// ---- the filter ----------------------------------------------------------------------------------

function type(state: ListenState, typed: string, key: Key): Pressed {
  const typing = (text: string) => ({ state: { ...state, typing: text } });
  switch (key.name) {
    case 'escape':
      return { state: { ...state, typing: undefined } };
    case 'backspace':
      return typing([...typed].slice(0, -1).join(''));
    case 'ctrl-u':
      return typing('');
    case 'ctrl-w':
      return typing(typed.replace(/\S+\s*$/, ''));
    case 'text':
      return typing((typed + key.text).slice(0, FILTER_CHARS_MAX));
    case 'enter':
      return filtered(state, typed.trim());
    default:
      return { state };
  }
}

function filtered(state: ListenState, filter: string): Pressed {
  try {
    if (filter !== '') parseQuery(filter);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return { state: { ...state, message: { text: error.message, tone: 'bad' } } };
  }
  const fitting = filter === '' ? undefined : new Set<string>();
  const next = { ...state, typing: undefined, filter, fitting, chosen: undefined, view: LIST };
  return { state: next, effect: { kind: 'look' } };
}

// ---- the list ------------------------------------------------------------------------------------

function inList(state: ListenState, key: Key, text: string): Pressed {
  const page = Math.max(1, pageOf(state) - 1);
  if (key.name === 'up' || text === 'k') return chosenBy(state, -1);
  if (key.name === 'down' || text === 'j') return chosenBy(state, 1);
  if (key.name === 'pageup') return chosenBy(state, -page);
  if (key.name === 'pagedown' || text === ' ') return chosenBy(state, page);
  if (key.name === 'home' || text === 'g') return { state: { ...state, chosen: undefined } };
  if (key.name === 'end' || text === 'G') return chosenBy(state, listed(state).length);
  if (text === '/') return { state: { ...state, typing: state.filter } };
  if (key.name === 'escape' && state.filter !== '') return filtered(state, '');
  if (text === 'x') {
    const clearedTo = Math.max(state.clearedTo, ...state.rows.map(({ seq }) => seq));
    return { state: { ...state, rows: [], chosen: undefined, clearedTo } };
  }
  const chosen = chosenRow(state)?.row.id;
  if (chosen === undefined) return { state };
  if (key.name === 'enter' || key.name === 'right' || text === 'd') return opened(state, chosen);
  return acted(state, chosen, text);
}

function chosenBy(state: ListenState, steps: number): Pressed {
  const rows = listed(state);
  const place = (chosenRow(state)?.place ?? 0) + steps;
  const to = Math.max(0, Math.min(rows.length - 1, place));
  // The first place is that of the newest, also when a newer one comes.
  const chosen = to === 0 ? undefined : rows[to]?.id;
  const next = { ...state, chosen };
  return place >= rows.length ? { state: next, effect: { kind: 'older' } } : { state: next };
}

function opened(state: ListenState, id: string): Pressed {
  const whole = state.whole?.id === id ? state.whole : undefined;
  const view: View = { kind: 'detail', id, raw: false, scroll: 0 };
  return { state: { ...state, view, whole, chosen: id }, effect: { kind: 'load', id } };
}

/** What can be done with a request, wherever it is seen. */
function acted(state: ListenState, id: string, text: string): Pressed {
  switch (text) {
    case 'r':
      return { state, effect: { kind: 'replay', id, signature: 'exact' } };
    case 'R':
      return { state, effect: { kind: 'replay', id, signature: 'new' } };
    case 'e':
      return { state, effect: { kind: 'edit', id } };
    case 'c':
      return { state, effect: { kind: 'copy', id } };
    case 'f':
      return { state, effect: { kind: 'fixture', id } };
    default:
      return { state };
  }
}

// ---- one request ---------------------------------------------------------------------------------

function leaves(key: Key): boolean {
  return key.name === 'escape' || key.name === 'backspace';
}

function inDetail(state: ListenState, view: View & { kind: 'detail' }, key: Key): Pressed {
  const text = key.name === 'text' ? key.text : '';
  if (leaves(key)) return { state: { ...state, view: LIST } };
  if (key.name === 'left' || text === 'h') return beside(state, -1);
  if (key.name === 'right' || text === 'l') return beside(state, 1);
  if (text === 'b') return { state: { ...state, view: { ...view, raw: !view.raw, scroll: 0 } } };
  if (text === 's') {
    const next = { ...state, reveal: !state.reveal };
    return { state: next, effect: { kind: 'load', id: view.id } };
  }
  const next = scrolled(state, view, key);
  return next === view ? acted(state, view.id, text) : { state: { ...state, view: next } };
}

/** The one before or after in the list. */
function beside(state: ListenState, steps: number): Pressed {
  const place = chosenRow(state)?.place;
  const row = place === undefined ? undefined : listed(state)[place + steps];
  return row ? opened(state, row.id) : { state };
}

function scrolled<T extends View & { scroll: number }>(state: ListenState, view: T, key: Key): T {
  const page = Math.max(1, pageOf(state) - 1);
  const end = Math.max(0, documentOf(state).length - pageOf(state));
  const text = key.name === 'text' ? key.text : '';
  const to = (scroll: number): T => ({ ...view, scroll: Math.max(0, Math.min(end, scroll)) });
  if (key.name === 'up' || text === 'k') return to(view.scroll - 1);
  if (key.name === 'down' || text === 'j') return to(view.scroll + 1);
  if (key.name === 'pageup') return to(view.scroll - page);
  if (key.name === 'pagedown' || text === ' ') return to(view.scroll + page);
  if (key.name === 'home' || text === 'g') return to(0);
  if (key.name === 'end' || text === 'G') return to(end);
  return view;
}
