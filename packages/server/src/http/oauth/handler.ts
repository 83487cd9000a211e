import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../core/errors.ts';
import type { App } from '../../core/oauth.ts';
import { basePath, withoutSlash } from '../../core/public-url.ts';
import type { Authenticator } from '../auth.ts';
import type { HttpDeps } from '../ports.ts';
import { toProblem } from '../problem.ts';
import { sendProblem } from '../respond.ts';
import { ConsentFlow } from './consent-flow.ts';
import { messagePage } from './consent-page.ts';
import { sendPage } from './page.ts';
import { JSON_HEADERS, sendJson, TokenEndpoint, type TokenPath } from './token-endpoint.ts';

/** The authorisation server (docs/oauth.md), on bare node:http: pages, forms and redirects. */

const METADATA = '/.well-known/oauth-authorization-server';
const PREFIX = '/oauth2/';
const TOKEN_PATHS: readonly string[] = ['token', 'revoke', 'introspect'] satisfies TokenPath[];

export interface OAuthHandlerOptions extends HttpDeps {
  readonly authenticator: Authenticator;
  readonly requestId: (given: string | string[] | undefined) => string;
}

export class OAuthHandler {
  readonly #options: OAuthHandlerOptions;
  readonly #tokens: TokenEndpoint;
  readonly #consent: ConsentFlow;

  constructor(options: OAuthHandlerOptions) {
    this.#options = options;
    const { configStore, publicUrl } = options;
    const appOf = async (id: string) =>
      ((await configStore.read('app', id))?.value ?? undefined) as App | undefined;
    const common = { ...options, appOf, issuer: () => withoutSlash(publicUrl()) };
    this.#tokens = new TokenEndpoint(common);
    this.#consent = new ConsentFlow({ ...common, random: randomBytes });
  }

  /** false = it is somebody else's. */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    const [path = ''] = (req.url ?? '').split('?', 1);
    const known = path.startsWith(PREFIX) || path.startsWith(METADATA);
    if (!known) return false;
    const { logger, requestId } = this.#options;
    this.#route(path, req, res).catch((error: unknown) => {
      const id = requestId(req.headers['x-request-id']);
      sendProblem({ req, res }, toProblem(error, id, logger));
    });
    return true;
  }

  async #route(path: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method = '' } = req;
    const name = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : path;
    if (name === METADATA || name === METADATA + this.#basePath()) {
      if (method !== 'GET' && method !== 'HEAD') throw notAllowed('GET');
      sendJson(res, 200, this.#metadata());
    } else if (TOKEN_PATHS.includes(name)) {
      if (method === 'OPTIONS') res.writeHead(204, CORS).end();
      else if (method !== 'POST') throw notAllowed('POST');
      else await this.#tokens.handle(name as TokenPath, req, res);
    } else if (name === 'authorize') {
      if (method !== 'GET' && method !== 'POST') throw notAllowed('GET, POST');
      await this.#page(req, res, () => this.#consent.authorize(req, res));
    } else if (name === 'sign-in') {
      if (method !== 'GET') throw notAllowed('GET');
      await this.#page(req, res, () => this.#consent.signIn(req, res));
    } else throw new AppError('not_found', 'There is no such resource.');
  }

  /** A person is shown what went wrong, in words. */
  async #page(req: IncomingMessage, res: ServerResponse, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      const id = this.#options.requestId(req.headers['x-request-id']);
      const { problem } = toProblem(error, id, this.#options.logger);
      if (res.headersSent) return;
      const text = problem.detail ?? 'Something went wrong here.';
      sendPage(res, problem.status, messagePage('This did not work', text));
    }
  }

  #basePath(): string {
    return basePath(this.#options.publicUrl());
  }

  /** RFC 8414. */
  #metadata(): object {
    const issuer = withoutSlash(this.#options.publicUrl());
    const methods = ['client_secret_basic', 'client_secret_post'];
    return {
      issuer,
      authorization_endpoint: `${issuer}/oauth2/authorize`,
      token_endpoint: `${issuer}/oauth2/token`,
      revocation_endpoint: `${issuer}/oauth2/revoke`,
      introspection_endpoint: `${issuer}/oauth2/introspect`,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: [...methods, 'none'],
      revocation_endpoint_auth_methods_supported: [...methods, 'none'],
      introspection_endpoint_auth_methods_supported: methods,
      authorization_response_iss_parameter_supported: true,
    };
  }
}

const CORS = {
  ...JSON_HEADERS,
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type',
  'Access-Control-Max-Age': '3600',
};

function notAllowed(allowed: string): AppError {
  return new AppError('method_not_allowed', `Use ${allowed}.`, { details: { allowed } });
}
