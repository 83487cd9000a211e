import { appOperations } from './apps.ts';
import { captureExportOperations } from './capture-exports.ts';
import { captureReplayOperations } from './capture-replays.ts';
import { captureOperations } from './captures.ts';
import { deliveryOperations } from './deliveries.ts';
import { developmentOperations } from './development.ts';
import { endpointToolOperations } from './endpoint-tools.ts';
import { endpointOperations } from './endpoints.ts';
import { eventTypeOperations } from './event-types.ts';
import { eventOperations } from './events.ts';
import { exchangeOperations } from './exchanges.ts';
import { grantOperations } from './grants.ts';
import { inboxKeyOperations } from './inbox-keys.ts';
import { inboxOperations } from './inboxes.ts';
import { keyOperations } from './keys.ts';
import { listenerOperations } from './listeners.ts';
import { liveOperations } from './live.ts';
import { mendingOperations } from './mending.ts';
import { nodeOperations } from './nodes.ts';
import type { Operation } from './operation.ts';
import { purgeOperations } from './purges.ts';
import { replayOperations } from './replays.ts';
import { ruleOperations } from './rules.ts';
import { sessionOperations } from './sessions.ts';
import { statsOperations } from './stats.ts';
import { systemOperations } from './system.ts';
import { tenantOperations } from './tenants.ts';

/**
 * The HTTP contract. The server's routes, the OpenAPI document and the client are made from this
 * table; an operation that is not here does not exist. Each resource keeps its own part of it.
 */
export const operations = {
  ...tenantOperations,
  ...endpointOperations,
  ...endpointToolOperations,
  ...developmentOperations,
  ...eventTypeOperations,
  ...eventOperations,
  ...deliveryOperations,
  ...exchangeOperations,
  ...liveOperations,
  ...statsOperations,
  ...mendingOperations,
  ...replayOperations,
  ...purgeOperations,
  ...inboxOperations,
  ...captureOperations,
  ...captureReplayOperations,
  ...captureExportOperations,
  ...ruleOperations,
  ...inboxKeyOperations,
  ...listenerOperations,
  ...appOperations,
  ...grantOperations,
  ...keyOperations,
  ...sessionOperations,
  ...nodeOperations,
  ...systemOperations,
} as const satisfies Record<string, Operation>;

export type Operations = typeof operations;
export type OperationId = keyof Operations;
