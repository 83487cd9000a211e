import { StoreError } from '../store.ts';
import type { Database } from './database.ts';

/**
 * Forward-only migrations, each in one transaction with its number. `user_version` holds the last
 * one applied; a newer store than this program knows is refused.
 */
const MIGRATIONS: readonly string[] = [
  `
  create table meta (key text primary key, value any) strict, without rowid;

  -- Tenants and event types by number: they stand in every row.
  create table word (number integer primary key, text text not null unique) strict;

  -- Configuration: one row per thing, the last change only. value null = deleted.
  create table item (
    kind text not null, id text not null, tenant text not null,
    version integer not null, value blob,
    primary key (kind, id)
  ) strict, without rowid;
  create index item_version on item (version);
  create index item_tenant on item (kind, tenant, id);

  create table endpoint_number (
    number integer primary key autoincrement, endpoint text not null unique
  ) strict;

  -- Only lanes that are not in the state every lane starts in.
  create table lane (
    slot integer not null, id integer not null,
    not_before integer not null, failing_since integer not null, failures integer not null,
    primary key (slot, id)
  ) strict, without rowid;

  -- seq: time and counter of the event's id; rest: the id's other 8 bytes (keys.ts). All that names
  -- an event below does so by its seq.
  create table event (
    seq integer primary key, rest blob not null, tenant integer not null, type integer not null,
    occurred_at integer not null, created_at integer not null,
    idem text, hash blob, lanes text not null, meta text not null, data blob not null
  ) strict;
  -- An index ends in the row's key: of a tenant, newest first, is one range without sorting.
  create index event_tenant on event (tenant);
  create unique index event_idem on event (tenant, idem) where idem is not null;

  -- The only hot table: deliveries that are owed. A finished delivery is a deleted row.
  create table delivery (
    slot integer not null, lane integer not null, due_at integer not null,
    event integer not null, run integer not null,
    attempt integer not null, starts integer not null,
    primary key (slot, lane, due_at, event, run)
  ) strict, without rowid;

  -- Fan-outs too wide for one transaction: lanes from \`done\` on are still to be inserted.
  create table expansion (event integer primary key, done integer not null) strict;

  -- Asked of a held lane, not yet carried out by its holder.
  create table command (
    slot integer not null, lane integer not null, event integer not null, run integer not null,
    kind text not null, primary key (slot, lane, event, run, kind)
  ) strict, without rowid;

  -- Append-only: one row per exchange, and one per decision without an exchange (n = 0). Its id is
  -- made of started_at and seq (keys.ts).
  create table attempt (
    seq integer primary key, event integer not null, tenant integer not null, type integer not null,
    slot integer not null, lane integer not null, run integer not null, n integer not null,
    started_at integer not null, state integer not null, next_at integer,
    status integer, fault text, flags integer not null,
    timings text not null, detail text not null, remote text, url text,
    req_head blob, body_before blob, body_after blob, res_head blob, res_body blob
  ) strict;
  create index attempt_event on attempt (event);
  create index attempt_tenant on attempt (tenant);
  -- Of an endpoint, over all its lanes (LANE_PARTS).
  create index attempt_endpoint on attempt (lane / 16);
  -- Few in a healthy store, and what people look for.
  create index attempt_failed on attempt (tenant) where state in (2, 3);
  `,
  `
  -- Endpoints (by number) of which was told that they are failing, up to which level, since their last
  -- success or change.
  create table alert (endpoint integer primary key, level integer not null) strict;
  `,
  `
  -- 1 = sent under a webhook-id of its own.
  alter table delivery add column own_id integer not null default 0;
  -- Runs that people or jobs asked for are found by their event; what was routed needs no index.
  create index delivery_again on delivery (event) where run > 0;
  `,
  `
  -- What people asked to be done in the background; value: JSON of what is not a column.
  create table job (
    id text primary key, tenant text not null, kind text not null, state text not null,
    created_at integer not null, ended_at integer, value text not null
  ) strict, without rowid;
  create index job_tenant on job (tenant, id);
  create index job_running on job (id) where state = 'running';
  create index job_ended on job (ended_at) where ended_at is not null;
  -- Of an endpoint, what was given up, in the order of events: what a recovery walks.
  create index attempt_given_up on attempt (lane / 16, event) where state = 2;
  `,
  `
  -- Attempts up to this one may have been removed: whoever follows the log is told, and keys of
  -- attempts are not given out again.
  create trigger attempt_removed after delete on attempt begin
    insert into meta (key, value) values ('attempt_removed', old.seq)
    on conflict (key) do update set value = max(value, excluded.value);
  end;
  `,
  `
  -- Set = its data and meta were taken, and the bytes of its attempts.
  alter table event add column erased_at integer;
  `,
  `
  -- Events stored when a newer one was there already: who follows events by their keys would miss them.
  create table late_event (n integer primary key autoincrement, event integer not null) strict;
  `,
  `
  -- Events that were erased or removed, newest 100,000: whoever derives from the log forgets them too.
  create table forgotten (n integer primary key autoincrement, event integer not null) strict;
  create trigger event_erased after update of erased_at on event
    when new.erased_at is not null and old.erased_at is null begin
    insert into forgotten (event) values (new.seq);
  end;
  create trigger event_removed after delete on event begin
    insert into forgotten (event) values (old.seq);
  end;
  create trigger forgotten_long after insert on forgotten when new.n % 1000 = 0 begin
    delete from forgotten where n <= new.n - 100000;
  end;
  `,
  `
  -- CRC-32 of what is sent (sums.ts); null = stored before there was one, or nothing is sent of it.
  alter table event add column sum integer;
  alter table attempt add column sum integer;
  `,
];

export function migrate(db: Database, migrations: readonly string[] = MIGRATIONS): void {
  const found = Number(db.get<{ user_version: number }>('pragma user_version')?.user_version);
  if (found > migrations.length) {
    throw new StoreError(
      'fatal',
      `The store was written by a newer Posthorn (schema ${found}, this one knows ${migrations.length}): start that release or a later one.`,
    );
  }
  for (let version = found; version < migrations.length; version++) {
    db.transaction(() => {
      db.exec(migrations[version] as string);
      db.exec(`pragma user_version = ${version + 1}`);
    });
  }
}
