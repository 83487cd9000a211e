import type { DialectName } from '@posthorn/wire';
import type { EndpointId, KeyId, Ms, TenantId } from './model.ts';

/** Apps, and what tenants granted them (docs/oauth.md). */

export type AppId = `app_${string}`;
export type GrantId = `grt_${string}`;
export type VisitId = `vis_${string}`;
export type AuditId = `aud_${string}`;

/** A program of somebody's, with one webhook URL; what it hears is what tenants granted it. */
export interface App {
  readonly id: AppId;
  /** Whose it is. */
  readonly tenant: TenantId;
  readonly name: string;
  readonly website: string | null;
  /** A `data:` URL of an image. */
  readonly logo: string | null;
  /** Where answers of the authorisation server may go; compared character by character. */
  readonly redirectUris: readonly string[];
  /** null = it may ask for no events. */
  readonly webhookUrl: string | null;
  readonly dialect: Exclude<DialectName, 'custom'>;
  /** Which tenants can grant it something: its own, those below it too, or every one. */
  readonly scope: 'tenant' | 'below' | 'all';
  /** true = it runs where nothing can be kept secret, so it has no client secret. */
  readonly public: boolean;
  readonly clientSecret: ClientSecret | null;
  /** Signs what is sent to its webhook URL, if its dialect signs. */
  readonly signingSecret: string;
  readonly createdAt: Ms;
  readonly updatedAt: Ms;
}

export interface ClientSecret {
  /** Lower-case hex SHA-256. */
  readonly hash: string;
  readonly hint: string;
  readonly createdAt: Ms;
}

/** Somebody the host application knows; `id` is its own. */
export interface Person {
  readonly id: string;
  readonly name: string;
}

export type Role = 'admin' | 'member';

/**
 * What a tenant's admin (one grant for each app and tenant), or a member for themselves, agreed to. With
 * `webhook:` scopes it has an endpoint, which lives and dies with it.
 */
export interface Grant {
  readonly id: GrantId;
  readonly app: AppId;
  readonly tenant: TenantId;
  readonly role: Role;
  /** Who agreed last. */
  readonly person: Person;
  readonly scopes: readonly string[];
  readonly endpoint: EndpointId | null;
  /** Newest last; bounded, and pruned with every write. */
  readonly lines: readonly Line[];
  readonly createdAt: Ms;
  readonly updatedAt: Ms;
}

/** One authorisation: its code, and the tokens that descend from it. They die together. */
export interface Line {
  readonly id: string;
  readonly person: Person;
  /** What was agreed to this time. */
  readonly scopes: readonly string[];
  readonly code: Code;
  readonly access: (Hashed & { readonly scopes: readonly string[] }) | null;
  readonly refresh: Hashed | null;
  /** Refresh tokens that were exchanged: whoever shows one again has stolen it, or was stolen from. */
  readonly spent: readonly string[];
  readonly bot: Hashed | null;
}

export interface Hashed {
  readonly hash: string;
  readonly expiresAt: Ms;
}

export interface Code extends Hashed {
  readonly redirectUri: string;
  /** SHA-256 of the verifier in base64url (RFC 7636, S256). */
  readonly challenge: string;
  readonly redeemed: boolean;
}

/**
 * Somebody whom the host application vouches for at the consent page: a link, used once, then a cookie.
 */
export interface Visit {
  readonly id: VisitId;
  readonly tenant: TenantId;
  readonly person: Person;
  readonly role: Role;
  /** Of the link's token, then of the cookie. */
  readonly hash: string;
  readonly opened: boolean;
  /** Where the link leads: a path of ours with its query. */
  readonly returnTo: string;
  readonly madeBy: KeyId | null;
  readonly createdAt: Ms;
  readonly expiresAt: Ms;
}

export type AuditAction =
  | 'app.created'
  | 'app.updated'
  | 'app.secret_created'
  | 'app.deleted'
  | 'grant.created'
  | 'grant.extended'
  | 'grant.renewed'
  | 'grant.revoked'
  | 'grant.replay_stopped';

export interface Actor {
  readonly kind: 'person' | 'key' | 'session' | 'app';
  readonly id: string;
  readonly name: string;
}

/** Who did what to an app or a grant; stored in the transaction that did it. */
export interface AuditEntry {
  readonly id: AuditId;
  readonly tenant: TenantId;
  readonly at: Ms;
  readonly action: AuditAction;
  readonly actor: Actor;
  readonly app: { readonly id: AppId; readonly name: string };
  readonly grant: GrantId | null;
  /** Those that the action added or took away. */
  readonly scopes: readonly string[];
}
