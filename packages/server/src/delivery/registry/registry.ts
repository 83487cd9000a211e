import { ConfigWriter, type WriterOptions } from '../../store/config-writer.ts';
import { EndpointUpserts } from './endpoint-upsert.ts';
import { Endpoints, type EndpointsOptions } from './endpoints.ts';
import { EventTypes, type EventTypesOptions } from './event-types.ts';
import { Keys, type KeysOptions } from './keys.ts';
import { Sessions, type SessionsOptions } from './sessions.ts';
import { Tenants, type TenantsOptions } from './tenants.ts';

export interface RegistryOptions
  extends WriterOptions,
    TenantsOptions,
    EndpointsOptions,
    EventTypesOptions,
    KeysOptions,
    SessionsOptions {
  readonly ids: EndpointsOptions['ids'] & KeysOptions['ids'] & SessionsOptions['ids'];
}

/**
 * The verbs that write configuration, one class for each kind of thing. What is checked there holds
 * for every caller: HTTP, an embedding program, a command.
 */
export class Registry {
  readonly tenants: Tenants;
  readonly endpoints: Endpoints;
  readonly endpointUpserts: EndpointUpserts;
  readonly eventTypes: EventTypes;
  readonly keys: Keys;
  readonly sessions: Sessions;

  constructor(options: RegistryOptions) {
    const writer = new ConfigWriter(options);
    this.tenants = new Tenants(options, writer);
    this.endpoints = new Endpoints(options, writer);
    this.endpointUpserts = new EndpointUpserts(options, writer, this.endpoints);
    this.eventTypes = new EventTypes(options, writer);
    this.keys = new Keys(options, writer);
    this.sessions = new Sessions(options, writer);
  }
}
