import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../core/errors.ts';
import type { Tenant } from '../../core/model.ts';
import type { App, Visit } from '../../core/oauth.ts';
import { hears } from '../../core/routing.ts';
import { coversType, isAdminScope, isWebhookScope, patternsOf } from '../../core/scopes.ts';
import { OAuthError } from '../../oauth/oauth-error.ts';
import type { HttpDeps } from '../ports.ts';
import { type AuthorizeRequest, answerUrl, judgeAuthorize, type Way } from './authorize-request.ts';
import { cookie, digest, isOwnForm, readCookie } from './browser.ts';
import { type Asked, adminsOnlyPage, consentPage, messagePage, nameOf } from './consent-page.ts';
import { readForm } from './form.ts';
import { eventsInWords } from './offered.ts';
import { PAGE_HEADERS, sendPage } from './page.ts';
import { loginHashOf, withLoginHash } from './sign-in.ts';

export interface ConsentFlowOptions
  extends Pick<HttpDeps, 'oauth' | 'config' | 'configStore' | 'publicUrl' | 'dashboard'> {
  readonly appOf: (id: string) => Promise<App | undefined>;
  readonly issuer: () => string;
  readonly random: (count: number) => Uint8Array;
}

const LOGIN_S = 15 * 60;
const VISIT_S = 60 * 60;

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly url: URL;
}

/** Somebody who may be asked, and what. */
interface Asking {
  readonly request: AuthorizeRequest;
  readonly visit: Visit;
  readonly tenant: Tenant;
  readonly csrf: string;
}

/**
 * From an app's link to its code. Nothing is stored before somebody agrees, so links that lead nowhere
 * cost nothing: the page is its address, and its form posts to the same one.
 */
export class ConsentFlow {
  readonly #options: ConsentFlowOptions;

  constructor(options: ConsentFlowOptions) {
    this.#options = options;
  }

