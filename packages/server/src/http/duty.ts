import type { IncomingMessage } from 'node:http';
import { AppError } from '../core/errors.ts';
import type { Role } from '../core/roles.ts';
import { inboxPlace } from './inbox/place.ts';
import { SHARED_PREFIX } from './inbox/shared-page.ts';
import { TUNNEL_PATH } from './inbox/tunnel-handler.ts';

/** What every node says of itself. */
const OWN_PATHS = new Set(['/healthz', '/readyz', '/metrics']);

/** The role that a node must have to answer a request; undefined = every node does. */
function roleOf(req: IncomingMessage, domain: string | undefined): Role | undefined {
  const target = req.url ?? '';
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  const tunnel = path === TUNNEL_PATH || path.startsWith(`${TUNNEL_PATH}/`);
  if (tunnel || path.startsWith(SHARED_PREFIX) || inboxPlace(req, domain)) return 'inbox';
  return OWN_PATHS.has(path) ? undefined : 'api';
}

/** undefined = this node answers it. */
export function misdirected(
  req: IncomingMessage,
  { roles, domain }: { readonly roles: readonly Role[]; readonly domain: string | undefined },
): AppError | undefined {
  const role = roleOf(req, domain);
  if (role === undefined || roles.includes(role)) return undefined;
  const what = role === 'inbox' ? 'requests for inboxes' : 'the API';
  return new AppError(
    'misdirected',
    `This node has the roles ${roles.join(', ')} and does not answer ${what}: send it to a node with the role ${role}.`,
  );
}
