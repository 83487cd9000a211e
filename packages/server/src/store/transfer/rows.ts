import type { Endpoint, Ms } from '../../core/model.ts';
import { bools, byteas, int2s, int4s, int8s, texts, uuids } from '../postgres/arrays.ts';
import { stateOf } from '../postgres/config.ts';
import { subjectOf } from '../postgres/insertion.ts';
import { dayOf, dayOfEvent } from '../postgres/partitions.ts';
import { openItem } from '../sealed.ts';
import { eventId, slotOfRest } from '../sqlite/keys.ts';
import { type Step, same, tableStep } from './step.ts';

/** Configuration, events, and the log. */

interface NumberRow {
  readonly number: number;
  readonly endpoint: string;
  readonly tenant: string | null;
  readonly version: number | null;
  readonly value: Uint8Array | null;
}

const endpoints = tableStep<NumberRow>({
  name: 'endpoints',
  file: 'main',
  table: 'endpoint_number n',
  key: ['n.number'],
  least: [-1],
  select: `select n.number, n.endpoint, i.tenant, i.version, i.value from endpoint_number n
    left join item i on i.kind = 'endpoint' and i.id = n.endpoint`,
  checks: {
    endpoints: same('count(*) from endpoint_number', 'count(*) from endpoint'),
    'numbers of endpoints': same('sum(number) from endpoint_number', 'sum(number) from endpoint'),
  },
  async write(rows, { vault }, tx) {
    const states = rows.map(({ endpoint: id, value }) =>
      stateOf(value && (openItem(vault, { kind: 'endpoint', id }, value) as Endpoint)),
    );
    await tx.run(
      `insert into endpoint (number, id, tenant, fifo, held, closed, version)
       select * from unnest($1::bigint[], $2::text[], $3::text[], $4::boolean[], $5::boolean[],
         $6::boolean[], $7::bigint[])`,
      int8s(rows.map(({ number }) => number)),
      texts(rows.map(({ endpoint }) => endpoint)),
      texts(rows.map(({ tenant }) => tenant ?? '')),
      bools(states.map(({ fifo }) => fifo)),
      bools(states.map(({ held }) => held)),
      bools(states.map(({ closed }) => closed)),
      int8s(rows.map(({ version }) => version ?? 0)),
    );
  },
});

interface ItemRow {
  readonly kind: string;
  readonly id: string;
  readonly tenant: string;
  readonly version: number;
  readonly value: Uint8Array | null;
}

/** Sealed by the same key under the same names: the bytes are carried over as they are. */
const items = tableStep<ItemRow>({
  name: 'configuration',
  file: 'main',
  table: 'item',
  key: ['version'],
  least: [-1],
  select: 'select kind, id, tenant, version, value from item',
  bytesOf: ({ value }) => value?.length ?? 0,
  checks: {
    configuration: same('count(*) from item'),
    'newest version': same('coalesce(max(version), 0) from item', 'version from head'),
    'bytes of configuration': same('sum(length(value)) from item'),
  },
  async write(rows, _target, tx) {
    await tx.run(
      `insert into item (kind, id, tenant, version, value)
       select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])`,
      texts(rows.map(({ kind }) => kind)),
      texts(rows.map(({ id }) => id)),
      texts(rows.map(({ tenant }) => tenant)),
      int8s(rows.map(({ version }) => version)),
      byteas(rows.map(({ value }) => value)),
    );
  },
});

interface EventRow {
  readonly seq: number;
  readonly rest: Uint8Array;
  readonly tenant: string;
  readonly type: string;
  readonly occurred_at: Ms;
  readonly created_at: Ms;
  readonly idem: string | null;
  readonly hash: Uint8Array | null;
  readonly lanes: string;
  readonly meta: string;
  readonly data: Uint8Array;
  readonly erased_at: Ms | null;
}

const idOf = ({ seq, rest }: { seq: number; rest: Uint8Array }) => eventId(seq, rest);

const events = tableStep<EventRow>({
  name: 'events',
  file: 'main',
  table: 'event e',
  key: ['e.seq'],
  least: [Number.MIN_SAFE_INTEGER],
  select: `select e.seq, e.rest, t.text as tenant, y.text as type, e.occurred_at, e.created_at,
      e.idem, e.hash, e.lanes, e.meta, e.data, e.erased_at
    from event e join word t on t.number = e.tenant join word y on y.number = e.type`,
  bytesOf: ({ data, meta, lanes }) => data.length + meta.length + lanes.length,
  daysOf: (row) => [dayOfEvent(idOf(row))],
  checks: {
    events: same('count(*) from event'),
    'bytes of events': same('sum(length(data)) from event'),
    'deliveries ever routed': same(
      'sum(json_array_length(lanes)) from event',
      'sum(cardinality(lanes)) from event',
    ),
    'idempotency keys': same('count(idem) from event', 'count(*) from idem'),
  },
  async write(rows, _target, tx) {
    const ids = rows.map(idOf);
    await tx.run(
      `insert into event (slot, day, id, tenant, type, occurred_at, created_at, idem, subject, meta,
         lanes, data, erased_at)
       select slot, day, id, tenant, type, occurred_at, created_at, idem, subject, meta,
         lanes::bigint[], data, erased_at
       from unnest($1::smallint[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
         $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[], $13::bigint[])
         with ordinality u(slot, day, id, tenant, type, occurred_at, created_at, idem, subject, meta,
         lanes, data, erased_at, n)
       order by n`,
      int2s(rows.map(({ rest }) => slotOfRest(rest))),
      int4s(ids.map(dayOfEvent)),
      uuids(ids),
      texts(rows.map(({ tenant }) => tenant)),
      texts(rows.map(({ type }) => type)),
      int8s(rows.map((row) => row.occurred_at)),
      int8s(rows.map((row) => row.created_at)),
      texts(rows.map(({ idem }) => idem)),
      texts(rows.map(subjectOf)),
      texts(rows.map(({ meta }) => meta)),
      texts(rows.map(({ lanes }) => `{${lanes.slice(1, -1)}}`)),
      byteas(rows.map(({ data }) => data)),
      int8s(rows.map((row) => row.erased_at)),
    );
    const keyed = rows.flatMap((row) =>
      row.idem === null ? [] : [{ ...row, idem: row.idem, id: idOf(row) }],
    );
    await tx.run(
      `insert into idem (slot, day, tenant, key, event, hash)
       select * from unnest($1::smallint[], $2::int[], $3::text[], $4::text[], $5::uuid[], $6::bytea[])`,
      int2s(keyed.map(({ rest }) => slotOfRest(rest))),
      int4s(keyed.map(({ id }) => dayOfEvent(id))),
      texts(keyed.map(({ tenant }) => tenant)),
      texts(keyed.map(({ idem }) => idem)),
      uuids(keyed.map(({ id }) => id)),
      byteas(keyed.map(({ hash }) => hash)),
    );
  },
});

