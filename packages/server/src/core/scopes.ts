/**
 * OAuth scopes. `webhook:<name>` asks for events: of the type `<name>`, or, if no dot stands behind the
 * module, of every type of that resource: `webhook:MOIM:product` is `MOIM:product.created` and whatever
 * else is told of products. No wildcards. Other scopes are the host application's: they are carried.
 */

export const SCOPES_MAX = 100;
const SCOPE_CHARS_MAX = 200;

/** RFC 6749, appendix A.4. */
const TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const WEBHOOK = 'webhook:';
/** A type of event, or the part of one before its dot. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}(?<![.:])$/;

/** The scopes of a request, each once; undefined = the text is none. */
export function parseScopes(text: string): readonly string[] | undefined {
  const scopes = [...new Set(text.split(' '))];
  const fits = scopes.every((scope) => scope.length <= SCOPE_CHARS_MAX && TOKEN.test(scope));
  return fits && scopes.length <= SCOPES_MAX ? scopes : undefined;
}

export function isWebhookScope(scope: string): boolean {
  return scope.toLowerCase().startsWith(WEBHOOK);
}

/** Only a tenant's admin can agree to it: events, and acting for the tenant. */
export function isAdminScope(scope: string): boolean {
  return isWebhookScope(scope) || scope.toLowerCase().startsWith('bot:');
}

/** The types that a scope lets an app hear, as patterns of an endpoint; none if it is no such scope. */
export function patternsOf(scope: string): readonly string[] {
  const name = nameOf(scope);
  if (name === undefined) return [];
  return isResource(name) ? [name, `${name}.*`] : [name];
}

export function coversType(scope: string, type: string): boolean {
  const name = nameOf(scope);
  if (name === undefined) return false;
  return type === name || (isResource(name) && type.startsWith(`${name}.`));
}

/** The scope of a type's whole resource; of a type without a dot, its own. */
export function scopeOfType(type: string): string {
  const { module, rest } = parts(type);
  const dot = rest.indexOf('.');
  return WEBHOOK + module + (dot > 0 ? rest.slice(0, dot) : rest);
}

function nameOf(scope: string): string | undefined {
  if (!scope.startsWith(WEBHOOK)) return undefined;
  const name = scope.slice(WEBHOOK.length);
  return NAME.test(name) ? name : undefined;
}

function isResource(name: string): boolean {
  const { rest } = parts(name);
  return rest !== '' && !rest.includes('.');
}

/** `MOIM:product.created` is of the module `MOIM:`. */
function parts(name: string): { module: string; rest: string } {
  const colon = name.lastIndexOf(':') + 1;
  return { module: name.slice(0, colon), rest: name.slice(colon) };
}
