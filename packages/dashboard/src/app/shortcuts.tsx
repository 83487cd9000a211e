import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useSyncExternalStore,
} from 'react';

/**
 * Keys without modifiers: one, or `g` and one more. A page registers what it understands, and `?`
 * lists what is registered. While somebody types, keys are text.
 */
export interface Shortcut {
  /** `j`, `/`, `Enter`, `g w`. */
  readonly keys: string;
  readonly label: string;
  readonly group: string;
  readonly run: () => void;
}

const SEQUENCE_MS = 1200;

export class Shortcuts {
  readonly #all = new Set<{ current: Shortcut }>();
  readonly #listeners = new Set<() => void>();
  #list: readonly Shortcut[] = [];
  #prefix: { readonly key: string; readonly at: number } | undefined;

  add(shortcut: { current: Shortcut }): () => void {
    this.#all.add(shortcut);
    this.#changed();
    return () => {
      this.#all.delete(shortcut);
      this.#changed();
    };
  }

  list = (): readonly Shortcut[] => this.#list;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  handle = (event: KeyboardEvent): void => {
    const { key, ctrlKey, metaKey, altKey, target } = event;
    if (ctrlKey || metaKey || altKey || event.defaultPrevented || takesText(target)) return;
    // A dialog or a menu has keys of its own, and Enter belongs to the control that has the focus.
    if (isIn(target, '[role=dialog], [role=menu], [role=listbox]')) return;
    if ((key === 'Enter' || key === ' ') && isIn(target, 'a, button, input, summary')) return;
    const prefix = this.#prefix;
    this.#prefix = undefined;
    const sequence =
      prefix && event.timeStamp - prefix.at < SEQUENCE_MS ? `${prefix.key} ${key}` : key;
    const found = this.#find(sequence);
    if (found) {
      event.preventDefault();
      found.run();
    } else if ([...this.#all].some(({ current }) => current.keys.startsWith(`${sequence} `))) {
      this.#prefix = { key: sequence, at: event.timeStamp };
    }
  };

  /** The newest wins: what lies on top registered last. */
  #find(keys: string): Shortcut | undefined {
    return [...this.#all].findLast(({ current }) => current.keys === keys)?.current;
  }

  #changed(): void {
    this.#list = [...this.#all].map(({ current }) => current);
    for (const listener of this.#listeners) listener();
  }
}

function takesText(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLSelectElement) return true;
  return (
    target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type)
  );
}

function isIn(target: EventTarget | null, selector: string): boolean {
  return target instanceof Element && target.closest(selector) !== null;
}

const Context = createContext<Shortcuts | undefined>(undefined);

export function ShortcutProvider({ children }: { children: ReactNode }) {
  const shortcuts = useMemo(() => new Shortcuts(), []);
  useEffect(() => {
    document.addEventListener('keydown', shortcuts.handle);
    return () => document.removeEventListener('keydown', shortcuts.handle);
  }, [shortcuts]);
  return <Context value={shortcuts}>{children}</Context>;
}

function useShortcuts(): Shortcuts {
  const shortcuts = useContext(Context);
  if (!shortcuts) throw new Error('outside of ShortcutProvider');
  return shortcuts;
}

/** Registers while the component is there; `run` may change from render to render. */
export function useShortcut(shortcut: Shortcut, enabled = true): void {
  const shortcuts = useShortcuts();
  const latest = useRef(shortcut);
  latest.current = shortcut;
  useEffect(() => (enabled ? shortcuts.add(latest) : undefined), [shortcuts, enabled]);
}

export function useShortcutList(): readonly Shortcut[] {
  const shortcuts = useShortcuts();
  return useSyncExternalStore(shortcuts.subscribe, shortcuts.list);
}
