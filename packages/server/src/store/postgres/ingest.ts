import type { EventId, Ms } from '../../core/model.ts';
import type { IngestedEvent, IngestReply, IngestRequest, NewEvent } from '../store.ts';
import { byteas, int2s, int4s, texts, uuids } from './arrays.ts';
import type { Context } from './context.ts';
import { type Querying, Repeat } from './database.ts';
import { insertEvents, insertPlain, plainBatch } from './insertion.ts';
import { dayOfEvent } from './partitions.ts';

export async function ingest(
  ctx: Context,
  batch: readonly IngestRequest[],
  at: { readonly configVersion: number; readonly now: Ms },
): Promise<IngestReply[]> {
  const events = batch.flatMap((request) => request.events);
  await ctx.endpoints.upTo(at.configVersion);
  await ctx.partitions.ensure(events.map(({ id }) => dayOfEvent(id)));
  const replies =
    (await storePlain(ctx, { batch, ...at })) ??
    (await ctx.db.writes.transaction((tx) => store(ctx, tx, { batch, ...at })));
  ctx.at('store:committed');
  ctx.at('store:flushed');
  return replies;
}

interface Storing {
  readonly batch: readonly IngestRequest[];
  readonly configVersion: number;
  readonly now: Ms;
}

/** Events without a key of their own, in one round trip. undefined = it takes more. */
async function storePlain(ctx: Context, storing: Storing): Promise<IngestReply[] | undefined> {
  const { batch, configVersion, now } = storing;
  const events = batch.flatMap((request) => request.events);
  if (events.length === 0 || events.some(isKeyed)) return undefined;
  const plain = plainBatch(ctx, { events, now });
  if (!plain) return undefined;
  ctx.at('store:begun');
  const done = await ctx.db.writes.burst((tx) => insertPlain(tx, plain, configVersion));
  if (done.kind === 'special') return undefined;
  if (done.kind === 'stale') return batch.map(() => ({ kind: 'stale', version: done.routing }));
  return batch.map(({ events }) => ({
    kind: 'accepted',
    events: events.map((event) => ({
      id: event.id,
      duplicate: false,
      deliveries: event.lanes.length,
      irregular: false,
    })),
  }));
}

async function store(ctx: Context, tx: Querying, storing: Storing): Promise<IngestReply[]> {
  const { batch, configVersion, now } = storing;
  ctx.at('store:begun');
  const keyed = batch.flatMap(({ events }) => events.filter(isKeyed));
  const [head, known] = await Promise.all([
    tx.get<{ routing: number }>('select routing from head'),
    keyed.length > 0 ? findKeys(tx, keyed) : new Map<string, First>(),
  ]);
  const routing = head?.routing ?? 0;
  if (configVersion < routing) return batch.map(() => ({ kind: 'stale', version: routing }));
  const fresh: NewEvent[] = [];
  const decided = batch.map(({ events }) => decide(events, known, fresh));
  const keeping = keepKeys(tx, fresh.filter(isKeyed));
  const inserting = insertEvents(ctx, tx, { events: fresh, now });
  // Sent together; nothing may follow a failure of either, which ends the transaction.
  await Promise.allSettled([keeping, inserting]);
  await keeping;
  const irregular = await inserting;
  ctx.at('store:written');
  return decided.map((reply): IngestReply => {
    if (reply.kind !== 'accepted') return reply;
    const events = reply.events.map(({ event, stored }) =>
      event && irregular.has(event) ? { ...stored, irregular: true } : stored,
    );
    return { kind: 'accepted', events };
  });
}

/** The event that a key stands for. */
interface First {
  readonly id: EventId;
  readonly hash: Uint8Array;
  readonly deliveries: number;
}

type Decided =
  | Exclude<IngestReply, { kind: 'accepted' }>
  | {
      readonly kind: 'accepted';
      /** `event`: to be stored; undefined = it is there. */
      readonly events: readonly { event: NewEvent | undefined; stored: IngestedEvent }[];
    };

/** In the order of the requests: what an earlier one stores, a later one repeats. */
function decide(
  events: readonly NewEvent[],
  known: Map<string, First>,
  fresh: NewEvent[],
): Decided {
  const here = new Map<string, First>();
  const decided: { event: NewEvent | undefined; stored: IngestedEvent }[] = [];
  for (const [index, event] of events.entries()) {
    const place = `${event.tenant}\n${event.idempotencyKey}`;
    const first = isKeyed(event) ? (known.get(place) ?? here.get(place)) : undefined;
    const { hash = EMPTY, id, lanes } = event;
    if (first && Buffer.compare(first.hash, hash) !== 0) {
      return { kind: 'conflict', index, existing: first.id };
    }
    if (!first && isKeyed(event)) here.set(place, { id, hash, deliveries: lanes.length });
    const { id: stored, deliveries } = first ?? { id, deliveries: lanes.length };
    const duplicate = first !== undefined;
    decided.push({
      event: duplicate ? undefined : event,
      stored: { id: stored, duplicate, deliveries, irregular: false },
    });
  }
  for (const [place, first] of here) known.set(place, first);
  for (const { event } of decided) if (event) fresh.push(event);
  return { kind: 'accepted', events: decided };
}

const EMPTY = new Uint8Array();

function isKeyed({ idempotencyKey }: NewEvent): boolean {
  return idempotencyKey !== undefined;
}

async function findKeys(tx: Querying, events: readonly NewEvent[]): Promise<Map<string, First>> {
  const rows = await tx.all<First & { tenant: string; key: string }>(
    `select i.tenant, i.key, i.event as id, i.hash, coalesce(cardinality(e.lanes), 0) as deliveries
     from unnest($1::smallint[], $2::text[], $3::text[]) u(slot, tenant, key)
     join idem i using (slot, tenant, key)
     left join event e on e.slot = i.slot and e.id = i.event and e.day = i.day`,
    int2s(events.map(({ slot }) => slot)),
    texts(events.map(({ tenant }) => tenant)),
    texts(events.map(({ idempotencyKey }) => idempotencyKey ?? null)),
  );
  return new Map(rows.map((row) => [`${row.tenant}\n${row.key}`, row]));
}

/** Whoever comes second with a key waits here for the first, and then begins again. */
async function keepKeys(tx: Querying, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  const kept = await tx.run(
    `insert into idem (slot, day, tenant, key, event, hash)
       select * from unnest($1::smallint[], $2::int[], $3::text[], $4::text[], $5::uuid[], $6::bytea[])
         u(slot, day, tenant, key, event, hash) order by slot, tenant, key
       on conflict do nothing`,
    int2s(events.map(({ slot }) => slot)),
    int4s(events.map(({ id }) => dayOfEvent(id))),
    texts(events.map(({ tenant }) => tenant)),
    texts(events.map(({ idempotencyKey }) => idempotencyKey ?? null)),
    uuids(events.map(({ id }) => id)),
    byteas(events.map(({ hash }) => hash ?? EMPTY)),
  );
  if (kept < events.length) throw new Repeat();
}
