export interface ReachOptions {
  /** Resolves with false when nobody answers. */
  readonly probe: () => Promise<boolean>;
}

/** While nothing else is asked of the server, it is asked whether it is there. */
const LOOK_MS = 3000;
const AGAIN_MS = { first: 250, most: 2000 };

/**
 * Whether the server answers: heard from every request, and looked after by itself.
 *
 *     there ──nobody answers──▶ gone ──anything is answered──▶ there
 */
export class Reach {
  readonly #options: ReachOptions;
  readonly #listeners = new Set<() => void>();
  #gone = false;
  #heardAt = 0;

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  isGone = (): boolean => this.#gone;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** It is there again: whatever failed meanwhile is asked for anew. */
  onBack(hear: () => void): () => void {
    return this.subscribe(() => {
      if (!this.#gone) hear();
    });
  }

  /** What a request has shown. */
  heard(answered: boolean): void {
    if (answered) this.#heardAt = performance.now();
    if (this.#gone !== answered) return;
    this.#gone = !answered;
    for (const listener of this.#listeners) listener();
  }

  watch(): () => void {
    let waitMs = AGAIN_MS.first;
    let timer: ReturnType<typeof setTimeout>;
    let watching = true;
    const look = async () => {
      const fresh = performance.now() - this.#heardAt < LOOK_MS;
      if (this.#gone || !(fresh || document.hidden)) this.heard(await this.#options.probe());
      waitMs = this.#gone ? Math.min(waitMs * 2, AGAIN_MS.most) : AGAIN_MS.first;
      next();
    };
    const next = () => {
      clearTimeout(timer);
      if (!watching) return;
      timer = setTimeout(look, this.#gone ? waitMs : LOOK_MS);
    };
    next();
    const stop = this.subscribe(next);
    return () => {
      watching = false;
      clearTimeout(timer);
      stop();
    };
  }
}

/** A proxy answers in place of a server that is gone. */
export function isFromServer({ status }: Response): boolean {
  return status !== 502 && status !== 504;
}

export async function isThere(base: string): Promise<boolean> {
  try {
    return isFromServer(await fetch(`${base}/healthz`, { cache: 'no-store' }));
  } catch {
    return false;
  }
}

/**
 * Code of a page that nobody has opened yet. Without the server it is waited for: given up, the browser
 * would leave for an error page of its own.
 */
export function whenThere<T>(load: () => Promise<T>, base: string): () => Promise<T> {
  return async () => {
    for (;;) {
      try {
        return await load();
      } catch (error) {
        if (await isThere(base)) throw error;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS.most));
      }
    }
  };
}
