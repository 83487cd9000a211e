import { randomBytes } from 'node:crypto';
import type { Clock } from './core/clock.ts';
import type { IdFactory } from './core/ids.ts';
import type { OwnEvents } from './delivery/own-events.ts';
import type { Registry } from './delivery/registry/registry.ts';
import type { OAuthRoom } from './http/ports.ts';
import { Apps } from './oauth/apps.ts';
import { Audit } from './oauth/audit.ts';
import { Grants } from './oauth/grants.ts';
import type { EndpointRules, GrantedSettings } from './oauth/ports.ts';
import { Tokens } from './oauth/tokens.ts';
import { Visits } from './oauth/visits.ts';
import type { ConfigView } from './store/config-view.ts';
import { ConfigWriter } from './store/config-writer.ts';
import type { ConfigStore } from './store/store.ts';

/** Builds the room of apps and grants; app.ts hands it to HTTP. */

export interface OAuthRoomOptions {
  readonly store: ConfigStore;
  readonly view: ConfigView;
  readonly ids: IdFactory;
  readonly registry: Pick<Registry, 'endpoints'>;
  readonly own: Pick<OwnEvents, 'ofChange'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly loginUrl: string | undefined;
}

export function createOAuthRoom(options: OAuthRoomOptions): OAuthRoom {
  const { store, view, ids, clock } = options;
  const now = () => clock.now();
  const writer = new ConfigWriter({ store, now, refresh: () => view.refresh() });
  const audit = new Audit({ store, ids, now });
  const rules = rulesOf(options);
  const common = { store, ids, now, random: randomBytes, rules, audit };
  return {
    apps: new Apps({ ...common, grants: view.grants }, writer),
    grants: new Grants(common, writer),
    tokens: new Tokens(common, writer),
    visits: new Visits(common, writer),
    audit,
    loginUrl: options.loginUrl,
  };
}

function rulesOf({ registry, view, own }: OAuthRoomOptions): EndpointRules {
  const { endpoints } = registry;
  return {
    made: (tenant, { secret, ...settings }) =>
      endpoints.draft(tenant, { ...GRANTED, ...settings }, secret),
    async changed(current, { secret, ...settings }: GrantedSettings) {
      const secrets = [{ value: secret, expiresAt: null }];
      return endpoints.changed({ ...current, secrets }, settings, view.lineage(current.tenant));
    },
    checkUrl: (url) => endpoints.checkUrl(url, 'webhookUrl'),
    tell: (before, after, now) => own.ofChange(before, after, now),
  };
}

/** What nobody says of the endpoint of a grant. */
const GRANTED = {
  alias: null,
  description: '',
  method: 'POST',
  contentType: null,
  headers: [],
  channels: [],
  filter: null,
  scope: 'tenant',
  fields: [],
  actorFields: null,
  custom: null,
  standardHeaders: false,
  enabled: true,
  rateLimit: null,
  maxConcurrency: null,
  ordering: 'none',
  timeoutMs: null,
  retryPolicy: null,
  metadata: {},
} as const;
