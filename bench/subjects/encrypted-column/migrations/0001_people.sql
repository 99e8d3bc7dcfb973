create table people (
  id uuid primary key,
  account_id uuid not null,
  name text not null,
  email text not null,
  street text not null,
  city text not null,
  tags jsonb not null
);
