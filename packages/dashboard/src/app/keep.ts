/** Where the bearer is kept, and how a new tab of the same person gets it. */
export interface Keep {
  get(): string | undefined;
  set(bearer: string | undefined): void;
  /** What another tab of this browser has. */
  ask(): Promise<string | undefined>;
  /** Tells the other tabs that the person signed out. */
  leave(): void;
  onLeave(listener: () => void): void;
}

export function inMemory(): Keep {
  let kept: string | undefined;
  return {
    get: () => kept,
    set(bearer) {
      kept = bearer;
    },
    ask: async () => undefined,
    leave() {},
    onLeave() {},
  };
}

type Message =
  | { readonly kind: 'ask' | 'left' }
  | { readonly kind: 'bearer'; readonly bearer: string };

/** Another tab may be busy; whether there is one at all is known at once where locks are. */
const ANSWER_MS = 3000;
const ANSWER_UNKNOWN_MS = 150;

/** `sessionStorage` ends with the tab. Each signed-in tab answers new ones, and holds a lock that says so. */
export function inTab(name: string): Keep {
  const channel = new BroadcastChannel(name);
  const kept = () => sessionStorage.getItem(name) ?? undefined;
  let release = () => {};
  channel.addEventListener('message', ({ data }: MessageEvent<Message>) => {
    const bearer = kept();
    if (data.kind === 'ask' && bearer !== undefined) {
      channel.postMessage({ kind: 'bearer', bearer } satisfies Message);
    }
  });
  return {
    get: kept,
    set(bearer) {
      release();
      if (bearer === undefined) {
        sessionStorage.removeItem(name);
        return;
      }
      sessionStorage.setItem(name, bearer);
      release = hold(name);
    },
    async ask() {
      const answerMs = await patience(name);
      return answerMs === 0 ? undefined : askOthers(channel, answerMs);
    },
    leave: () => channel.postMessage({ kind: 'left' } satisfies Message),
    onLeave(listener) {
      channel.addEventListener('message', ({ data }: MessageEvent<Message>) => {
        if (data.kind === 'left') listener();
      });
    },
  };
}

function askOthers(channel: BroadcastChannel, answerMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const hear = ({ data }: MessageEvent<Message>) => {
      if (data.kind === 'bearer') done(data.bearer);
    };
    const done = (bearer: string | undefined) => {
      clearTimeout(timer);
      channel.removeEventListener('message', hear);
      resolve(bearer);
    };
    const timer = setTimeout(() => done(undefined), answerMs);
    channel.addEventListener('message', hear);
    channel.postMessage({ kind: 'ask' } satisfies Message);
  });
}

/** Browsers have locks on https and on this machine only. */
function locks(): LockManager | undefined {
  return (navigator as { locks?: LockManager }).locks;
}

/** The lock ends with the tab, however that ends. */
function hold(name: string): () => void {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  void locks()?.request(name, { mode: 'shared' }, () => held);
  return () => release();
}

/** How long to wait for another tab; 0 = there is none. */
async function patience(name: string): Promise<number> {
  const state = await locks()?.query();
  if (!state) return ANSWER_UNKNOWN_MS;
  return state.held?.some((lock) => lock.name === name) ? ANSWER_MS : 0;
}
