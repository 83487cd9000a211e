import type { Tenant } from '../../core/model.ts';
import type { Grant, Visit } from '../../core/oauth.ts';
import { coversType, isWebhookScope, patternsOf } from '../../core/scopes.ts';
import type { AuthorizeRequest } from './authorize-request.ts';
import { type Html, html, type Page } from './page.ts';

/** Events that a scope lets an app hear, in words. */
export interface Asked {
  readonly scope: string;
  readonly events: readonly {
    readonly type: string;
    readonly label: string;
    readonly description: string;
  }[];
}

export interface ConsentView {
  readonly request: AuthorizeRequest;
  readonly tenant: Tenant;
  readonly visit: Visit;
  readonly asked: readonly Asked[];
  /** What was granted before; undefined = nothing. */
  readonly granted: Grant | undefined;
  readonly csrf: string;
}

export function consentPage(view: ConsentView): Page {
  const { request, visit, asked } = view;
  const { app } = request;
  const community = nameOf(view.tenant);
  const others = request.scopes.filter((scope) => !isWebhookScope(scope));
  const content = html`<header>${logo(app)}<h1>${app.name} asks for access to ${community}</h1></header>
${app.website === null ? '' : html`<p class="dim">${new URL(app.website).host}</p>`}
${eventsOf(view, asked)}${scopesOf(view, others)}
<p class="dim">Signed in as ${visit.person.name || visit.person.id}, ${visit.role === 'admin' ? 'an admin' : 'a member'} of ${community}. You are sent back to <b>${targetName(request.redirectUri)}</b>. What you allow can be revoked at any time.</p>
<form method="post"><input type="hidden" name="csrf" value="${view.csrf}"><button name="decision" value="deny">Deny</button><button class="main" name="decision" value="allow">Allow</button></form>`;
  return { title: `Allow ${app.name}?`, content, formTarget: originOf(request.redirectUri) };
}

/** For whoever may not agree: says so, and leads back. */
export function adminsOnlyPage(view: Omit<ConsentView, 'asked' | 'granted'>): Page {
  const { request, visit } = view;
  const community = nameOf(view.tenant);
  const content = html`<header>${logo(request.app)}<h1>Only an admin can allow this</h1></header>
<p>${request.app.name} asks to be told of events in ${community}, or to act for it. You are signed in as ${visit.person.name || visit.person.id}, a member. Ask an admin of ${community} to open the same link.</p>
<form method="post"><input type="hidden" name="csrf" value="${view.csrf}"><button name="decision" value="deny">Back to ${request.app.name}</button></form>`;
  const formTarget = originOf(request.redirectUri);
  return { title: 'Only an admin can allow this', content, formTarget };
}

export function messagePage(
  title: string,
  message: string,
  way?: { href: string; label: string },
): Page {
  const link = way
    ? html`<form><a class="button main" href="${way.href}">${way.label}</a></form>`
    : '';
  return { title, content: html`<header><h1>${title}</h1></header><p>${message}</p>${link}` };
}

function eventsOf({ granted }: ConsentView, asked: readonly Asked[]): Html | string {
  if (asked.length === 0) return '';
  const items = asked.map(({ scope, events }) => {
    const later = html`<li><small>And what may be told of it later: <code>${scope}</code></small></li>`;
    const now = events.map(
      ({ type, label, description }) =>
        html`<li><b>${label}</b>${isNew(granted, type) ? NEW : ''}<small>${plain(description) || type}</small></li>`,
    );
    return html`${now}${patternsOf(scope).length > 1 ? later : ''}`;
  });
  return html`<h2>It will be told when this happens</h2><ul>${items}</ul>`;
}

const NEW = html`<span class="new">new</span>`;

/** Descriptions are Markdown; here they are read as they are. */
function plain(description: string): string {
  return description.replaceAll('`', '');
}

function isNew(granted: Grant | undefined, type: string): boolean {
  return !granted?.scopes.some((scope) => coversType(scope, type));
}

function scopesOf({ granted }: ConsentView, scopes: readonly string[]): Html | string {
  if (scopes.length === 0) return '';
  const items = scopes.map((scope) => {
    return html`<li><code>${scope}</code>${granted?.scopes.includes(scope) ? '' : NEW}</li>`;
  });
  return html`<h2>It will be allowed to</h2><ul>${items}</ul>`;
}

function logo(app: AuthorizeRequest['app']): Html {
  if (app.logo !== null) return html`<img class="logo" alt="" src="${app.logo}">`;
  return html`<span class="logo" aria-hidden="true">${[...app.name][0]?.toUpperCase() ?? ''}</span>`;
}

export function nameOf({ name, alias, id }: Tenant): string {
  return name || alias || id;
}

function targetName(uri: string): string {
  const { protocol, host } = new URL(uri);
  return host === '' ? `the app (${protocol})` : host;
}

function originOf(uri: string): string {
  const { protocol, origin } = new URL(uri);
  return origin === 'null' ? protocol : origin;
}
