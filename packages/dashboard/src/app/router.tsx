import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import {
  parseActivity,
  parseCompose,
  parseInbox,
  parseNewWebhook,
} from '../data/activity-search.ts';
import { whenThere } from '../data/reach.ts';
import type { CaptureRow } from '../data/types.ts';
import { lastTenant } from './last-tenant.ts';
import { NotFound } from './not-found.tsx';
import { type Place, readPlace } from './place.ts';
import { Shell } from './shell.tsx';
import { TenantPages } from './tenant-pages.tsx';

/** The addresses (docs/decisions/0009-dashboard.md). Pages are loaded when they are first wanted. */

const { base } = readPlace();

function page<T extends Record<string, unknown>, Name extends keyof T & string>(
  load: () => Promise<T>,
  name: Name,
) {
  return lazyRouteComponent(whenThere(load, base), name);
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

const tenant = createRoute({
  getParentRoute: () => root,
  path: '/$tenant',
  component: TenantPages,
});

const overview = createRoute({
  getParentRoute: () => tenant,
  path: '/',
  component: page(() => import('../pages/overview/overview.tsx'), 'Overview'),
});

const webhooks = createRoute({
  getParentRoute: () => tenant,
  path: '/webhooks',
  component: page(() => import('../pages/webhooks/list.tsx'), 'WebhookList'),
});

const newWebhook = createRoute({
  getParentRoute: () => tenant,
  path: '/webhooks/new',
  validateSearch: parseNewWebhook,
  component: page(() => import('../pages/webhooks/edit.tsx'), 'NewWebhook'),
});

const webhook = createRoute({
  getParentRoute: () => tenant,
  path: '/webhooks/$endpoint',
  component: page(() => import('../pages/webhooks/detail.tsx'), 'WebhookDetail'),
});

const editWebhook = createRoute({
  getParentRoute: () => tenant,
  path: '/webhooks/$endpoint/edit',
  component: page(() => import('../pages/webhooks/edit.tsx'), 'EditWebhook'),
});

const activity = createRoute({
  getParentRoute: () => tenant,
  path: '/activity',
  validateSearch: parseActivity,
  component: page(() => import('../pages/activity/activity.tsx'), 'Activity'),
});

const attempt = createRoute({
  getParentRoute: () => activity,
  path: '/$attempt',
  component: page(() => import('../pages/activity/attempt.tsx'), 'AttemptPane'),
});

const compose = createRoute({
  getParentRoute: () => tenant,
  path: '/events/new',
  validateSearch: parseCompose,
  component: page(() => import('../pages/activity/compose.tsx'), 'Compose'),
});

const event = createRoute({
  getParentRoute: () => tenant,
  path: '/events/$event',
  component: page(() => import('../pages/activity/event.tsx'), 'EventPage'),
});

const eventTypes = createRoute({
  getParentRoute: () => tenant,
  path: '/event-types',
  component: page(() => import('../pages/event-types/list.tsx'), 'EventTypes'),
});

const newEventType = createRoute({
  getParentRoute: () => tenant,
  path: '/event-types/new',
  component: page(() => import('../pages/event-types/edit.tsx'), 'NewEventType'),
});

const eventType = createRoute({
  getParentRoute: () => tenant,
  path: '/event-types/$type',
  component: page(() => import('../pages/event-types/detail.tsx'), 'EventTypeDetail'),
});

const editEventType = createRoute({
  getParentRoute: () => tenant,
  path: '/event-types/$type/edit',
  component: page(() => import('../pages/event-types/edit.tsx'), 'EditEventType'),
});

const inboxes = createRoute({
  getParentRoute: () => tenant,
  path: '/inboxes',
  component: page(() => import('../pages/inboxes/list.tsx'), 'Inboxes'),
});

const inbox = createRoute({
  getParentRoute: () => tenant,
  path: '/inboxes/$inbox',
  validateSearch: parseInbox,
  component: page(() => import('../pages/inboxes/inbox.tsx'), 'InboxPage'),
});

const capture = createRoute({
  getParentRoute: () => inbox,
  path: '/$capture',
  component: page(() => import('../pages/inboxes/capture.tsx'), 'CapturePane'),
});

const inboxRules = createRoute({
  getParentRoute: () => tenant,
  path: '/inboxes/$inbox/rules',
  validateSearch: ({ from }: Record<string, unknown>): { from?: CaptureRow['id'] } =>
    typeof from === 'string' ? { from: from as CaptureRow['id'] } : {},
  component: page(() => import('../pages/inboxes/rules.tsx'), 'InboxRules'),
});

const inboxSettings = createRoute({
  getParentRoute: () => tenant,
  path: '/inboxes/$inbox/settings',
  component: page(() => import('../pages/inboxes/settings.tsx'), 'InboxSettings'),
});

const settings = createRoute({
  getParentRoute: () => tenant,
  path: '/settings',
  component: page(() => import('../pages/settings/settings.tsx'), 'Settings'),
});

const apps = createRoute({
  getParentRoute: () => tenant,
  path: '/apps',
  component: page(() => import('../pages/apps/apps.tsx'), 'Apps'),
});

const alerts = createRoute({
  getParentRoute: () => tenant,
  path: '/alerts',
  component: page(() => import('../pages/alerts/alerts.tsx'), 'Alerts'),
});

const operator = createRoute({ getParentRoute: () => root, path: '/-', component: Outlet });

const authorize = createRoute({
  getParentRoute: () => operator,
  path: '/authorize',
  component: page(() => import('../pages/apps/authorize.tsx'), 'Authorize'),
});

const tenants = createRoute({
  getParentRoute: () => operator,
  path: '/tenants',
  component: page(() => import('../pages/operator/tenants.tsx'), 'Tenants'),
});

const keys = createRoute({
  getParentRoute: () => operator,
  path: '/keys',
  component: page(() => import('../pages/operator/keys.tsx'), 'Keys'),
});

const sessions = createRoute({
  getParentRoute: () => operator,
  path: '/sessions',
  component: page(() => import('../pages/operator/sessions.tsx'), 'Sessions'),
});

const nodes = createRoute({
  getParentRoute: () => operator,
  path: '/nodes',
  component: page(() => import('../pages/operator/nodes.tsx'), 'Nodes'),
});

export function makeRouter({ base, portal }: Place, own: string | null) {
  const index = createRoute({
    getParentRoute: () => root,
    path: '/',
    beforeLoad: () => {
      const last = portal ?? own ?? lastTenant() ?? 'default';
      throw redirect({ to: '/$tenant', params: { tenant: last }, replace: true });
    },
  });
  const routeTree = root.addChildren([
    index,
    operator.addChildren([authorize, tenants, keys, sessions, nodes]),
    tenant.addChildren([
      overview,
      webhooks,
      newWebhook,
      webhook,
      editWebhook,
      activity.addChildren([attempt]),
      compose,
      event,
      eventTypes,
      newEventType,
      eventType,
      editEventType,
      inboxes,
      inbox.addChildren([capture]),
      inboxRules,
      inboxSettings,
      settings,
      apps,
      alerts,
    ]),
  ]);
  return createRouter({
    routeTree,
    basepath: base + (portal === undefined ? '/dashboard' : '/portal'),
    defaultPreload: 'intent',
    defaultNotFoundComponent: NotFound,
    scrollRestoration: false,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
