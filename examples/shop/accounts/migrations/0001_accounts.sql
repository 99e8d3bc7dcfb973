create table accounts (
  id text primary key,
  name text not null,
  email text not null,
  status text not null default 'active' check (status in ('active', 'suspended')),
  suspended_reason text,
  created_at timestamptz not null default now()
);

-- One person, one account, however the address is written.
create unique index accounts_email on accounts (lower(email));
-- The admin's list reads in this order.
create index accounts_newest on accounts (created_at desc, id desc);

create table addresses (
  id uuid primary key,
  account_id text not null references accounts (id) on delete cascade,
  recipient text not null,
  street text not null,
  postal_code text not null,
  city text not null,
  country text not null check (country ~ '^[A-Z]{2}$'),
  created_at timestamptz not null default now()
);

create index addresses_of_account on addresses (account_id, created_at, id);