interface AttemptRow {
  readonly seq: number;
  readonly event: number;
  readonly rest: Uint8Array;
  readonly tenant: string;
  readonly type: string;
  readonly slot: number;
  readonly lane: number;
  readonly run: number;
  readonly n: number;
  readonly started_at: Ms;
  readonly state: number;
  readonly next_at: Ms | null;
  readonly status: number | null;
  readonly fault: string | null;
  readonly flags: number;
  readonly timings: string;
  readonly detail: string;
  readonly remote: string | null;
  readonly url: string | null;
  readonly req_head: Uint8Array | null;
  readonly body_before: Uint8Array | null;
  readonly body_after: Uint8Array | null;
  readonly res_head: Uint8Array | null;
  readonly res_body: Uint8Array | null;
}
const BYTES = ['req_head', 'body_before', 'body_after', 'res_head', 'res_body'] as const;
const BYTES_SUM = BYTES.map((name) => `coalesce(sum(length(${name})), 0)`).join(' + ');

/** Their numbers stay: ids of attempts are made of them, and places in the live feed. */
const attempts = tableStep<AttemptRow>({
  name: 'attempts',
  file: 'main',
  table: 'attempt a',
  key: ['a.seq'],
  least: [-1],
  select: `select a.seq, a.event, ifnull(e.rest, zeroblob(8)) as rest, t.text as tenant,
      y.text as type, a.slot, a.lane, a.run, a.n, a.started_at, a.state, a.next_at, a.status, a.fault,
      a.flags, a.timings, a.detail, a.remote, a.url, ${BYTES.map((name) => `a.${name}`).join(', ')}
    from attempt a left join event e on e.seq = a.event
    join word t on t.number = a.tenant join word y on y.number = a.type`,
  bytesOf: (row) => BYTES.reduce((sum, name) => sum + (row[name]?.length ?? 0), 0),
  daysOf: (row) => [dayOf(row.started_at)],
  checks: {
    attempts: same('count(*) from attempt'),
    'bytes of attempts': same(`${BYTES_SUM} from attempt`),
    'deliveries that ended': same('count(*) from attempt where state <> 0'),
  },
  async write(rows, _target, tx) {
    await tx.run(
      `insert into attempt (seq, slot, day, event, tenant, type, lane, run, n, started_at, state,
         next_at, status, fault, flags, timings, detail, remote, url, ${BYTES.join(', ')})
       select * from unnest($1::bigint[], $2::smallint[], $3::int[], $4::uuid[], $5::text[], $6::text[],
         $7::bigint[], $8::int[], $9::int[], $10::bigint[], $11::smallint[], $12::bigint[], $13::int[],
         $14::text[], $15::int[], $16::text[], $17::text[], $18::text[], $19::text[], $20::bytea[],
         $21::bytea[], $22::bytea[], $23::bytea[], $24::bytea[])`,
      int8s(rows.map(({ seq }) => seq)),
      int2s(rows.map(({ slot }) => slot)),
      int4s(rows.map((row) => dayOf(row.started_at))),
      uuids(rows.map(({ event, rest }) => eventId(event, rest))),
      texts(rows.map(({ tenant }) => tenant)),
      texts(rows.map(({ type }) => type)),
      int8s(rows.map(({ lane }) => lane)),
      int4s(rows.map(({ run }) => run)),
      int4s(rows.map(({ n }) => n)),
      int8s(rows.map((row) => row.started_at)),
      int2s(rows.map(({ state }) => state)),
      int8s(rows.map((row) => row.next_at)),
      int4s(rows.map(({ status }) => status)),
      texts(rows.map(({ fault }) => fault)),
      int4s(rows.map(({ flags }) => flags)),
      texts(rows.map(({ timings }) => timings)),
      texts(rows.map(({ detail }) => detail)),
      texts(rows.map(({ remote }) => remote)),
      texts(rows.map(({ url }) => url)),
      ...BYTES.map((name) => byteas(rows.map((row) => row[name]))),
    );
  },
});

export const ROW_STEPS: readonly Step[] = [endpoints, items, events, attempts];
