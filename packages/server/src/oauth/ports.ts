import type { Endpoint, Ms, TenantId } from '../core/model.ts';
import type { NewEvent } from '../store/store.ts';

/** What grants need of whoever knows endpoints: delivery's rules hold for theirs too. */
export interface EndpointRules {
  /** An endpoint, checked and not stored. Rejects `not_found` (tenant), `invalid_request`, `url_refused`. */
  made(tenant: TenantId, wanted: GrantedSettings): Promise<Endpoint>;
  changed(current: Endpoint, wanted: GrantedSettings): Promise<Endpoint>;
  /** Throws `invalid_request`, `url_refused`. */
  checkUrl(url: string): string;
  /** The events that tell of a change. */
  tell(before: Endpoint | undefined, after: Endpoint | undefined, now: Ms): readonly NewEvent[];
}

export interface GrantedSettings extends Pick<Endpoint, 'name' | 'url' | 'dialect' | 'eventTypes'> {
  readonly secret: string;
}
