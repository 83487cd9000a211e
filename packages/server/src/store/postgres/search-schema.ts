/**
 * The text index. A document is an event with the words of it and of its failed attempts, as terms that
 * were cut out before: the server parses no text. `fastupdate = off`: what is new is found by a
 * look-up like everything else, not in a list that is read through.
 */
export const SEARCH_MIGRATION = {
  safeFrom: 1,
  sql: `
  create table doc (
    slot smallint not null, day int not null, id uuid not null, tenant text not null,
    terms tsvector not null, primary key (slot, id, day)
  ) partition by range (day);
  create index doc_terms on doc using gin (terms) with (fastupdate = off);

  -- Events from this id on, up to the next volume's; its number is a part of their terms.
  create table doc_volume (n int primary key, first uuid not null unique, docs int not null);
  -- One row: how far the log was read into the index, the highest id in it, and when the last event
  -- read was stored. Its lock decides who adds words, and who takes them away.
  create table indexed (
    id boolean primary key default true check (id),
    event bigint not null default 0, attempt bigint not null default 0,
    newest uuid not null default '00000000-0000-0000-0000-000000000000', at bigint not null default 0
  );
  insert into doc_volume values (1, '00000000-0000-0000-0000-000000000000', 0);
  insert into indexed default values;

  -- Days that there are already.
  do $$
  declare
    part text;
    day int;
  begin
    for part in select right(inhrelid::regclass::text, 8) from pg_inherits
      where inhparent = 'posthorn.event'::regclass loop
      day := to_date(part, 'YYYYMMDD') - date '1970-01-01';
      execute format('create table posthorn.doc_%s partition of posthorn.doc for values from (%s) to (%s)',
        part, day, day + 1);
    end loop;
  end $$;
  `,
};
