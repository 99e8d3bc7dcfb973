create table people (id text primary key, name text not null);
