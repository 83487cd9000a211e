import { matchesPattern } from '@posthorn/wire';
import { LANE_PARTS } from '../../core/model.ts';
import { numberOfLane } from '../../core/routing.ts';
import type { Candidate, CandidateQuery, Candidates } from '../jobs.ts';
import type { Database } from './database.ts';
import { eventId, eventSeq, SEQ_MIN, seqAt } from './keys.ts';
import { lastRun } from './owed.ts';

interface EventColumns {
  readonly seq: number;
  readonly rest: Uint8Array;
  readonly tenant: string;
  readonly type: string;
  readonly meta: string;
  readonly lanes: string;
}

/** Events in their order that may be owed to an endpoint again, from a place on. */
export function readCandidates(db: Database, query: CandidateQuery): Candidates {
  const number = db.get<{ number: number }>(
    'select number from endpoint_number where endpoint = ?',
    query.endpoint,
  )?.number;
  if (number === undefined) return { items: [], place: 'end' };
  const rows = query.of === 'failed' ? failedAt(db, query, number) : allOf(db, query);
  const items = rows
    .filter(({ tenant }) => query.tenant === undefined || tenant === query.tenant)
    .filter(({ type }) => fits(query.types, type))
    .map((row) => toCandidate(db, row, { number, withData: query.withData }));
  const last = rows.length === query.limit ? rows.at(-1) : undefined;
  return { items, place: last ? eventId(last.seq, last.rest) : 'end' };
}

const COLUMNS =
  'e.seq as seq, e.rest as rest, t.text as tenant, y.text as type, e.meta as meta, e.lanes as lanes';
const JOINS = 'join word t on t.number = e.tenant join word y on y.number = e.type';

function failedAt(db: Database, query: CandidateQuery, number: number): EventColumns[] {
  return db.all<EventColumns>(
    `select ${COLUMNS} from (
       select distinct event from attempt
       where lane / ${LANE_PARTS} = ? and state = 2 and event > ? and event < ?
       order by event limit ?) a
     join event e on e.seq = a.event ${JOINS}
     where e.erased_at is null order by e.seq`,
    number,
    startOf(query),
    seqAt(query.to),
    query.limit,
  );
}

function allOf(db: Database, query: CandidateQuery): EventColumns[] {
  return db.all<EventColumns>(
    `select ${COLUMNS} from event e ${JOINS}
     where e.tenant = (select number from word where text = ?) and e.seq > ? and e.seq < ?
       and e.erased_at is null
     order by e.seq limit ?`,
    query.tenant ?? '',
    startOf(query),
    seqAt(query.to),
    query.limit,
  );
}

/** The last event that is not wanted any more. */
function startOf({ from, after }: CandidateQuery): number {
  return Math.max(after === undefined ? SEQ_MIN : eventSeq(after), seqAt(from) - 1);
}

function fits(types: readonly string[], type: string): boolean {
  return types.length === 0 || types.some((pattern) => matchesPattern(pattern, type));
}

function toCandidate(
  db: Database,
  row: EventColumns,
  { number, withData }: { readonly number: number; readonly withData: boolean },
): Candidate {
  const { seq, tenant, type, meta } = row;
  const lanes = (JSON.parse(row.lanes) as number[]).filter((lane) => numberOfLane(lane) === number);
  const last = lanes.length === 0 ? undefined : lastRun(db, { seq, lanes, number });
  const data = withData ? dataOf(db, seq) : undefined;
  return { event: eventId(seq, row.rest), tenant, type, meta, data, last };
}

function dataOf(db: Database, seq: number): Uint8Array | undefined {
  return db.get<{ data: Uint8Array }>('select data from event where seq = ?', seq)?.data;
}
