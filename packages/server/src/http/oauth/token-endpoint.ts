import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../core/errors.ts';
import type { Ms } from '../../core/model.ts';
import type { App } from '../../core/oauth.ts';
import { parseScopes } from '../../core/scopes.ts';
import { OAuthError } from '../../oauth/oauth-error.ts';
import { LIFE_MS } from '../../oauth/token-parts.ts';
import { type Issued, isClientSecret } from '../../oauth/tokens.ts';
import type { Authenticator } from '../auth.ts';
import type { ConfigView, OAuthRoom } from '../ports.ts';
import { readForm } from './form.ts';

/** What programs ask: tokens, what they are good for, and their end (RFC 6749, 7009, 7662). */
export interface TokenEndpointOptions {
  readonly oauth: OAuthRoom;
  readonly config: ConfigView;
  readonly authenticator: Pick<Authenticator, 'checkGuesses' | 'addGuess'>;
  readonly appOf: (id: string) => Promise<App | undefined>;
  readonly issuer: () => string;
  readonly now: () => Ms;
}

type Form = ReadonlyMap<string, string>;
export type TokenPath = 'token' | 'revoke' | 'introspect';

interface Client {
  readonly app: App;
  /** It showed a secret. */
  readonly proven: boolean;
}

export class TokenEndpoint {
  readonly #options: TokenEndpointOptions;

  constructor(options: TokenEndpointOptions) {
    this.#options = options;
  }

  /** Answers, whatever happens. Rejects with what is nobody's mistake. */
  async handle(path: TokenPath, req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const form = await readForm(req);
      const client = await this.#client(req, form);
      if (path === 'token') sendJson(res, 200, await this.#token(client.app, form));
      else if (path === 'introspect') sendJson(res, 200, await this.#introspect(client, form));
      else {
        await this.#options.oauth.tokens.revoke(client.app, needed(form, 'token'));
        res.writeHead(200, JSON_HEADERS).end();
      }
    } catch (error) {
      refuse({ req, res }, error);
    }
  }

  async #token(app: App, form: Form): Promise<object> {
    const { tokens } = this.#options.oauth;
    const type = needed(form, 'grant_type');
    if (type === 'authorization_code') {
      const issued = await tokens.redeem(app, {
        code: needed(form, 'code'),
        redirectUri: needed(form, 'redirect_uri'),
        verifier: needed(form, 'code_verifier'),
      });
      return this.#answer(issued);
    }
    if (type === 'refresh_token') {
      const scope = form.get('scope');
      const scopes = scope === undefined ? undefined : parseScopes(scope);
      if (scope !== undefined && !scopes) {
        throw new OAuthError('invalid_scope', 'scope must name 1 to 100 scopes.');
      }
      return this.#answer(
        await tokens.refresh(app, { token: needed(form, 'refresh_token'), scopes }),
      );
    }
    throw new OAuthError(
      'unsupported_grant_type',
      'grant_type must be authorization_code or refresh_token.',
    );
  }

  #answer({ grant, scopes, access, refresh, bot }: Issued): object {
    return {
      access_token: access,
      token_type: 'Bearer',
      expires_in: LIFE_MS.access / 1000,
      refresh_token: refresh,
      scope: scopes.join(' '),
      community_id: this.#communityOf(grant.tenant),
      tenant: grant.tenant,
      ...(bot === undefined ? {} : { bot_access_token: bot, bot_expires_in: LIFE_MS.bot / 1000 }),
    };
  }

  /** An app asks about what was given to itself; of anything else it learns nothing. */
  async #introspect({ app, proven }: Client, form: Form): Promise<object> {
    if (!proven) throw new OAuthError('unauthorized_client', 'Only apps with a secret may ask.');
    const known = await this.#options.oauth.tokens.known(needed(form, 'token'));
    if (known?.grant.app !== app.id) return { active: false };
    const { grant, line } = known;
    return {
      active: true,
      client_id: app.id,
      token_type: 'Bearer',
      scope: known.scopes.join(' '),
      exp: Math.floor(known.expiresAt / 1000),
      iss: this.#options.issuer(),
      sub: line.person.id,
      username: line.person.name,
      community_id: this.#communityOf(grant.tenant),
      tenant: grant.tenant,
    };
  }

  #communityOf(id: string): string {
    return this.#options.config.tenant(id)?.alias ?? id;
  }

  /** RFC 6749, 2.3: one way of authenticating, and the one that fits the app. */
  async #client(req: IncomingMessage, form: Form): Promise<Client> {
    const { authenticator } = this.#options;
    const given = credentialsOf(req, form);
    const from = req.socket.remoteAddress;
    if (given.secret !== undefined) authenticator.checkGuesses(from);
    const app = await this.#options.appOf(given.id);
    if (app?.public && given.secret === undefined) return { app, proven: false };
    const { secret } = given;
    if (app && !app.public && secret !== undefined && isClientSecret(app, secret)) {
      return { app, proven: true };
    }
    if (secret !== undefined) authenticator.addGuess(from);
    throw new OAuthError('invalid_client', 'There is no such app, or this is not its secret.');
  }
}

function credentialsOf(
  req: IncomingMessage,
  form: Form,
): { id: string; secret: string | undefined } {
  const header = req.headers.authorization;
  const id = form.get('client_id');
  const secret = form.get('client_secret');
  if (header === undefined) {
    if (id === undefined) throw new OAuthError('invalid_client', 'client_id is needed.');
    return { id, secret };
  }
  const basic = basicOf(header);
  const twice = secret !== undefined || (id !== undefined && id !== basic?.id);
  if (!basic || twice) {
    throw new OAuthError('invalid_client', 'Authenticate one way: Basic, or client_secret.');
  }
  return basic;
}

/** RFC 6749, 2.3.1: both are form-encoded before they are joined. */
function basicOf(header: string): { id: string; secret: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]{1,1000}={0,2})$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 0) return undefined;
  const [[id, secret] = ['', '']] = new URLSearchParams(
    `${text.slice(0, colon)}=${text.slice(colon + 1)}`,
  );
  return { id, secret };
}

function needed(form: Form, name: string): string {
  const value = form.get(name);
  if (value !== undefined && value !== '') return value;
  throw new OAuthError('invalid_request', `${name} is needed.`);
}

/** Answers hold secrets, and programs in browsers may ask: no cookie is ever looked at here. */
export const JSON_HEADERS = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
  'X-Content-Type-Options': 'nosniff',
  'Access-Control-Allow-Origin': '*',
} as const;

export function sendJson(res: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { ...JSON_HEADERS, 'Content-Length': Buffer.byteLength(text) });
  res.end(text);
}

function refuse(
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
  error: unknown,
): void {
  if (error instanceof AppError && error.code === 'overloaded') {
    res.setHeader('Retry-After', String(error.retryAfterS ?? 1));
    sendJson(res, 429, { error: 'temporarily_unavailable', error_description: error.message });
    return;
  }
  if (!(error instanceof OAuthError)) throw error;
  const body = { error: error.code, error_description: error.message };
  // What was not read to its end is not waited for.
  if (!req.complete) res.setHeader('Connection', 'close');
  if (error.code !== 'invalid_client') sendJson(res, 400, body);
  else {
    if (req.headers.authorization) res.setHeader('WWW-Authenticate', 'Basic realm="Posthorn"');
    sendJson(res, 401, body);
  }
}
