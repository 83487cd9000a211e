import type { InboxCounts } from '../../store/inbox.ts';
import { backlogOf } from '../../store/listener-state.ts';
import { toIso } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';
import { keyOf, read } from './inboxes.ts';

export function listenerRoutes(deps: HttpDeps): Pick<Handlers, 'listListeners'> {
  const { captures, listeners } = deps.inbox.store;
  return {
    async listListeners({ params }) {
      const key = keyOf((await read(deps, params)).value);
      const [counts] = (await captures.counts([key])) as [InboxCounts];
      const found = await listeners.list(key, deps.now());
      const items = found.map((listener) => ({
        name: listener.name,
        backlog: backlogOf(listener, counts),
        acked: listener.acked,
        filter: listener.filter,
        attachments: listener.attachments.map(({ agent, mode, responder, node, since }) => ({
          ...{ agent, mode, responder, node },
          since: toIso(since),
        })),
        createdAt: toIso(listener.createdAt),
        seenAt: toIso(listener.seenAt),
      }));
      return { items, next: null };
    },
  };
}
