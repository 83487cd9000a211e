import { type EndpointId, LANE_PARTS, type Ms } from '../../core/model.ts';
import {
  type EventHead,
  type Logged,
  type Part,
  type Parts,
  type PartsQuery,
  pageOfLanes,
  partsOf,
} from '../event-parts.ts';
import { fitsDelivery } from '../log-filter.ts';
import type { DeliveryRow, Page } from '../store.ts';
import type { Database } from './database.ts';
import { type EventKey, eventId } from './keys.ts';
import type { Narrow } from './narrow.ts';

/** The deliveries of one event that fit, by lane and run; `inside` is the cursor. */
export function readDeliveries(
  db: Database,
  event: EventKey,
  of: { readonly narrow: Narrow; readonly inside: string | undefined; readonly limit: number },
): Page<DeliveryRow> {
  const { query, number } = of.narrow;
  const after = partOf(of.inside);
  const { rows, next } = readParts(db, event, { number, after, limit: of.limit });
  const items = rows.filter((row) => fitsDelivery(row, query));
  return { items, next: next && `${next.lane}.${next.run}` };
}

function partOf(inside: string | undefined): Part | undefined {
  if (inside === undefined) return undefined;
  const [lane, run] = inside.split('.').map(Number);
  return { lane: lane ?? Number.NaN, run: run ?? Number.NaN };
}

function readParts(db: Database, event: EventKey, query: PartsQuery): Parts {
  const head = readHead(db, event.seq);
  if (!head) return { rows: [], next: undefined };
  const fanOut = JSON.parse(head.lanes) as number[];
  const page = pageOfLanes(fanOut, query);
  const json = JSON.stringify(page.lanes);
  const again = db.all<Part & { due_at: Ms }>(
    `select lane, run, due_at from delivery indexed by delivery_again
     where event = ? and run > 0 and +lane in (select value from json_each(?))`,
    event.seq,
    json,
  );
  const logged = db.all<Logged>(
    `select lane, run, n, started_at, state, next_at, status, fault, flags
     from attempt indexed by attempt_event
     where event = ? and +lane in (select value from json_each(?)) order by seq`,
    event.seq,
    json,
  );
  const endpoints = endpointsOf(db, page.page);
  const record = { id: eventId(event.seq, event.rest), head, fanOut };
  return partsOf(record, { ...page, again, logged, endpoints }, query);
}

function readHead(db: Database, seq: number): (EventHead & { lanes: string }) | undefined {
  return db.get<EventHead & { lanes: string }>(
    `select t.text as tenant, y.text as type, e.created_at as created_at, e.lanes as lanes
     from event e join word t on t.number = e.tenant join word y on y.number = e.type
     where e.seq = ?`,
    seq,
  );
}

function endpointsOf(db: Database, lanes: readonly number[]): Map<number, EndpointId> {
  const rows = db.all<{ number: number; endpoint: EndpointId }>(
    `select number, endpoint from endpoint_number
     where number in (select value / ${LANE_PARTS} from json_each(?))`,
    JSON.stringify(lanes),
  );
  return new Map(rows.map(({ number, endpoint }) => [number, endpoint]));
}