  async authorize(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '', this.#options.issuer());
    const judged = await judgeAuthorize(url.searchParams, this.#options.appOf);
    if (judged.kind === 'lost') {
      sendPage(res, 400, messagePage('This link does not work', judged.message));
      return;
    }
    const way = judged.kind === 'refused' ? judged.way : judged.request;
    try {
      if (judged.kind === 'refused') throw judged.error;
      await this.#ask({ req, res, url }, judged.request);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      this.#answer(res, way, { error: error.code, error_description: error.message });
    }
  }

  /** Where the host application's link leads: the visit begins, in the browser that was sent there. */
  async signIn(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { oauth, issuer } = this.#options;
    const token = new URL(req.url ?? '', issuer()).searchParams.get('token') ?? '';
    const link = await oauth.visits.link(token);
    const nonce = readCookie(req, 'login', this.#jar()) ?? '';
    const wanted = link && loginHashOf(new URL(link.returnTo, issuer()));
    if (!link || wanted !== digest(nonce)) {
      throw new AppError(
        'unauthorized',
        'This link was used, has expired, or was made for another browser: go back to the app and begin again.',
      );
    }
    const opened = await oauth.visits.open(token);
    const jar = this.#jar();
    res.writeHead(303, {
      ...PAGE_HEADERS,
      Location: link.returnTo,
      'Set-Cookie': [
        cookie('visit', opened.cookie, { ...jar, maxAgeS: VISIT_S }),
        cookie('login', '', { ...jar, maxAgeS: 0 }),
      ],
    });
    res.end();
  }

  async #ask(exchange: Exchange, request: AuthorizeRequest): Promise<void> {
    const { req, res, url } = exchange;
    const secret = readCookie(req, 'visit', this.#jar());
    const visit = secret === undefined ? undefined : await this.#options.oauth.visits.find(secret);
    const tenant = visit && this.#options.config.tenant(visit.tenant);
    if (!secret || !tenant || !isFor(request, tenant)) {
      this.#sendToLogin(exchange, request, tenant);
      return;
    }
    if (request.silent) throw new OAuthError('consent_required', 'Somebody has to agree first.');
    const asked = await this.#checkScopes(request, tenant);
    const csrf = digest(secret, url.search);
    const asking = { request, visit, tenant, csrf };
    if (req.method === 'POST') await this.#decide(exchange, asking);
    else if (mayAgree(request, visit)) {
      const { app } = request;
      const granted = await this.#options.oauth.grants.find({ ...visit, app });
      sendPage(res, 200, consentPage({ ...asking, asked, granted }));
    } else sendPage(res, 403, adminsOnlyPage(asking));
  }

  async #decide({ req, res }: Exchange, { request, visit, tenant, csrf }: Asking): Promise<void> {
    const form = isOwnForm(req) ? await readForm(req) : undefined;
    if (form?.get('csrf') !== csrf) {
      throw new AppError(
        'forbidden',
        'This form was not sent from its own page: go back to the app and begin again.',
      );
    }
    if (form.get('decision') !== 'allow') {
      throw new OAuthError('access_denied', 'It was not allowed.');
    }
    if (!mayAgree(request, visit))
      throw new OAuthError('access_denied', 'Only an admin can agree.');
    const { app, scopes, redirectUri, challenge } = request;
    const { person, role } = visit;
    const consent = { app, tenant: tenant.id, person, role, scopes, redirectUri, challenge };
    const { code } = await this.#options.oauth.grants.consent(consent);
    this.#answer(res, request, { code });
  }

  /** Throws `OAuthError` for what this tenant cannot be asked. Resolves with the events, in words. */
  async #checkScopes(request: AuthorizeRequest, tenant: Tenant): Promise<readonly Asked[]> {
    const { app } = request;
    const line = this.#options.config.lineage(tenant.id);
    if (!hears(app, line)) {
      throw new OAuthError('access_denied', 'This app is not offered to this community.');
    }
    const wanted = request.scopes.filter(isWebhookScope);
    if (wanted.length === 0) return [];
    if (app.webhookUrl === null) {
      throw new OAuthError(
        'invalid_scope',
        'The app has no webhook URL, so it can ask for no events.',
      );
    }
    const types = await eventsInWords(this.#options, tenant.id);
    return wanted.map((scope) => {
      const events = types.filter(({ type }) => coversType(scope, type));
      if (patternsOf(scope).length > 0 && events.length > 0) return { scope, events };
      throw new OAuthError('invalid_scope', 'A webhook scope names no event of this community.');
    });
  }

  /** The login page is told where to come back to, and which browser it was. */
  #sendToLogin(
    { res, url }: Exchange,
    request: AuthorizeRequest,
    signedIn: Tenant | undefined,
  ): void {
    if (request.silent) throw new OAuthError('login_required', 'Somebody has to sign in first.');
    const { oauth, dashboard, issuer, random } = this.#options;
    const login = oauth.loginUrl ?? (dashboard && `${issuer()}/dashboard/-/authorize`);
    if (login === undefined) {
      throw new AppError(
        'conflict',
        'Nobody can sign in here: the operator can set POSTHORN_LOGIN_URL.',
      );
    }
    if (loginHashOf(url) !== undefined && signedIn) {
      // Asked again it would come back the same.
      throw new AppError(
        'forbidden',
        `You are signed in at ${nameOf(signedIn)}, and the app asks for another community.`,
      );
    }
    const nonce = Buffer.from(random(32)).toString('base64url');
    const jar = this.#jar();
    const back = withLoginHash(new URL(`${issuer()}/oauth2/authorize${url.search}`), digest(nonce));
    const to = new URL(login);
    to.searchParams.set('return_to', back.href);
    res.writeHead(303, {
      ...PAGE_HEADERS,
      Location: to.href,
      'Set-Cookie': cookie('login', nonce, { ...jar, maxAgeS: LOGIN_S }),
    });
    res.end();
  }

  #answer(res: ServerResponse, way: Way, answer: Record<string, string>): void {
    const location = answerUrl(way, this.#options.issuer(), answer);
    res.writeHead(303, { ...PAGE_HEADERS, Location: location }).end();
  }

  #jar() {
    return { secure: this.#options.publicUrl().startsWith('https:') };
  }
}

function mayAgree(request: AuthorizeRequest, { role }: Visit): boolean {
  return role === 'admin' || !request.scopes.some(isAdminScope);
}

function isFor({ community }: AuthorizeRequest, { id, alias }: Tenant): boolean {
  return community === undefined || community === id || community === alias;
}
