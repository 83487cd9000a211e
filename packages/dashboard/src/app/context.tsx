import type { CurrentSession } from '@posthorn/api';
import type { BlobCall, Client, TextCall } from '@posthorn/api/browser';
import { createContext, useContext } from 'react';
import type { LiveFeed } from '../data/live.ts';
import type { Place } from './place.ts';
import type { Session } from './session.ts';

/** What every page needs: who is signed in, and the way to the server. */
export interface AppContext {
  readonly place: Place;
  readonly session: Session;
  readonly who: CurrentSession;
  readonly api: Client;
  readonly apiText: TextCall;
  readonly apiBlob: BlobCall;
}

export const AppContext = createContext<AppContext | undefined>(undefined);

export function useApp(): AppContext {
  const app = useContext(AppContext);
  if (!app) throw new Error('outside of the application');
  return app;
}

export function useApi(): Client {
  return useApp().api;
}

export interface Rights {
  /** Every tenant, keys, sessions. */
  readonly admin: boolean;
  /** Webhooks and deliveries may be changed. */
  readonly write: boolean;
  /** Events may be posted. */
  readonly publish: boolean;
}

/** What the session may not do is not shown. */
export function useRights(): Rights {
  const { scopes } = useApp().who;
  const admin = scopes.includes('admin');
  return {
    admin,
    write: admin || scopes.includes('write'),
    publish: admin || scopes.includes('publish'),
  };
}

export interface TenantScope {
  readonly tenant: string;
  readonly live: LiveFeed;
}

export const TenantContext = createContext<TenantScope | undefined>(undefined);

function useScope(): TenantScope {
  const scope = useContext(TenantContext);
  if (scope === undefined) throw new Error('outside of a tenant');
  return scope;
}

/** The tenant whose pages these are. */
export function useTenant(): string {
  return useScope().tenant;
}

/** What happens in it, as it happens. */
export function useLive(): LiveFeed {
  return useScope().live;
}
