import { toIso } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';

export function nodeRoutes({ nodes }: HttpDeps): Pick<Handlers, 'listNodes'> {
  return {
    async listNodes() {
      const items = (await nodes()).map(({ joinedAt, beatAt, alive, ...node }) => ({
        ...node,
        roles: [...node.roles],
        healthy: alive,
        joinedAt: toIso(joinedAt),
        lastHeartbeatAt: toIso(beatAt),
      }));
      return { items };
    },
  };
}
