import { ApiError, type Client, type WholeCapture } from '@posthorn/api';
import { type ListenControls, type ListenView, reasonOf } from '../listen.ts';
import { printable } from '../output.ts';
import { KeyReader } from '../screen/keys.ts';
import { Screen } from '../screen/screen.ts';
import { duration } from './document.ts';
import { draw } from './draw.ts';
import { edited } from './edit.ts';
import { type Effect, press, type RequestEffect } from './press.ts';
import {
  type ListenEvent,
  type ListenState,
  listed,
  listWindow,
  type Row,
  START,
  update,
} from './state.ts';

/** The terminal as the screen needs it. */
export interface Terminal {
  size(): { readonly columns: number; readonly lines: number };
  write(text: string): void;
  /** Keys come one by one and are not shown, until the function that it returns is called. */
  keys(on: { input(text: string): void; resized(): void }): () => void;
  /** Lets somebody edit a file; undefined = no editor is known. */
  readonly edit: ((file: string) => Promise<void>) | undefined;
  /** Stops this process until the shell lets it go on. */
  suspend(): void;
}

export interface ListenScreenOptions {
  readonly terminal: Terminal;
  readonly colors: boolean;
  /** Of the server. */
  readonly url: string;
  readonly tenant: string;
  /** Saves a capture for tests; resolves with the name of the file. */
  readonly saveFixture: (capture: string, inbox: string) => Promise<string>;
  /** Lines for people, when there is no screen. */
  readonly print: (text: string) => void;
  /** Ends the command; asked twice, at once. */
  readonly quit: () => void;
}

/** Between pictures, and between questions to the server. */
const DRAW_MS = 33;
const LOOK_MS = 250;
const LOOK_MAX = 200;
const HISTORY = 100;
/** An escape key stands alone if nothing follows it. */
const ESCAPE_MS = 30;

/** `posthorn listen` as a screen of its own: the view of the command, and the hands of its keys. */
export class ListenScreen implements ListenView {
  readonly #options: ListenScreenOptions;
  readonly #screen: Screen;
  readonly #reader = new KeyReader();
  #state: ListenState = START;
  #controls: ListenControls | undefined;
  #stopKeys: (() => void) | undefined;
  #drawTimer: NodeJS.Timeout | undefined;
  #escapeTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #looking = false;
  /** There may be more to ask the server. */
  #dirty = false;
  /** Asked for and not there: rows that the inbox has dropped. */
  readonly #unknown = new Set<string>();
  #answered: ((choice: 'replay' | 'skip') => void) | undefined;
  #editing = false;
  #closed = false;
  #notes: string[] = [];

  constructor(options: ListenScreenOptions) {
    this.#options = options;
    this.#screen = new Screen((text) => options.terminal.write(text), options.colors);
  }

  // ---- the view of the command ----

  ready(controls: ListenControls): void {
    this.#controls = controls;
    this.#open();
    this.#history();
  }

