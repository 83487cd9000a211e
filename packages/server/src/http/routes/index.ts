import type { Handlers } from '../handlers.ts';
import type { LiveFeed } from '../live/feed.ts';
import type { HttpDeps } from '../ports.ts';
import { appRoutes } from './apps.ts';
import { captureExportRoutes } from './capture-exports.ts';
import { captureReplayRoutes } from './capture-replays.ts';
import { captureRoutes } from './captures.ts';
import { deliveryRoutes } from './deliveries.ts';
import { developmentRoutes } from './development.ts';
import { endpointToolRoutes } from './endpoint-tools.ts';
import { endpointRoutes } from './endpoints.ts';
import { eventTypeRoutes } from './event-types.ts';
import { eventRoutes } from './events.ts';
import { exchangeRoutes } from './exchanges.ts';
import { grantRoutes } from './grants.ts';
import { inboxKeyRoutes } from './inbox-keys.ts';
import { inboxRoutes } from './inboxes.ts';
import { keyRoutes } from './keys.ts';
import { listenerRoutes } from './listeners.ts';
import { liveRoutes } from './live.ts';
import { mendingRoutes } from './mending.ts';
import { nodeRoutes } from './nodes.ts';
import { purgeRoutes } from './purges.ts';
import { replayRoutes } from './replays.ts';
import { ruleRoutes } from './rules.ts';
import { sessionRoutes } from './sessions.ts';
import { statsRoutes } from './stats.ts';
import { systemRoutes } from './system.ts';
import { tenantRoutes } from './tenants.ts';

/** One handler per operation of the contract; a missing one does not compile. */
export function createHandlers(deps: HttpDeps, live: LiveFeed): Handlers {
  return {
    ...tenantRoutes(deps),
    ...endpointRoutes(deps),
    ...endpointToolRoutes(deps),
    ...developmentRoutes(deps),
    ...eventTypeRoutes(deps),
    ...eventRoutes(deps),
    ...deliveryRoutes(deps),
    ...exchangeRoutes(deps),
    ...liveRoutes(live),
    ...statsRoutes(deps),
    ...mendingRoutes(deps),
    ...replayRoutes(deps),
    ...purgeRoutes(deps),
    ...inboxRoutes(deps),
    ...captureRoutes(deps),
    ...captureReplayRoutes(deps),
    ...captureExportRoutes(deps),
    ...inboxKeyRoutes(deps),
    ...listenerRoutes(deps),
    ...ruleRoutes(deps),
    ...appRoutes(deps),
    ...grantRoutes(deps),
    ...keyRoutes(deps),
    ...sessionRoutes(deps),
    ...nodeRoutes(deps),
    ...systemRoutes(deps),
  };
}
