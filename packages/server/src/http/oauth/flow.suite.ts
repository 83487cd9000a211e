import { createHash } from 'node:crypto';
import type { Client } from '@posthorn/api';

/** A person's browser and an app's program, for tests of the authorisation server. */

export const VERIFIER = 'v'.repeat(43);
export const CHALLENGE = createHash('sha256').update(VERIFIER).digest('base64url');
export const REDIRECT = 'https://app.example.com/back';

export interface Who {
  readonly tenant: string;
  readonly id?: string;
  readonly role?: 'admin' | 'member';
}

export type Query = Record<string, string>;

/** Follows nothing by itself, and keeps cookies. */
export class Browser {
  readonly #url: string;
  readonly #api: Client;
  readonly cookies = new Map<string, string>();

  constructor(url: string, api: Client) {
    this.#url = url;
    this.#api = api;
  }

  async get(target: string): Promise<Response> {
    return this.#send(target, { method: 'GET' });
  }

  async post(target: string, form: Query, headers: Record<string, string> = {}): Promise<Response> {
    const sent = { origin: this.#url, 'sec-fetch-site': 'same-origin', ...headers };
    return this.#send(target, { method: 'POST', body: new URLSearchParams(form), headers: sent });
  }

  /** As if the person had logged in at the host application, which vouches for them. */
  async signIn(who: Who, returnTo: string): Promise<Response> {
    const { url } = await this.#api.createSignIn({
      tenant: who.tenant,
      body: { user: { id: who.id ?? 'U1', name: 'Ada' }, role: who.role ?? 'admin', returnTo },
    });
    return this.get(url);
  }

  /** To the consent page, logging in on the way; resolves with what is shown in the end. */
  async open(query: Query, who: Who): Promise<{ target: string; response: Response }> {
    const target = `/oauth2/authorize?${new URLSearchParams(query)}`;
    const response = await this.get(target);
    const login = response.headers.get('location');
    const returnTo = login && new URL(login).searchParams.get('return_to');
    if (!returnTo) return { target, response };
    const back = (await this.signIn(who, returnTo)).headers.get('location') ?? '';
    return { target: back, response: await this.get(back) };
  }

  /** Where the app is sent in the end. */
  async consent(query: Query, who: Who, decision = 'allow'): Promise<URL> {
    const { target, response } = await this.open(query, who);
    const page = await response.text();
    const csrf = /name="csrf" value="([^"]+)"/.exec(page)?.[1];
    if (csrf === undefined) throw new Error(`no consent page: ${response.status} ${page}`);
    const answer = await this.post(target, { csrf, decision });
    return new URL(answer.headers.get('location') ?? '', 'https://nowhere.example');
  }

  async #send(target: string, init: RequestInit): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(target, this.#url), {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as Record<string, string>), cookie },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      if (line.includes('Max-Age=0')) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return response;
  }
}

/** A request for consent as an app should make it; `changes` replace or, if undefined, remove. */
export function queryOf(clientId: string, changes: Record<string, string | undefined> = {}): Query {
  const query = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: REDIRECT,
    scope: 'webhook:MOIM:product',
    state: 'xyz',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...changes,
  };
  return Object.fromEntries(
    Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly scope: string;
  readonly community_id: string;
  readonly bot_access_token?: string;
  readonly expires_in: number;
}

export async function postForm(
  url: string,
  form: Query,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Tokens & Record<string, unknown> }> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) };
}

export function basic(id: string, secret: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}