  connected(...[welcome, target, via]: Parameters<ListenView['connected']>): void {
    this.#happened({ kind: 'connected', welcome, target, via });
    this.#look();
  }
  lost(reason: string): void {
    this.#happened({ kind: 'lost', reason });
    this.#answer('replay');
  }
  started({ head }: Parameters<ListenView['started']>[0]): void {
    this.#happened({ kind: 'started', head });
    this.#look();
  }
  done(...[{ head }, result]: Parameters<ListenView['done']>): void {
    this.#happened({ kind: 'done', head, result });
    if (this.#state.filter !== '') this.#look();
    if (this.#state.view.kind === 'detail' && this.#state.view.id === head.id) {
      this.#reload(head.id);
    }
  }
  failed(...[{ head }, reason]: Parameters<ListenView['failed']>): void {
    this.#happened({ kind: 'failed', head, reason });
  }
  holding(on: boolean): void {
    this.#happened({ kind: 'holding', on });
  }
  ask(welcome: { backlog: number }): Promise<'replay' | 'skip'> {
    this.#happened({ kind: 'asked', backlog: welcome.backlog });
    return new Promise((resolve) => {
      this.#answered = resolve;
    });
  }
  /** Said when the terminal is itself again. */
  note(text: string): void {
    if (this.#screen.on) this.#notes.push(text);
    else this.#options.print(text);
  }

  close(): void {
    const { inboxUrl } = this.#state;
    if (this.#screen.on && inboxUrl !== '') {
      this.#notes.unshift(`Listened at ${inboxUrl}. What comes meanwhile is delivered next time.`);
    }
    this.#closed = true;
    this.restore();
    clearTimeout(this.#drawTimer);
    clearTimeout(this.#escapeTimer);
    clearTimeout(this.#lookTimer);
    this.#stopKeys?.();
    this.#stopKeys = undefined;
    for (const text of this.#notes.splice(0)) this.#options.print(text);
  }

  /** The terminal as it was, whatever has happened. */
  restore(): void {
    this.#screen.leave();
  }

  // ---- screen and keys ----

  #open(): void {
    // An editor may outlast the command.
    if (this.#closed) return;
    const { terminal } = this.#options;
    this.#stopKeys = terminal.keys({
      input: (text) => this.#typed(text),
      resized: () => this.#resized(),
    });
    this.#screen.enter();
    this.#resized();
  }

  #resized(): void {
    this.#screen.forget();
    this.#happened({ kind: 'resized', ...this.#options.terminal.size() });
  }

  #happened(event: ListenEvent): void {
    this.#state = update(this.#state, event);
    this.#draw();
  }

  #tell(tone: 'info' | 'good' | 'bad', text: string): void {
    this.#happened({ kind: 'told', tone, text: printable(text).replaceAll('\n', ' ') });
  }

  /** Many things that happen at once make one picture. */
  #draw(): void {
    if (!this.#screen.on) return;
    this.#drawTimer ??= setTimeout(() => {
      this.#drawTimer = undefined;
      this.#screen.draw(draw(this.#state));
    }, DRAW_MS);
  }

  #typed(text: string): void {
    clearTimeout(this.#escapeTimer);
    for (const key of this.#reader.read(text)) this.#press(key);
    if (this.#reader.waits) {
      this.#escapeTimer = setTimeout(() => {
        for (const key of this.#reader.flush()) this.#press(key);
      }, ESCAPE_MS);
    }
  }

  #press(key: Parameters<typeof press>[1]): void {
    const { state, effect } = press(this.#state, key);
    this.#state = state;
    this.#draw();
    if (effect) this.#do(effect);
    // Other rows may have come into sight.
    this.#look();
  }

  #do(effect: Effect): void {
    const { terminal, quit } = this.#options;
    if (effect.kind === 'quit') quit();
    else if (effect.kind === 'suspend') this.#away(async () => terminal.suspend());
    else if (effect.kind === 'redraw') this.#resized();
    else if (effect.kind === 'pause') this.#controls?.client.pause(effect.on);
    else if (effect.kind === 'look') this.#dirty = true;
    else if (effect.kind === 'older') this.#attempt(() => this.#older());
    else if (effect.kind === 'answer') this.#answer(effect.choice);
    else this.#doWith(effect);
  }

  #answer(choice: 'replay' | 'skip'): void {
    this.#answered?.(choice);
    this.#answered = undefined;
  }

  #doWith(effect: RequestEffect): void {
    const { id } = effect;
    if (effect.kind === 'replay') {
      const { signature } = effect;
      this.#attempt(() => this.#replay(id, { signature }));
    } else if (effect.kind === 'load') this.#reload(id);
    else if (effect.kind === 'edit') this.#attempt(() => this.#edit(id));
    else if (effect.kind === 'copy') this.#attempt(() => this.#copy(id));
    else this.#attempt(() => this.#fixture(id));
  }

  /** Lends the terminal to somebody else. */
  #away(use: () => Promise<void>): void {
    this.#stopKeys?.();
    this.#screen.leave();
    void use().finally(() => this.#open());
  }

  /** Whatever goes wrong is said, and the screen goes on. */
  #attempt(work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    this.#tell('bad', reasonOf(error, this.#options.url));
  }

  // ---- what the server knows ----

  get #place() {
    const { inbox, api } = this.#controls as ListenControls;
    const { tenant } = this.#options;
    return { api, place: { tenant, inbox: inbox as `inb_${string}` } };
  }

  #history(): void {
    const { api, place } = this.#place;
    this.#attempt(async () => {
      const { items } = await api.listCaptures({ ...place, limit: HISTORY });
      this.#happened({ kind: 'looked', items, filter: '' });
    });
  }

  async #older(): Promise<void> {
    const last = this.#state.rows.at(-1);
    if (this.#state.filter !== '' || !last || last.seq <= 1) return;
    const { api, place } = this.#place;
    const after = Math.max(0, last.seq - HISTORY - 1);
    const { items } = await api.listCaptures({ ...place, after, limit: HISTORY });
    this.#happened({ kind: 'looked', items, filter: '' });
  }

  /** Asks what is not known of what is on the screen; with a filter, what fits. */
  #look(): void {
    if (this.#state.filter !== '') this.#dirty = true;
    this.#lookTimer ??= setTimeout(() => {
      this.#lookTimer = undefined;
      if (this.#looking || !this.#controls) return;
      this.#looking = true;
      void this.#lookNow()
        .catch((error: unknown) => {
          // A lost connection is said already.
          if (error instanceof ApiError) this.#failed(error);
        })
        .finally(() => {
          this.#looking = false;
          if (this.#wanted().length > 0 || this.#dirty) this.#look();
        });
    }, LOOK_MS);
  }

  async #lookNow(): Promise<void> {
    const { api, place } = this.#place;
    const { filter } = this.#state;
    this.#dirty = false;
    if (filter !== '') {
      const { items } = await api.listCaptures({ ...place, q: filter, limit: LOOK_MAX });
      this.#happened({ kind: 'looked', items, filter });
      return;
    }
    const wanted = this.#wanted();
    const first = wanted.at(-1);
    if (!first) return;
    const after = first.seq - 1;
    const limit = Math.min(LOOK_MAX, (wanted[0] as Row).seq - after);
    const { items } = await api.listCaptures({ ...place, after, limit });
    const found = new Set<string>(items.map(({ id }) => id));
    for (const { id, seq } of wanted) {
      if (!found.has(id) && seq <= after + limit) this.#unknown.add(id);
    }
    this.#happened({ kind: 'looked', items, filter });
  }

  /** Rows in sight of which the server has not been asked yet. */
  #wanted(): Row[] {
    if (this.#state.link.kind !== 'connected') return [];
    const { from, to } = listWindow(this.#state);
    const rows = listed(this.#state).slice(from, to);
    return rows.filter(({ id, facts }) => facts === undefined && !this.#unknown.has(id));
  }

  #reload(id: string): void {
    this.#attempt(async () => {
      const whole = await this.#whole(id, this.#state.reveal);
      const { view } = this.#state;
      if (view.kind === 'detail' && view.id === id) this.#happened({ kind: 'loaded', whole });
    });
  }

  #whole(id: string, reveal: boolean): Promise<WholeCapture> {
    const { api, place } = this.#place;
    const capture = id as `cap_${string}`;
    return api.getCapture({ ...place, capture, reveal: reveal ? 'true' : 'false' });
  }

  // ---- what is done with one ----

  async #replay(id: string, order: Parameters<Client['replayCapture']>[0]['body']): Promise<void> {
    const { api, place } = this.#place;
    this.#tell('info', 'Sending it again …');
    const { listener } = this.#state;
    const { exchanges } = await api.replayCapture({
      ...place,
      capture: id as `cap_${string}`,
      body: { to: { listener: listener === '' ? null : listener }, ...order },
    });
    for (const { status, error, durationMs } of exchanges) {
      const well = status !== null && status < 400;
      const came = status ?? error ?? 'no answer';
      this.#tell(well ? 'good' : 'bad', `Sent again: ${came} in ${duration(durationMs)}.`);
    }
    if (this.#state.view.kind === 'detail' && this.#state.view.id === id) this.#reload(id);
  }

  async #edit(id: string): Promise<void> {
    const { terminal } = this.#options;
    const { edit } = terminal;
    if (this.#editing) return;
    if (!edit) {
      this.#tell('bad', 'Set EDITOR, such as EDITOR=nano, or use posthorn forward --body @file.');
      return;
    }
    this.#editing = true;
    try {
      const whole = await this.#whole(id, true);
      const change = await edited(whole, (file) => this.#lend(() => edit(file)));
      if (!change) this.#tell('info', 'Nothing was changed, so nothing was sent.');
      else {
        const signature = whole.signature.state === 'valid' ? 'new' : 'exact';
        await this.#replay(id, { edit: change, signature });
      }
    } finally {
      this.#editing = false;
    }
  }

  #lend(use: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#away(() => use().then(resolve, reject));
    });
  }

  /** What the terminal does not take is there to be read. */
  async #copy(id: string): Promise<void> {
    const { api, place } = this.#place;
    const secrets = this.#state.reveal ? 'true' : 'false';
    const command = await api.getCaptureCurl({
      ...place,
      capture: id as `cap_${string}`,
      secrets,
    });
    const short = this.#screen.copy(command);
    this.#happened({ kind: 'text', text: command });
    const said = short ? 'Copied, if this terminal lets programs copy.' : 'Too long to copy.';
    // In 80 columns.
    const hidden = this.#state.reveal ? '' : ' Secrets masked: open it, press s.';
    this.#tell('info', `${said}${hidden}`);
  }

  async #fixture(id: string): Promise<void> {
    const { inbox } = this.#controls as ListenControls;
    this.#tell('good', `Saved ${await this.#options.saveFixture(id, inbox)}.`);
  }
}
