import type { Ms } from '../../core/model.ts';
import { bools, int2s, int4s, int8s, texts, uuids } from '../postgres/arrays.ts';
import { dayOfEvent } from '../postgres/partitions.ts';
import { eventId, slotOfRest } from '../sqlite/keys.ts';
import { type Step, same, tableStep } from './step.ts';

/** What is still to be done. */

interface DeliveryRow {
  readonly slot: number;
  readonly lane: number;
  readonly due_at: Ms;
  readonly event: number;
  readonly run: number;
  readonly rest: Uint8Array;
  readonly attempt: number;
  readonly starts: number;
  readonly own_id: number;
}

const deliveries = tableStep<DeliveryRow>({
  name: 'deliveries',
  file: 'main',
  table: 'delivery d',
  key: ['d.slot', 'd.lane', 'd.due_at', 'd.event', 'd.run'],
  least: [-1, -1, -1, Number.MIN_SAFE_INTEGER, -1],
  select: `select d.slot, d.lane, d.due_at, d.event, d.run, e.rest, d.attempt, d.starts, d.own_id
    from delivery d join event e on e.seq = d.event`,
  checks: {
    'deliveries owed': same('count(*) from delivery'),
    'when they are due': same('sum(due_at) from delivery'),
    'attempts made of them': same('sum(attempt) from delivery'),
  },
  async write(rows, _target, tx) {
    await tx.run(
      `insert into delivery (slot, lane, due_at, event, run, attempt, starts, own_id)
       select * from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::int[],
         $6::smallint[], $7::smallint[], $8::boolean[])`,
      int2s(rows.map(({ slot }) => slot)),
      int8s(rows.map(({ lane }) => lane)),
      int8s(rows.map((row) => row.due_at)),
      uuids(rows.map(({ event, rest }) => eventId(event, rest))),
      int4s(rows.map(({ run }) => run)),
      int2s(rows.map(({ attempt }) => attempt)),
      int2s(rows.map(({ starts }) => starts)),
      bools(rows.map((row) => row.own_id !== 0)),
    );
  },
});

interface ExpansionRow {
  readonly event: number;
  readonly done: number;
  readonly rest: Uint8Array;
}

const expansions = tableStep<ExpansionRow>({
  name: 'wide fan-outs',
  file: 'main',
  table: 'expansion x',
  key: ['x.event'],
  least: [Number.MIN_SAFE_INTEGER],
  select: 'select x.event, x.done, e.rest from expansion x join event e on e.seq = x.event',
  checks: { 'wide fan-outs under way': same('count(*) from expansion') },
  async write(rows, _target, tx) {
    const ids = rows.map(({ event, rest }) => eventId(event, rest));
    await tx.run(
      `insert into expansion (slot, day, event, done)
       select * from unnest($1::smallint[], $2::int[], $3::uuid[], $4::int[])`,
      int2s(rows.map(({ rest }) => slotOfRest(rest))),
      int4s(ids.map(dayOfEvent)),
      uuids(ids),
      int4s(rows.map(({ done }) => done)),
    );
  },
});

interface LaneRow {
  readonly slot: number;
  readonly id: number;
  readonly not_before: Ms;
  readonly failing_since: Ms;
  readonly failures: number;
}

/** Lanes with a story; the others are made of what is owed. */
const lanes = tableStep<LaneRow>({
  name: 'lanes',
  file: 'main',
  table: 'lane',
  key: ['slot', 'id'],
  least: [-1, -1],
  select: 'select slot, id, not_before, failing_since, failures from lane',
  checks: {
    'lanes that fail': same('count(*) from lane where failures > 0'),
    'failures of lanes': same('sum(failures) from lane'),
  },
  async write(rows, _target, tx) {
    await tx.run(
      `insert into lane (slot, id, held, closed, not_before, failing_since, failures)
       select u.slot, u.id, e.held, e.closed, u.not_before, u.failing_since, u.failures
       from unnest($1::smallint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[])
         u(slot, id, not_before, failing_since, failures)
       join endpoint e on e.number = u.id / 16`,
      int2s(rows.map(({ slot }) => slot)),
      int8s(rows.map(({ id }) => id)),
      int8s(rows.map((row) => row.not_before)),
      int8s(rows.map((row) => row.failing_since)),
      int4s(rows.map(({ failures }) => failures)),
    );
  },
});

const alerts = tableStep<{ endpoint: number; level: number }>({
  name: 'alerts',
  file: 'main',
  table: 'alert',
  key: ['endpoint'],
  least: [-1],
  select: 'select endpoint, level from alert',
  checks: { alerts: same('count(*) from alert') },
  async write(rows, _target, tx) {
    await tx.run(
      'insert into alert (endpoint, level) select * from unnest($1::bigint[], $2::int[])',
      int8s(rows.map(({ endpoint }) => endpoint)),
      int4s(rows.map(({ level }) => level)),
    );
  },
});

interface JobRow {
  readonly id: string;
  readonly tenant: string;
  readonly kind: string;
  readonly state: string;
  readonly created_at: Ms;
  readonly ended_at: Ms | null;
  readonly value: string;
}

const jobs = tableStep<JobRow>({
  name: 'jobs',
  file: 'main',
  table: 'job',
  key: ['id'],
  least: [''],
  select: 'select id, tenant, kind, state, created_at, ended_at, value from job',
  bytesOf: ({ value }) => value.length,
  checks: {
    jobs: same('count(*) from job'),
    'jobs under way': same("count(*) from job where state = 'running'"),
  },
  async write(rows, _target, tx) {
    await tx.run(
      `insert into job (id, tenant, kind, state, created_at, ended_at, value)
       select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
         $7::text[])`,
      texts(rows.map(({ id }) => id)),
      texts(rows.map(({ tenant }) => tenant)),
      texts(rows.map(({ kind }) => kind)),
      texts(rows.map(({ state }) => state)),
      int8s(rows.map((row) => row.created_at)),
      int8s(rows.map((row) => row.ended_at)),
      texts(rows.map(({ value }) => value)),
    );
  },
});

export const OWED_STEPS: readonly Step[] = [deliveries, expansions, lanes, alerts, jobs];
