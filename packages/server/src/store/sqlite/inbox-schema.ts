/** Migrations of captures.db, which has a life of its own: what strangers send shares no file with what is owed. */
export const INBOX_MIGRATIONS: readonly string[] = [
  `
  -- keep: JSON of its bounds; null = the inbox is gone and its rows are to be removed.
  create table inbox (
    number integer primary key autoincrement, id text not null unique, slot integer not null,
    head integer not null, captures integer not null, bytes integer not null, keep text
  ) strict;

  -- key: number of the inbox × 2^32 + number of the capture. One tree, no other index for reading an
  -- inbox in order; the body stands last, so that lists do not read it.
  create table capture (
    key integer primary key,
    received_at integer not null, method text not null, target text not null,
    path_at integer not null, remote text not null,
    flags integer not null, body_bytes integer not null, stored integer not null,
    answered_by text not null, status integer, duration real, error text, exchanges integer not null,
    type text, message_id text, note text not null, head blob not null, body blob
  ) strict;
  create index capture_message on capture (message_id) where message_id is not null;

  -- Bodies too long for a row, in pieces of equal size.
  create table piece (
    capture integer not null, n integer not null, bytes blob not null, primary key (capture, n)
  ) strict;

  create table exchange (
    seq integer primary key, capture integer not null, kind text not null, dest text not null,
    at integer not null, duration real not null, status integer, error text, flags integer not null,
    req_head blob not null, req_body blob, res_head blob not null, res_body blob not null
  ) strict;
  create index exchange_capture on exchange (capture);

  create table listener (
    inbox integer not null, name text not null, acked integer not null, done text not null,
    filter text not null, generation integer not null, created_at integer not null,
    seen_at integer not null, primary key (inbox, name)
  ) strict, without rowid;

  create table attachment (
    id text primary key, inbox integer not null, held text not null
  ) strict, without rowid;
  create index attachment_inbox on attachment (inbox);
  `,
];
