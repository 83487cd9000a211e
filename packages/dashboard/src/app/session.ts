import lines from 'virtual:contract';
import type { CurrentSession } from '@posthorn/api';
import {
  ApiError,
  type BlobCall,
  type Client,
  type ClientOptions,
  createBlobCall,
  createClientOf,
  createTextCall,
  type TextCall,
} from '@posthorn/api/browser';
import { isFromServer, isThere, Reach } from '../data/reach.ts';
import { inMemory, inTab, type Keep } from './keep.ts';
import type { Place } from './place.ts';

/**
 * Who is signed in.
 *
 *     starting ──link, kept bearer, another tab──▶ in ──401, sign out──▶ out ──link or key──▶ in
 *
 * The bearer lives as long as its tab; embedded in another page, where storage may be shared or
 * refused, in memory alone.
 */
export type SessionState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'out'; readonly why: 'new' | 'link' | 'ended' | 'left' | 'unreachable' }
  | ({ readonly kind: 'in'; readonly who: CurrentSession } & Way);

/** The way to the server, as somebody. */
export interface Way {
  readonly api: Client;
  readonly apiText: TextCall;
  readonly apiBlob: BlobCall;
}

const LINK = /^#(phl_[\w-]+)$/;

export class Session {
  readonly #place: Place;
  readonly #keep: Keep;
  readonly #listeners = new Set<() => void>();
  /** Whether the server answers. */
  readonly reach: Reach;
  #state: SessionState = { kind: 'starting' };

  constructor(place: Place) {
    this.#place = place;
    this.reach = new Reach({ probe: () => isThere(place.base) });
    this.#keep = place.embedded ? inMemory() : inTab(`posthorn:${place.portal ?? ''}`);
    this.#keep.onLeave(() => {
      if (this.#state.kind === 'in') this.#end('left');
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async start(): Promise<void> {
    const token = LINK.exec(location.hash)?.[1];
    if (token !== undefined) {
      // Out of the address bar and the history before anything else sees it.
      history.replaceState(null, '', location.pathname + location.search);
      return this.openLink(token);
    }
    const bearer = this.#keep.get() ?? (await this.#keep.ask());
    if (bearer === undefined) return this.#set({ kind: 'out', why: 'new' });
    await this.#enter(bearer, 'ended');
  }

  async openLink(token: string): Promise<void> {
    try {
      const { bearer } = await this.#client(undefined).openSession({ body: { token } });
      await this.#enter(bearer, 'ended');
    } catch (error) {
      this.#set({ kind: 'out', why: error instanceof ApiError ? 'link' : 'unreachable' });
    }
  }

  /** Rejects with what the server said of the key. */
  async enterWith(key: string): Promise<void> {
    const { bearer } = await this.#client(key).createSession();
    await this.#enter(bearer, 'ended');
  }

  async leave(): Promise<void> {
    const { state } = this;
    this.#keep.leave();
    this.#end('left');
    // Whatever the server answers, nobody is signed in here any more.
    if (state.kind === 'in') await state.api.deleteCurrentSession().catch(() => {});
  }

  async #enter(bearer: string, refused: 'ended' | 'link'): Promise<void> {
    const options = this.#options(bearer);
    const api = createClientOf(lines, options);
    try {
      const who = await api.getCurrentSession();
      this.#keep.set(bearer);
      this.#set({
        kind: 'in',
        who,
        api,
        apiText: createTextCall(lines, options),
        apiBlob: createBlobCall(lines, options),
      });
    } catch (error) {
      if (error instanceof ApiError) this.#end(refused);
      else this.#set({ kind: 'out', why: 'unreachable' });
    }
  }

  #client(key: string | undefined): Client {
    return createClientOf(lines, this.#options(key));
  }

  #options(key: string | undefined): ClientOptions {
    return {
      baseUrl: location.origin + this.#place.base,
      ...(key === undefined ? {} : { key }),
      fetch: async (input, init) => {
        const response = await this.#ask(input, init);
        if (response.status === 401 && this.#state.kind === 'in') this.#end('ended');
        return response;
      },
    };
  }

  async #ask(...request: Parameters<typeof fetch>): Promise<Response> {
    try {
      const response = await fetch(...request);
      this.reach.heard(isFromServer(response));
      return response;
    } catch (error) {
      // What was called off says nothing of the server.
      if (error instanceof TypeError) this.reach.heard(false);
      throw error;
    }
  }

  /** The bearer is no good any more: asked by whoever else uses it. */
  ended(): void {
    if (this.#state.kind === 'in') this.#end('ended');
  }

  #end(why: 'ended' | 'link' | 'left'): void {
    this.#keep.set(undefined);
    this.#set({ kind: 'out', why });
  }

  #set(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
