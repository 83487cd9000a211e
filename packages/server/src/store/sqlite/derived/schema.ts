import type { Database } from '../database.ts';

/**
 * Tables of `derived.db`. There are no migrations: a file of another version is thrown away, and made
 * again from the log.
 */
export const DERIVED_VERSION = 1;

const TABLES = `
  -- Whose log this is, and how far it was followed.
  create table meta (key text primary key, value any) strict, without rowid;

  -- Counts of one hour or one day (TALLY_KINDS) of a tenant (its word) or an endpoint (its number).
  create table tally (
    kind integer not null, of integer not null, at integer not null,
    events integer not null, succeeded integer not null, failed integer not null,
    cancelled integer not null, status2xx integer not null, status3xx integer not null,
    status4xx integer not null, status5xx integer not null, unanswered integer not null,
    latencies blob not null,
    primary key (kind, of, at)
  ) strict, without rowid;
  create index tally_at on tally (kind, at);

  create table health (
    kind integer not null, of integer not null,
    last_attempt_at integer, last_success_at integer, failing_since integer,
    primary key (kind, of)
  ) strict, without rowid;
`;

export function createDerived(db: Database): void {
  db.transaction(() => {
    db.exec(TABLES);
    db.exec(`pragma user_version = ${DERIVED_VERSION}`);
  });
}

export function derivedVersion(db: Database): number {
  return Number(db.get<{ user_version: number }>('pragma user_version')?.user_version);
}
