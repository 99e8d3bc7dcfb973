create table letters (
  id text primary key,
  person_id text not null,
  text text not null,
  reads int not null default 0
);
create table tallies (name text primary key, count int not null);
