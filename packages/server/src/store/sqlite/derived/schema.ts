import type { Database } from '../database.ts';

/**
 * Tables of `derived.db`. There are no migrations: a file of another version is thrown away, and made
 * again from the log.
 */
export const DERIVED_VERSION = 4;

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

  -- Which blocks of the log have what (marks.ts).
  create table attempt_mark (
    era integer not null, scope integer not null, what text not null, block integer not null,
    primary key (era, scope, what, block)
  ) strict, without rowid;
  create table event_mark (
    era integer not null, scope integer not null, what text not null, block integer not null,
    primary key (era, scope, what, block)
  ) strict, without rowid;
  create table tenant_type (
    tenant integer not null, type integer not null, primary key (tenant, type)
  ) strict, without rowid;

  -- When the attempts of a block began, so that a range of time is a range of blocks.
  create table attempt_block (
    block integer primary key, floor_at integer not null, ceil_at integer not null
  ) strict;
  create index attempt_block_floor on attempt_block (floor_at);
  create index attempt_block_ceil on attempt_block (ceil_at);

  -- The text index: a table doc_<n> each (volumes.ts).
  create table volume (
    n integer primary key, first integer not null unique, docs integer not null,
    dirty integer not null, dirtied_at integer not null
  ) strict;
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
