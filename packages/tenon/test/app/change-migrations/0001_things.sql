create type mood as enum ('calm', 'wild');
create domain cents as integer check (value >= 0);
create domain price as cents;

create table things (
  id integer primary key,
  thing_name text not null,
  state text not null default 'new',
  total price not null default 0
);

create table order_lines (order_id text not null, line integer not null, count integer not null, primary key (order_id, line));

create table samples (
  id bigint primary key,
  a_bool boolean, a_small smallint, an_int integer, a_big bigint, a_real real, a_double double precision, a_numeric numeric,
  a_text text, a_varchar varchar(20), a_char char(5), a_name name, a_uuid uuid, some_bytes bytea,
  a_date date, a_time time, a_timetz timetz, a_timestamp timestamp, an_instant timestamptz, an_interval interval,
  some_json json, some_jsonb jsonb, a_mood mood, an_inet inet, a_price price,
  some_ints integer[], some_bigs bigint[], some_numerics numeric[], some_texts text[], some_bools boolean[], some_instants timestamptz[], some_bytes_list bytea[], some_moods mood[], some_jsons jsonb[]
);
