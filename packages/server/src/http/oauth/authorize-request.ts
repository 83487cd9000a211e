import type { App } from '../../core/oauth.ts';
import { parseScopes } from '../../core/scopes.ts';
import { OAuthError } from '../../oauth/oauth-error.ts';

/** A request for consent, as the query of the page says it (RFC 6749, 4.1.1; RFC 7636; RFC 9700). */
export interface AuthorizeRequest {
  readonly app: App;
  readonly redirectUri: string;
  readonly state: string;
  readonly scopes: readonly string[];
  readonly challenge: string;
  /** Id or alias of a tenant, as the app knows it; undefined = that of whoever comes. */
  readonly community: string | undefined;
  /** `prompt=none`: answer without showing anything. */
  readonly silent: boolean;
}

/** Where an answer may go. */
export interface Way {
  readonly redirectUri: string;
  readonly state: string | undefined;
}

export type Judged =
  | { readonly kind: 'request'; readonly request: AuthorizeRequest }
  /** The app is told. */
  | { readonly kind: 'refused'; readonly way: Way; readonly error: OAuthError }
  /** Nobody knows that the address is the app's: the person is told, and goes nowhere. */
  | { readonly kind: 'lost'; readonly message: string };

const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;
const STATE = /^[\x20-\x7e]{1,1024}$/;
const PROMPTS = new Set(['none', 'consent', 'login', 'select_account']);

/** `appOf`: the app with this id, as the store has it now. */
export async function judgeAuthorize(
  query: URLSearchParams,
  appOf: (id: string) => Promise<App | undefined>,
): Promise<Judged> {
  const clientId = single(query, 'client_id');
  const app = clientId === undefined ? undefined : await appOf(clientId);
  if (!app)
    return lost('There is no such app: the link that led here is wrong, or the app is gone.');
  const redirectUri = single(query, 'redirect_uri');
  if (redirectUri === undefined || !app.redirectUris.includes(redirectUri)) {
    return lost(
      'The link that led here would send you to an address that is not registered for this app. ' +
        'Its developer can register it as a redirect URI, character for character.',
    );
  }
  const way = { redirectUri, state: single(query, 'state') };
  try {
    return { kind: 'request', request: requestOf(query, app, way) };
  } catch (error) {
    if (error instanceof OAuthError) return { kind: 'refused', way, error };
    throw error;
  }
}

function requestOf(query: URLSearchParams, app: App, way: Way): AuthorizeRequest {
  refuseRepeated(query);
  for (const name of ['request', 'request_uri']) {
    if (query.has(name)) throw bad(`${name} is not supported: send parameters in the query.`);
  }
  if (query.get('response_type') !== 'code') {
    throw new OAuthError('unsupported_response_type', 'response_type must be code.');
  }
  if ((query.get('response_mode') ?? 'query') !== 'query')
    throw bad('response_mode must be query.');
  const state = query.get('state') ?? '';
  if (!STATE.test(state)) throw bad('state is needed: 1 to 1024 printable ASCII characters.');
  const challenge = query.get('code_challenge') ?? '';
  if (query.get('code_challenge_method') !== 'S256' || !CHALLENGE.test(challenge)) {
    throw bad('PKCE is needed: code_challenge with code_challenge_method S256.');
  }
  const scopes = parseScopes(query.get('scope') ?? '');
  if (!scopes) throw new OAuthError('invalid_scope', 'scope must name 1 to 100 scopes.');
  const prompts = (query.get('prompt') ?? 'consent').split(' ');
  if (!prompts.every((prompt) => PROMPTS.has(prompt)) || (prompts.includes('none') && prompts[1])) {
    throw bad('prompt must be none, consent or login.');
  }
  return {
    app,
    redirectUri: way.redirectUri,
    state,
    scopes,
    challenge,
    community: query.get('community_id') ?? undefined,
    silent: prompts[0] === 'none',
  };
}

/** RFC 6749, 3.1: a parameter is sent once. */
function refuseRepeated(query: URLSearchParams): void {
  for (const name of new Set(query.keys())) {
    if (query.getAll(name).length > 1) throw bad('A parameter was sent more than once.');
  }
}

/** undefined = not there, or more than once. */
function single(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

/** The address of an answer; `iss` (RFC 9207) keeps apps from taking one server's for another's. */
export function answerUrl(way: Way, issuer: string, answer: Record<string, string>): string {
  const url = new URL(way.redirectUri);
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
  if (way.state !== undefined) url.searchParams.set('state', way.state);
  url.searchParams.set('iss', issuer);
  return url.href;
}

function lost(message: string): Judged {
  return { kind: 'lost', message };
}

function bad(message: string): OAuthError {
  return new OAuthError('invalid_request', message);
}
