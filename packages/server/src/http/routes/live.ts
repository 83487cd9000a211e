import { statusRange } from '../format.ts';
import { type Handlers, Streaming } from '../handlers.ts';
import type { LiveFeed } from '../live/feed.ts';

export function liveRoutes(feed: LiveFeed): Pick<Handlers, 'followLive'> {
  return {
    followLive({ params, query, principal }) {
      const { endpoint, type, state, status, fault } = query;
      const range = status === undefined ? undefined : statusRange(status);
      const { tenant } = params;
      const subscription = { tenant, endpoint, type, state, status: range, fault };
      feed.admit(principal.id);
      return new Streaming(({ exchange, headers, allowed }) => {
        const given = exchange.req.headers['last-event-id'];
        const after = typeof given === 'string' && given !== '' ? given : query.after;
        feed.follow(exchange, { key: principal.id, subscription, after, allowed }, headers);
      });
    },
  };
}
