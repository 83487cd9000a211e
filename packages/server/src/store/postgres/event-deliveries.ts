import { type EndpointId, LANE_PARTS, type LaneId, type Ms } from '../../core/model.ts';
import {
  type EventHead,
  type Logged,
  type Part,
  type Parts,
  type PartsQuery,
  pageOfLanes,
  partsOf,
} from '../event-parts.ts';
import { int8s, uuid } from './arrays.ts';
import type { Querying } from './database.ts';
import type { EventKey } from './scan.ts';

/** The deliveries of one event, by lane and run. */
export async function readParts(
  db: Querying,
  { id, slot }: EventKey,
  query: PartsQuery,
): Promise<Parts> {
  const key = [slot, uuid(id)] as const;
  const head = await db.get<EventHead & { lanes: LaneId[] }>(
    'select tenant, type, created_at, lanes from event where slot = $1 and id = $2',
    ...key,
  );
  if (!head) return { rows: [], next: undefined };
  const page = pageOfLanes(head.lanes, query);
  const lanes = int8s(page.lanes);
  const [again, logged, endpoints] = await Promise.all([
    db.all<Part & { due_at: Ms }>(
      `select lane, run, due_at from delivery
       where slot = $1 and event = $2 and run > 0 and lane = any ($3::bigint[])`,
      ...key,
      lanes,
    ),
    db.all<Logged>(
      `select lane, run, n, started_at, state, next_at, status, fault, flags from attempt
       where slot = $1 and event = $2 and lane = any ($3::bigint[]) order by seq`,
      ...key,
      lanes,
    ),
    db.all<{ number: number; id: EndpointId }>(
      `select number, id from endpoint
       where number in (select id / ${LANE_PARTS} from unnest($1::bigint[]) u(id))`,
      int8s(page.page),
    ),
  ]);
  const named = new Map(endpoints.map((one) => [one.number, one.id]));
  const record = { id, head, fanOut: head.lanes };
  return partsOf(record, { ...page, again, logged, endpoints: named }, query);
}
