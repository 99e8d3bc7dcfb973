create table payments (
  id uuid primary key,
  order_id uuid not null unique,
  amount_cents integer not null check (amount_cents > 0),
  refunded_cents integer not null default 0,
  currency text not null check (currency = 'EUR'),
  provider_reference text not null unique,
  created_at timestamptz not null default now(),
  check (refunded_cents between 0 and amount_cents)
);

create table refunds (
  id uuid primary key,
  payment_id uuid not null references payments (id),
  amount_cents integer not null check (amount_cents > 0),
  reason text not null,
  provider_reference text not null unique,
  created_at timestamptz not null default now()
);

create index refunds_of_payment on refunds (payment_id, created_at, id);
